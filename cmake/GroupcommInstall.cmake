# What `cmake --install` puts where: the programs, the client library with the headers that it
# needs, and what CMake and pkg-config want to know of it. Everything is relative to the prefix, so
# that the files may be installed anywhere, moved, or packed.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
# The package that Cap'n Proto brings for CMake works in projects with C only; pkg-config in all.
pkg_check_modules(CAPNP REQUIRED IMPORTED_TARGET capnp)

# The headers of the client library; they include no others of ours.
set(public_headers
    groupcomm/boxed.h
    groupcomm/check.h
    groupcomm/client.h
    groupcomm/group.h
    groupcomm/identity.h
    groupcomm/listener.h
    groupcomm/message.h
    groupcomm/number.h
    groupcomm/payload.h
    groupcomm/protocol/client_frames.h  # what StatusQuery and GroupsQuery are answered
    groupcomm/protocol/runs.h
    groupcomm/result.h
    groupcomm/send.h
    groupcomm/view.h)

# One library out of the parts that make the client: static, or shared with BUILD_SHARED_LIBS.
add_library(groupcomm_package $<TARGET_OBJECTS:groupcomm> $<TARGET_OBJECTS:groupcomm_types>
                              $<TARGET_OBJECTS:groupcomm_wire> $<TARGET_OBJECTS:groupcomm_schema>)
groupcomm_defaults(groupcomm_package)
set_target_properties(groupcomm_package PROPERTIES
  OUTPUT_NAME groupcomm
  EXPORT_NAME groupcomm
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
target_compile_features(groupcomm_package PUBLIC cxx_std_20)
target_link_libraries(groupcomm_package PRIVATE PkgConfig::CAPNP PkgConfig::ZMQ Threads::Threads)
target_sources(groupcomm_package PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}
                                        FILES ${public_headers})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/groupcomm)
install(TARGETS groupcommd groupcommctl)
install(TARGETS groupcomm_package EXPORT groupcomm FILE_SET HEADERS)
install(EXPORT groupcomm FILE groupcommTargets.cmake NAMESPACE groupcomm::
        DESTINATION ${package_folder})
install(FILES README.md LICENSE CHANGELOG.md docs/SEMANTICS.md docs/OPERATIONS.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Who links a static library links what that needs, too.
get_target_property(library_kind groupcomm_package TYPE)
if(library_kind STREQUAL "STATIC_LIBRARY")
  set(groupcomm_needs_libraries ON)
  set(requires_kind Requires)
else()
  set(groupcomm_needs_libraries OFF)
  set(requires_kind Requires.private)
endif()
configure_package_config_file(cmake/groupcommConfig.cmake.in groupcommConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
# Before 1.0 a minor version may change what programs are compiled against.
write_basic_package_version_file(groupcommConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/groupcommConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/groupcommConfigVersion.cmake
        DESTINATION ${package_folder})

file(RELATIVE_PATH prefix_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/groupcomm.pc.in groupcomm.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/groupcomm.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
