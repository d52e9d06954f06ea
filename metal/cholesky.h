// A = L L^T for a block that fits into threadgroup memory. Reads the lower triangle, writes zeros
// above it.
//
//   buffer 0  A        1  L, may be A        2  int info a matrix        3  CholeskyParams
//   A threadgroup a matrix: kThreads threads, n <= kSide.
//
// info gets the order of the first leading minor whose pivot is not above zero. It is 0 before the
// first block; where it is not, the matrix is left alone.
#pragma once

#include "numeric.h"

template <ushort kSide, ushort kThreads>
[[kernel, max_total_threads_per_threadgroup(kThreads)]] void cholesky(
    device const float* a [[buffer(0)]], device float* out [[buffer(1)]],
    device int* info [[buffer(2)]], constant CholeskyParams& p [[buffer(3)]],
    uint batch [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]]) {
  constexpr ushort kLead = kSide + 1;  // rows start in different banks
  constexpr ushort kParts = kThreads / kSide;
  threadgroup float tile[kSide * kLead];
  const ushort n = p.n;
  a += long(batch) * p.a_batch_stride;
  out += long(batch) * p.out_batch_stride;
  if (p.first > 0 && info[batch] != 0) return;

  for (ushort q = index; q < n * n; q += kThreads) {
    const ushort r = q / n, c = q % n;
    tile[r * kLead + c] = c <= r ? a[long(r) * p.a_row_stride + long(c) * p.a_column_stride] : 0.0f;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);  // info is written below

  // Columns stay unscaled (L times its diagonal) until the end: one barrier a column is enough.
  const ushort row = index % kSide, part = index / kSide;
  ushort j = 0;
  for (; j < n; ++j) {
    const float pivot = tile[j * kLead + j];
    if (is_nan(pivot) || pivot <= 0.0f) break;
    if (row > j && row < n) {
      const float factor = tile[row * kLead + j] / pivot;
      for (ushort k = j + 1 + part; k <= row; k += kParts) {
        tile[row * kLead + k] = fma(-factor, tile[k * kLead + j], tile[row * kLead + k]);
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (index == 0) info[batch] = j < n ? int(p.first + j + 1) : 0;
  for (ushort q = index; q < n * n; q += kThreads) {
    const ushort r = q / n, c = q % n;
    const float value = c <= r ? tile[r * kLead + c] / precise::sqrt(tile[c * kLead + c]) : 0.0f;
    out[long(r) * p.out_row_stride + long(c) * p.out_column_stride] = value;
  }
}
