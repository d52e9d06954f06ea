#include "take.h"

// clang-format off
template [[host_name("take_8")]] [[kernel]] decltype(take<uchar>) take<uchar>;
template [[host_name("take_16")]] [[kernel]] decltype(take<ushort>) take<ushort>;
template [[host_name("take_32")]] [[kernel]] decltype(take<uint>) take<uint>;
template [[host_name("take_64")]] [[kernel]] decltype(take<ulong>) take<ulong>;
