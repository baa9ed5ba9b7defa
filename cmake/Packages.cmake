# The libraries outside the project's purpose. Each is taken from the system where it is installed
# and fetched otherwise; none is needed to use forger::autograd, which wants OpenMP alone.
include(FetchContent)
set(FETCHCONTENT_TRY_FIND_PACKAGE_MODE OPT_IN)

FetchContent_Declare(nlohmann_json GIT_REPOSITORY https://github.com/nlohmann/json.git
                     GIT_TAG v3.11.2 GIT_SHALLOW ON SYSTEM FIND_PACKAGE_ARGS NAMES nlohmann_json)
FetchContent_Declare(CLI11 GIT_REPOSITORY https://github.com/CLIUtils/CLI11.git
                     GIT_TAG v2.3.2 GIT_SHALLOW ON SYSTEM FIND_PACKAGE_ARGS)
FetchContent_Declare(doctest GIT_REPOSITORY https://github.com/doctest/doctest.git
                     GIT_TAG v2.4.9 GIT_SHALLOW ON SYSTEM FIND_PACKAGE_ARGS)
FetchContent_MakeAvailable(nlohmann_json)
if(FORGER_BUILD_TUTORIALS)
  FetchContent_MakeAvailable(CLI11)
endif()
if(FORGER_BUILD_TESTS)
  FetchContent_MakeAvailable(doctest)
endif()

# stb is headers without a build: found by path, or fetched.
find_path(FORGER_STB_DIR stb_image.h PATH_SUFFIXES stb)
if(NOT FORGER_STB_DIR)
  FetchContent_Declare(stb GIT_REPOSITORY https://github.com/nothings/stb.git
                       GIT_TAG 8b5f1f37b5b75829fc72d38e7b5d4bcbf8a26d55)
  FetchContent_MakeAvailable(stb)
  set(FORGER_STB_DIR ${stb_SOURCE_DIR} CACHE PATH "Folder of stb_image.h" FORCE)
endif()
add_library(forger_stb INTERFACE)
target_include_directories(forger_stb SYSTEM INTERFACE ${FORGER_STB_DIR})

# Eigen is headers, too. SOURCE_SUBDIR names no folder, so that its own targets are not configured.
if(FORGER_BUILD_TUTORIALS)
  find_path(FORGER_EIGEN_DIR Eigen/Eigenvalues PATH_SUFFIXES eigen3)
  if(NOT FORGER_EIGEN_DIR)
    FetchContent_Declare(eigen GIT_REPOSITORY https://gitlab.com/libeigen/eigen.git
                         GIT_TAG 3.4.0 GIT_SHALLOW ON SOURCE_SUBDIR none)
    FetchContent_MakeAvailable(eigen)
    set(FORGER_EIGEN_DIR ${eigen_SOURCE_DIR} CACHE PATH "Folder of Eigen/Eigenvalues" FORCE)
  endif()
  add_library(forger_eigen INTERFACE)
  target_include_directories(forger_eigen SYSTEM INTERFACE ${FORGER_EIGEN_DIR})
endif()

# giflib has no CMake project that could be fetched.
find_package(GIF 5.1)
if(NOT GIF_FOUND)
  message(FATAL_ERROR "giflib 5.1 or newer is missing: install libgif-dev (Debian, Ubuntu), "
                      "giflib-devel (Fedora) or giflib (Arch, Homebrew)")
endif()

add_library(forger_json INTERFACE)
target_link_libraries(forger_json INTERFACE nlohmann_json::nlohmann_json)
