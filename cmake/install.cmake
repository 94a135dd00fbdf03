# `cmake --install build/release --prefix P`, after which another project finds tenon in P.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS tenon EXPORT tenon_targets)
if(TARGET tenon_cli)
  install(TARGETS tenon_cli)
endif()
# The headers for users, and those that they include: the rest is Tenon's own.
include(cmake/included_headers.cmake)
tenon_included_headers(public_headers tenon/tenon.h tenon/core.h tenon/extension.h
  tenon/tensor/op_functions.h)
foreach(header IN LISTS public_headers)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
endforeach()
install(EXPORT tenon_targets NAMESPACE tenon:: FILE tenon-targets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/tenon)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tenon-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES cmake/tenon-config.cmake ${PROJECT_BINARY_DIR}/tenon-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/tenon)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
