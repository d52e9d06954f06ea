# macOS on arm64, built on another system with zig (crossbuild.py). The SDK is zig's own headers and
# libSystem, and what stands in frameworks/.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_CXX_COMPILER ${CMAKE_CURRENT_LIST_DIR}/cxx)
set(CMAKE_AR ${CMAKE_CURRENT_LIST_DIR}/ar CACHE FILEPATH "")
set(CMAKE_RANLIB : CACHE FILEPATH "")  # zig's ar writes the index itself
set(CMAKE_INSTALL_NAME_TOOL : CACHE FILEPATH "")  # no library of ours is shared
set(CMAKE_CXX_FLAGS_INIT -F${CMAKE_CURRENT_LIST_DIR}/frameworks)
# A trial program would be linked without optimization, and zig would build libc++ a second time.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
