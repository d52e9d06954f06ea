# The Metal device, where this build can have it: on macOS with Apple's frameworks, on Linux with
# softmetal. Defines for the core either BITMETAL_METAL_KIND or BITMETAL_METAL_ABSENT, the reason.
#
# Sets BITMETAL_METAL_KIND to "metal" or "softmetal", or leaves it empty.
#
#   METAL_CPP_DIR   folder of the metal-cpp headers; found in the mlx-metal distribution of the
#                   building Python where it is not given

set(METAL_CPP_DIR "$ENV{METAL_CPP_DIR}" CACHE PATH "Folder that holds Metal/Metal.hpp of metal-cpp")

if(NOT METAL_CPP_DIR)
  find_package(Python 3.10 COMPONENTS Interpreter)
  if(Python_FOUND)
    execute_process(
      COMMAND ${Python_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/find_metal_cpp.py
      OUTPUT_VARIABLE found_metal_cpp OUTPUT_STRIP_TRAILING_WHITESPACE)
    set(METAL_CPP_DIR "${found_metal_cpp}" CACHE PATH "" FORCE)
  endif()
endif()

set(BITMETAL_METAL_KIND "")
set(absent "")
if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(absent "built with ${CMAKE_CXX_COMPILER_ID}, metal-cpp needs clang 14 or newer, or zig c++")
elseif(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  set(absent "built with clang ${CMAKE_CXX_COMPILER_VERSION}, metal-cpp needs 14 or newer")
elseif(NOT APPLE AND NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(absent "is for macOS and Linux, this build is for ${CMAKE_SYSTEM_NAME}")
elseif(NOT EXISTS "${METAL_CPP_DIR}/Metal/Metal.hpp")
  set(absent "built without the metal-cpp headers (METAL_CPP_DIR, or the mlx-metal distribution)")
endif()

if(absent)
  message(STATUS "No Metal device: ${absent}")
  set_property(SOURCE cpp/core/device.cpp APPEND PROPERTY COMPILE_DEFINITIONS
               "BITMETAL_METAL_ABSENT=\"${absent}\"")
  return()
endif()

file(GLOB gpu_sources CONFIGURE_DEPENDS cpp/gpu/*.cpp)
file(GLOB kernel_files CONFIGURE_DEPENDS metal/*.h metal/*.metal)
include(cmake/metallib.cmake)
set(embedded ${CMAKE_CURRENT_BINARY_DIR}/embedded_kernels.cpp)
add_custom_command(
  OUTPUT ${embedded}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${embedded} -DFOLDER=${CMAKE_CURRENT_SOURCE_DIR}/metal
          "-DLIBRARIES=${metallib_list}" -P ${CMAKE_CURRENT_LIST_DIR}/embed_kernels.cmake
  DEPENDS ${kernel_files} ${metallibs} ${CMAKE_CURRENT_LIST_DIR}/embed_kernels.cmake VERBATIM)
target_sources(bitmetal_static PRIVATE ${gpu_sources} ${embedded})
set_property(SOURCE ${embedded} APPEND PROPERTY OBJECT_DEPENDS "${metallibs}")
target_include_directories(bitmetal_static PRIVATE metal)
# MLX may carry metal-cpp into the same process.
target_compile_definitions(bitmetal_static PUBLIC METALCPP_SYMBOL_VISIBILITY_HIDDEN BITMETAL_METAL)

if(APPLE)
  set(BITMETAL_METAL_KIND metal)
  target_include_directories(bitmetal_static SYSTEM PUBLIC ${METAL_CPP_DIR})
  target_link_libraries(bitmetal_static PUBLIC "-framework Metal" "-framework Foundation"
                        "-framework QuartzCore")
else()
  set(BITMETAL_METAL_KIND softmetal)
  set(SOFTMETAL_SANITIZE "${BITMETAL_SANITIZE}" CACHE STRING "" FORCE)
  add_subdirectory(cpp/softmetal)
  target_link_libraries(bitmetal_static PUBLIC softmetal)
  target_compile_definitions(bitmetal_static PUBLIC BITMETAL_SOFTMETAL)
endif()
set_property(SOURCE cpp/core/device.cpp APPEND PROPERTY COMPILE_DEFINITIONS
             "BITMETAL_METAL_KIND=\"${BITMETAL_METAL_KIND}\"")
message(STATUS "Metal device: ${BITMETAL_METAL_KIND}, metal-cpp in ${METAL_CPP_DIR}")
