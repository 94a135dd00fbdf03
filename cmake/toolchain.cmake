# The language, the speed of the build, and the warnings.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(TENON_CCACHE ccache)
  mark_as_advanced(TENON_CCACHE)
  if(TENON_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${TENON_CCACHE})
  endif()
endif()

# Precompiled in each of our targets: half of a compilation is reading these. Sources still include
# what they use.
set(TENON_COMMON_HEADERS
  <algorithm> <array> <cmath> <cstdint> <filesystem> <functional> <map> <memory> <mutex> <optional>
  <span> <string> <string_view> <unordered_map> <variant> <vector> <fmt/format.h>)

find_program(TENON_LINKER NAMES mold ld.lld)
mark_as_advanced(TENON_LINKER)
if(TENON_LINKER MATCHES "mold$")
  add_link_options(-fuse-ld=mold)
elseif(TENON_LINKER MATCHES "lld$")
  add_link_options(-fuse-ld=lld)
endif()

if(TENON_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1")
  # What sanitizers insert hides initialisations from g++'s analysis.
  add_compile_options(-fsanitize=${TENON_SANITIZE} -fno-omit-frame-pointer
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  add_link_options(-fsanitize=${TENON_SANITIZE})
  if(TENON_SANITIZE MATCHES "undefined")
    # Reals that no integer holds are undefined, too, but not part of "undefined".
    add_compile_options(-fsanitize=float-cast-overflow)
    add_compile_options(-fno-sanitize-recover=undefined,float-cast-overflow)
  endif()
endif()

# Each of our own targets links this one; nothing that depends on tenon sees it.
add_library(tenon_options INTERFACE)
target_compile_options(tenon_options INTERFACE
  -Wall -Wextra -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  # Options are aggregates with defaults: `{.filters = 6}` is how they are meant to be written.
  -Wno-missing-field-initializers
  # g++ 12 sees overlapping and endless copies inside std::string that are not there (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow>
  # clang warns about g++ 12's own library; g++ is the compiler that decides.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>
  # Nobody reads errno after a math function, and without it sqrt is one instruction.
  -fno-math-errno)
set(CMAKE_COMPILE_WARNING_AS_ERROR ${TENON_WARNINGS_AS_ERRORS})
