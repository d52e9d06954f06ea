// T X = B in place of B for a block of a lower triangular T; an upper one is read from its end.
//
//   buffer 0  T        1  B, X        2  TriangularParams
//   kTriangularThreads threads a threadgroup, a grid of
//   (ceil(columns / kTriangularThreads), batch) threadgroups; n <= kTriangularBlock
#pragma once

#include "numeric.h"

constant constexpr ushort kSolveBlock = kTriangularBlock;
constant constexpr ushort kSolveColumns = kTriangularThreads;

[[kernel, max_total_threads_per_threadgroup(kTriangularThreads)]] void solve_triangular(
    device const float* t [[buffer(0)]], device float* b [[buffer(1)]],
    constant TriangularParams& p [[buffer(2)]], uint2 group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]]) {
  constexpr ushort kLead = kSolveColumns + 1;
  // The columns of T side by side, zeros on and above the diagonal.
  threadgroup float4 below[kSolveBlock * kSolveBlock / 4];
  threadgroup float diagonal[kSolveBlock];
  threadgroup float x[kSolveBlock * kLead];
  const ushort n = p.n;
  t += long(group.y) * p.t_batch_stride + p.t_start;
  b += long(group.y) * p.b_batch_stride + p.b_start +
       long(group.x) * kSolveColumns * p.b_column_stride;
  const uint columns = min(uint(kSolveColumns), p.columns - group.x * kSolveColumns);

  threadgroup float* t_columns = (threadgroup float*)below;
  for (ushort q = index; q < kSolveBlock * kSolveBlock; q += kSolveColumns) {
    const ushort r = q / kSolveBlock, c = q % kSolveBlock;
    const bool inside = r < n && c < r;
    t_columns[c * kSolveBlock + r] =
        inside ? t[long(r) * p.t_row_stride + long(c) * p.t_column_stride] : 0.0f;
    if (r == c) {
      const bool read = r < n && p.unit == 0;
      diagonal[r] = read ? t[long(r) * (p.t_row_stride + p.t_column_stride)] : 1.0f;
    }
  }
  // Neighbours in memory go to neighbouring threads.
  const bool down = p.b_row_stride == 1 || p.b_row_stride == -1;
  for (ushort q = index; q < kSolveBlock * kSolveColumns; q += kSolveColumns) {
    const ushort r = down ? q % kSolveBlock : q / kSolveColumns;
    const ushort c = down ? q / kSolveBlock : q % kSolveColumns;
    const bool inside = r < n && c < columns;
    x[r * kLead + c] = inside ? b[long(r) * p.b_row_stride + long(c) * p.b_column_stride] : 0.0f;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);

  // A thread a column of X: four rows at a time are solved, then taken out of those below.
  threadgroup float* mine = x + index;
  for (ushort r = 0; r < n; r += 4) {
    float4 four;
    for (ushort i = 0; i < 4; ++i) four[i] = mine[(r + i) * kLead];
    for (ushort i = 0; i < 4; ++i) {
      four[i] /= diagonal[r + i];
      const float4 column = below[((r + i) * kSolveBlock + r) / 4];
      for (ushort k = i + 1; k < 4; ++k) four[k] = fma(-column[k], four[i], four[k]);
    }
    for (ushort i = 0; i < 4; ++i) mine[(r + i) * kLead] = four[i];
    for (ushort s = r + 4; s < n; s += 4) {
      float4 rest;
      for (ushort i = 0; i < 4; ++i) rest[i] = mine[(s + i) * kLead];
      for (ushort i = 0; i < 4; ++i) {
        rest = fma(-below[((r + i) * kSolveBlock + s) / 4], float4(four[i]), rest);
      }
      for (ushort i = 0; i < 4; ++i) mine[(s + i) * kLead] = rest[i];
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);

  for (ushort q = index; q < kSolveBlock * kSolveColumns; q += kSolveColumns) {
    const ushort r = down ? q % kSolveBlock : q / kSolveColumns;
    const ushort c = down ? q / kSolveBlock : q % kSolveColumns;
    if (r < n && c < columns) {
      b[long(r) * p.b_row_stride + long(c) * p.b_column_stride] = x[r * kLead + c];
    }
  }
}

// info: the place, from 1, of the first zero on the diagonal of an [n, n] matrix, or 0.
//
//   buffer 0  T        1  info        2  uint n
//   A SIMD group a matrix.
[[kernel]] void first_zero(device const float* t [[buffer(0)]], device int* info [[buffer(1)]],
                           constant uint& n [[buffer(2)]],
                           uint batch [[threadgroup_position_in_grid]],
                           uint lane [[thread_index_in_simdgroup]]) {
  t += ulong(batch) * n * n;
  uint place = n + 1;
  for (uint i = lane; i < n; i += kSimdWidth) {
    if (t[ulong(i) * (n + 1)] == 0.0f) place = min(place, i + 1);
  }
  place = simd_min(place);
  if (lane == 0) info[batch] = place > n ? 0 : int(place);
}
