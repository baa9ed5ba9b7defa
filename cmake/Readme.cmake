# Cuts a block of code out of README.md, so that what a reader copies is what the tests compile.
set(FORGER_README ${CMAKE_CURRENT_LIST_DIR}/../README.md)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${FORGER_README})

# Sets `result` to the first block of that language under that heading.
function(forger_readme_block heading language result)
  file(READ ${FORGER_README} text)
  string(FIND "${text}" "\n## ${heading}\n" begin)
  if(begin EQUAL -1)
    message(FATAL_ERROR "README.md has no heading ${heading}")
  endif()
  string(SUBSTRING "${text}" ${begin} -1 text)
  if(NOT text MATCHES "\n```${language}\n([^`]*)```")
    message(FATAL_ERROR "README.md has no ${language} block under ${heading}")
  endif()
  set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
endfunction()
