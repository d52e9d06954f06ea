#include "fill.h"

// clang-format off
// By size, not by type: the bits are all that matters.
template [[host_name("fill_8")]] [[kernel]] decltype(fill<uchar>) fill<uchar>;
template [[host_name("fill_16")]] [[kernel]] decltype(fill<ushort>) fill<ushort>;
template [[host_name("fill_32")]] [[kernel]] decltype(fill<uint>) fill<uint>;
template [[host_name("fill_64")]] [[kernel]] decltype(fill<ulong>) fill<ulong>;
