# A toolchain file: PyPI's ziglang as the compiler, for machines without clang.
#   cmake -DCMAKE_TOOLCHAIN_FILE=cmake/zig.cmake -DZIG=PATH/ziglang/zig
#
# zig compiles for the machine it runs on and traps undefined behaviour unless told otherwise.
set(ZIG "$ENV{ZIG}" CACHE FILEPATH "The zig executable of the ziglang distribution")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ZIG)

set(tools ${CMAKE_BINARY_DIR}/zig-tools)
set(cxx_flags -mcpu=baseline -fno-sanitize=undefined)
list(JOIN cxx_flags " " cxx_flags)
file(MAKE_DIRECTORY ${tools})
foreach(tool "c++ ${cxx_flags}" ar ranlib)
  string(REGEX MATCH "^[^ ]+" name "${tool}")
  file(WRITE ${tools}/${name} "#!/bin/sh\nexec '${ZIG}' ${tool} \"$@\"\n")
  file(CHMOD ${tools}/${name} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endforeach()
set(CMAKE_CXX_COMPILER ${tools}/c++)
set(CMAKE_AR ${tools}/ar CACHE FILEPATH "" FORCE)
set(CMAKE_RANLIB ${tools}/ranlib CACHE FILEPATH "" FORCE)
