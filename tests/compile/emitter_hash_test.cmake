# cmake -Droot=REPOSITORY -Dfolder=SCRATCH -P emitter_hash_test.cmake
#
# The hash of the emitter is that of its sources: equal for equal ones wherever they lie, another
# one when one of them changes, is renamed or comes in addition.

function(hash_of result root sources)
  list(TRANSFORM sources PREPEND "${root}/")
  execute_process(COMMAND ${CMAKE_COMMAND} -Droot=${root} "-Dsources=${sources}"
    -Doutput=${folder}/hash.cpp -P ${script} COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${folder}/hash.cpp text)
  if(NOT text MATCHES "return \"([0-9a-f]+)\"")
    message(FATAL_ERROR "no hash in ${text}")
  endif()
  set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

function(expect_other hash what)
  if(hash STREQUAL first)
    message(FATAL_ERROR "${what}: the hash is the same")
  endif()
endfunction()

set(script ${root}/cmake/emitter_hash.cmake)
file(REMOVE_RECURSE ${folder})
file(WRITE ${folder}/a/emit.cpp "int lanes = 8;")
file(WRITE ${folder}/a/emit.h "")
file(WRITE ${folder}/b/emit.cpp "int lanes = 8;")
file(WRITE ${folder}/b/emit.h "")
hash_of(first ${folder}/a "emit.cpp;emit.h")
hash_of(elsewhere ${folder}/b "emit.cpp;emit.h")
if(NOT first STREQUAL elsewhere)
  message(FATAL_ERROR "equal sources in two folders have two hashes")
endif()
hash_of(fewer ${folder}/b "emit.cpp")
expect_other(${fewer} "one source less")
file(RENAME ${folder}/b/emit.h ${folder}/b/other.h)
hash_of(renamed ${folder}/b "emit.cpp;other.h")
expect_other(${renamed} "a source of another name")
file(WRITE ${folder}/a/emit.cpp "int lanes = 4;")
hash_of(changed ${folder}/a "emit.cpp;emit.h")
expect_other(${changed} "a source that changed")
file(REMOVE_RECURSE ${folder})
