# The build rules that all our own targets share.

# Our own code is warning-free; includes are written from the project's root.
function(groupcomm_defaults target)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion)
  if(GROUPCOMM_WARNINGS_ARE_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wshadow=local)  # clang has no such thing
  endif()
  target_compile_definitions(${target} PRIVATE GROUPCOMM_VERSION="${PROJECT_VERSION}")
  if(GROUPCOMM_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${GROUPCOMM_SANITIZE}
                           -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${GROUPCOMM_SANITIZE})
  endif()
endfunction()

# A library of all the sources of one folder (not of its subfolders).
function(groupcomm_library target)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(NOT sources)
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR})
  else()
    add_library(${target} STATIC ${sources})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    groupcomm_defaults(${target})
  endif()
endfunction()

# Counts in the pure parts how often rare branches are taken, for the simulator (groupcomm/probe.h).
function(groupcomm_probes target)
  if(GROUPCOMM_PROBES)
    target_compile_definitions(${target} PRIVATE GROUPCOMM_PROBES)
  endif()
endfunction()

# Counts which lines of the pure parts are run (scripts/coverage.py), in their libraries and, as far
# as headers go, in their tests. The pure parts throw nothing: what would be unwound is not counted.
function(groupcomm_coverage target)
  if(GROUPCOMM_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage -O0 -fno-exceptions ${ARGN})
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()
