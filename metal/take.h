// Elements along an axis by their indices.
//
//   take_SIZE  elements of SIZE bits. buffer 0 in, row-major [outer, n, inner], 1 indices (long),
//              `taken` of them, each in [0, n), 2 out, row-major [outer, taken, inner],
//              3 TakeParams. A thread an element of `out`: a grid of (x, y) threads, in any
//              threadgroup size
#pragma once

#include "numeric.h"

template <typename T>
[[kernel]] void take(device const T* in [[buffer(0)]], device const long* indices [[buffer(1)]],
                     device T* out [[buffer(2)]], constant TakeParams& p [[buffer(3)]],
                     uint2 position [[thread_position_in_grid]], uint2 grid [[threads_per_grid]]) {
  const ulong i = ulong(position.y) * grid.x + position.x;
  if (i >= p.outer * p.taken * p.inner) return;
  const ulong row = i / p.inner, outer = row / p.taken;
  const ulong from = outer * p.n + ulong(indices[row - outer * p.taken]);
  out[i] = in[from * p.inner + (i - row * p.inner)];
}
