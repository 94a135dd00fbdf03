# Everything comes from Debian 12; `./dev setup` installs it. Imported targets are system includes.

find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(Boost 1.81 REQUIRED)  # Boost.PFR, headers only

find_path(TENON_XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_library(TENON_XXHASH_LIBRARY xxhash REQUIRED)
mark_as_advanced(TENON_XXHASH_INCLUDE_DIR TENON_XXHASH_LIBRARY)

if(TENON_BUILD_CLI OR TENON_BUILD_BENCH)
  find_package(CLI11 REQUIRED)
endif()

# Debian's dnnl package configuration insists on OpenCL, which the CPU library never uses: look for
# the header and the library ourselves.
set(TENON_HAS_ONEDNN 0)
if(TENON_WITH_ONEDNN)
  find_path(TENON_ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
  find_library(TENON_ONEDNN_LIBRARY dnnl)
  mark_as_advanced(TENON_ONEDNN_INCLUDE_DIR TENON_ONEDNN_LIBRARY)
  if(TENON_ONEDNN_INCLUDE_DIR AND TENON_ONEDNN_LIBRARY)
    set(TENON_HAS_ONEDNN 1)
  else()
    message(WARNING "oneDNN not found (libdnnl-dev): dots and convolutions will be slower")
  endif()
endif()

set(TENON_HAS_LLVM 0)
if(TENON_WITH_LLVM)
  # LLVM's package looks for what it was built with; it needs C for that.
  enable_language(C)
  find_package(LLVM 19.1 CONFIG HINTS /usr/lib/llvm-19)
  if(LLVM_FOUND)
    set(TENON_HAS_LLVM 1)
    # The shared library by its path, so that an installed tenon does not ask for LLVM's package.
    find_library(TENON_LLVM_LIBRARY NAMES LLVM-19 LLVM HINTS ${LLVM_LIBRARY_DIRS} NO_DEFAULT_PATH REQUIRED)
    mark_as_advanced(TENON_LLVM_LIBRARY)
  else()
    message(WARNING "LLVM 19 not found (llvm-19-dev): kernels will be interpreted, slowly")
  endif()
endif()
