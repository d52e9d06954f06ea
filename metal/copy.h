// Copies with conversion between any two types. Floating values are rounded once, to the nearest;
// floating to integer truncates; bool is "not zero".
//
//   buffer 0  in        1  out        2  CopyParams
//
//   copy_flat_IN_OUT     both sides contiguous; only `count` is read
//   copy_strided_IN_OUT  `rank` dimensions with any strides, the last one fastest. The host merges
//                        neighbouring dimensions where it can: each costs a 64-bit division
//   A thread an element: a grid of (x, y) threads with x * y >= count, in any threadgroup size.
#pragma once

#include "numeric.h"

template <typename In, typename Out>
[[kernel]] void copy_flat(device const In* in [[buffer(0)]], device Out* out [[buffer(1)]],
                          constant CopyParams& p [[buffer(2)]],
                          uint2 position [[thread_position_in_grid]],
                          uint2 grid [[threads_per_grid]]) {
  const ulong i = ulong(position.y) * grid.x + position.x;
  if (i < p.count) out[i] = convert<Out>(in[i]);
}

template <typename In, typename Out>
[[kernel]] void copy_strided(device const In* in [[buffer(0)]], device Out* out [[buffer(1)]],
                             constant CopyParams& p [[buffer(2)]],
                             uint2 position [[thread_position_in_grid]],
                             uint2 grid [[threads_per_grid]]) {
  ulong i = ulong(position.y) * grid.x + position.x;
  if (i >= p.count) return;
  long from = p.in_start, to = 0;
  for (uint axis = p.rank; axis-- > 0;) {
    const ulong quotient = i / p.shape[axis];
    const long index = long(i - quotient * p.shape[axis]);
    from += index * p.in_strides[axis];
    to += index * p.out_strides[axis];
    i = quotient;
  }
  out[to] = convert<Out>(in[from]);
}
