# `cmake --install build/release --prefix P`, after which another project finds tenon in P.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS tenon EXPORT tenon_targets)
if(TARGET tenon_cli)
  install(TARGETS tenon_cli)
endif()
# What no public header includes, and what would need headers of LLVM or oneDNN or options of ours, stays here.
install(DIRECTORY tenon DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h"
  PATTERN "compile/codegen/llvm" EXCLUDE
  PATTERN "runtime/cpu/onednn" EXCLUDE
  PATTERN "runtime/cpu/vector" EXCLUDE)
install(EXPORT tenon_targets NAMESPACE tenon:: FILE tenon-targets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/tenon)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tenon-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES cmake/tenon-config.cmake ${PROJECT_BINARY_DIR}/tenon-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/tenon)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
