// Sets `count` elements of the size of T to one value, whose bits the host prepares.
//
//   buffer 0  out        1  constant T, the value        2  FillParams
//   A thread an element: a grid of (x, y) threads with x * y >= count, in any threadgroup size; y
//   is for counts that one dimension (2^32 - 1) cannot hold.
#pragma once

#include "numeric.h"

template <typename T>
[[kernel]] void fill(device T* out [[buffer(0)]], constant T& value [[buffer(1)]],
                     constant FillParams& p [[buffer(2)]],
                     uint2 position [[thread_position_in_grid]], uint2 grid [[threads_per_grid]]) {
  const ulong i = ulong(position.y) * grid.x + position.x;
  if (i < p.count) out[i] = value;
}
