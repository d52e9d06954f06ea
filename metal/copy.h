// Copies with conversion between any two types. Floating values are rounded once, to the nearest;
// floating to integer truncates; bool is "not zero".
//
//   buffer 0  in        1  out        2  CopyParams
//
//   copy_flat_IN_OUT     both sides contiguous; only `count` is read
//   copy_strided_IN_OUT  `rank` dimensions with any strides, the last one fastest. The host merges
//                        neighbouring dimensions where it can: each costs a 64-bit division
//   A thread an element: a grid of (x, y) threads with x * y >= count, in any threadgroup size.
//
//   copy_tiles_SIZE      elements of SIZE bits as they are, where the output runs along the last
//                        dimension (stride 1) and the input along dimension `along`: tiles of the
//                        two go through threadgroup memory, so that both sides are read and written
//                        in runs. kCopyTileThreads threads, a grid of (tiles of the two dimensions,
//                        elements of all others) threadgroups
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

template <typename T>
[[kernel]] void copy_tiles(device const T* in [[buffer(0)]], device T* out [[buffer(1)]],
                           constant CopyParams& p [[buffer(2)]],
                           uint2 group [[threadgroup_position_in_grid]],
                           uint simdgroup [[simdgroup_index_in_threadgroup]],
                           uint simdgroups [[simdgroups_per_threadgroup]],
                           uint lane [[thread_index_in_simdgroup]]) {
  threadgroup T tile[kCopyTile][kCopyTile + 1];  // one more: no two lanes in one bank
  const uint last = p.rank - 1;
  const ulong rows = p.shape[last], columns = p.shape[p.along];
  const ulong across = (columns + kCopyTile - 1) / kCopyTile;
  const ulong row = group.x / across * kCopyTile, column = group.x % across * kCopyTile;
  long from = p.in_start, to = 0;
  ulong i = group.y;
  for (uint axis = last; axis-- > 0;) {
    if (axis == p.along) continue;
    const ulong quotient = i / p.shape[axis];
    const long index = long(i - quotient * p.shape[axis]);
    from += index * p.in_strides[axis];
    to += index * p.out_strides[axis];
    i = quotient;
  }
  for (uint j = simdgroup; j < kCopyTile; j += simdgroups) {
    if (row + j < rows && column + lane < columns) {
      tile[j][lane] = in[from + long(row + j) * p.in_strides[last] + long(column + lane)];
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint j = simdgroup; j < kCopyTile; j += simdgroups) {
    if (column + j < columns && row + lane < rows) {
      out[to + long(column + j) * p.out_strides[p.along] + long(row + lane)] = tile[lane][j];
    }
  }
}
