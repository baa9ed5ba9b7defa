# Writes HEADER with the commit of SOURCE_DIR, "-dirty" behind it when files differ from it. The commit is
# "unknown" without git or in an unpacked archive, also if a folder above is a repository.
# GIT_OPTIONAL_LOCKS=0: a build must not get in the way of a git command in another terminal.
set(ENV{GIT_OPTIONAL_LOCKS} 0)
set(commit "unknown")
execute_process(
  COMMAND git --git-dir=${SOURCE_DIR}/.git describe --always --dirty --abbrev=40 --exclude=*
  WORKING_DIRECTORY ${SOURCE_DIR}
  RESULT_VARIABLE failed OUTPUT_VARIABLE found ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
if(failed STREQUAL "0" AND found MATCHES "^[0-9a-f]+(-dirty)?$")
  set(commit ${found})
endif()

set(text "inline constexpr const char* kCommit = \"${commit}\";\n")
set(old "")
if(EXISTS ${HEADER})
  file(READ ${HEADER} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${HEADER} "${text}")
endif()
