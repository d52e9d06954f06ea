# Linux on AArch64, built with Debian's cross compiler (g++-aarch64-linux-gnu) and run in its emulator
# (qemu-user-static):
#
#   cmake -S . -B build/aarch64 -DCMAKE_TOOLCHAIN_FILE=tools/aarch64/toolchain.cmake \
#         -DBITMETAL_PYTHON=OFF -DBITMETAL_TESTS=ON
#   cmake --build build/aarch64 -j && ctest --test-dir build/aarch64 -V
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
if(NOT CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
endif()
set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-gnu)  # for a clang, which compiles for any
# The emulated processor has every extension that the emulator knows, dot products among them.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -cpu max -L /usr/aarch64-linux-gnu)
