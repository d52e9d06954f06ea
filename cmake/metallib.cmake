# The kernels as metallibs, where Apple's Metal compiler is there: with Xcode, not with the command line
# tools alone. Sets `metallibs`, the files, and `metallib_list`, the same with | between them.
#
# Elsewhere kernels are compiled from their source at first use.
find_program(BITMETAL_XCRUN xcrun DOC "Finds Apple's Metal compiler")

set(metallibs "")
set(metal_compiler_missing TRUE)
if(BITMETAL_XCRUN)
  execute_process(COMMAND ${BITMETAL_XCRUN} -sdk macosx --find metal
                  RESULT_VARIABLE metal_compiler_missing OUTPUT_QUIET ERROR_QUIET)
endif()
if(metal_compiler_missing)
  message(STATUS "Metal kernels: compiled at first use")
else()
  message(STATUS "Metal kernels: compiled into the library")
  set(oldest_macos 14.0)  # as the wheel's; bfloat needs Metal 3.1, which it has
  if(CMAKE_OSX_DEPLOYMENT_TARGET)
    set(oldest_macos ${CMAKE_OSX_DEPLOYMENT_TARGET})
  endif()
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/metallib)
  foreach(file IN LISTS kernel_files)
    get_filename_component(name ${file} NAME_WE)
    if(NOT file MATCHES "\\.metal$")
      continue()
    endif()
    get_filename_component(folder ${file} DIRECTORY)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/metallib/${name})
    add_custom_command(
      OUTPUT ${output}.metallib
      COMMAND ${BITMETAL_XCRUN} -sdk macosx metal -std=metal3.1 -fno-fast-math
              -mmacosx-version-min=${oldest_macos} -I${folder}
              -c ${file} -o ${output}.air
      COMMAND ${BITMETAL_XCRUN} -sdk macosx metallib ${output}.air -o ${output}.metallib
      DEPENDS ${kernel_files} VERBATIM)
    list(APPEND metallibs ${output}.metallib)
  endforeach()
endif()
list(JOIN metallibs "|" metallib_list)
