// What goes with the panels of lu_panel.h.
#pragma once

#include "numeric.h"

// A panel's swaps in other columns of its rows.
//
//   buffer 0  columns, rows of neighbouring elements        1  int pivots        2  LuSwapParams
//   A thread a column: kLuSwapThreads, a grid of (ceil(columns / kLuSwapThreads), batch)
[[kernel, max_total_threads_per_threadgroup(kLuSwapThreads)]] void lu_swap(
    device float* rows [[buffer(0)]], device const int* pivots [[buffer(1)]],
    constant LuSwapParams& p [[buffer(2)]], uint2 group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]]) {
  const uint column = group.x * kLuSwapThreads + index;
  if (column >= p.columns) return;
  rows += long(group.y) * p.batch_stride + column;
  pivots += long(group.y) * p.pivots_batch_stride;
  for (uint j = 0; j < p.steps; ++j) {
    const uint pivot = pivots[j];
    if (pivot == j) continue;
    device float* a = rows + long(j) * p.row_stride;
    device float* b = rows + long(pivot) * p.row_stride;
    const float kept = *a;
    *a = *b;
    *b = kept;
  }
}

// The diagonal of U, the first element with the sign of the permutation.
//
//   buffer 0  LU, [n, n]        1  int pivots, [batch, n]        2  out, [batch, n]
//   3  uint n        A SIMD group a matrix.
[[kernel]] void lu_pivots(device const float* lu [[buffer(0)]],
                          device const int* pivots [[buffer(1)]], device float* out [[buffer(2)]],
                          constant uint& n [[buffer(3)]],
                          uint batch [[threadgroup_position_in_grid]],
                          uint lane [[thread_index_in_simdgroup]]) {
  lu += ulong(batch) * n * n;
  pivots += ulong(batch) * n;
  out += ulong(batch) * n;
  uint swaps = 0;
  for (uint i = lane; i < n; i += kSimdWidth) {
    if (uint(pivots[i]) != i % kLuPanel) ++swaps;
  }
  for (ushort mask = kSimdWidth / 2; mask > 0; mask /= 2) swaps += simd_shuffle_xor(swaps, mask);
  for (uint i = lane; i < n; i += kSimdWidth) {
    const float value = lu[ulong(i) * (n + 1)];
    out[i] = i == 0 && swaps % 2 != 0 ? -value : value;
  }
}
