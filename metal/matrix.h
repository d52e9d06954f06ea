// A matrix, or one triangle of it and zeros for the other, at any strides.
//
//   buffer 0  in        1  out        2  MatrixCopyParams
//   kMatrixCopyThreads threads, a grid of (ceil(columns / 32), ceil(rows / 32), batch) threadgroups
#pragma once

#include "numeric.h"

[[kernel, max_total_threads_per_threadgroup(kMatrixCopyThreads)]] void copy_matrix(
    device const float* in [[buffer(0)]], device float* out [[buffer(1)]],
    constant MatrixCopyParams& p [[buffer(2)]], uint3 group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]]) {
  constexpr ushort kSide = 32, kLead = kSide + 1, kStep = kMatrixCopyThreads / kSide;
  threadgroup float tile[kSide * kLead];
  const uint row0 = group.y * kSide, column0 = group.x * kSide;
  const ushort fast = index % kSide;
  in += long(group.z) * p.in_batch_stride;
  out += long(group.z) * p.out_batch_stride;
  // Neighbours in memory go to neighbouring threads, on both sides.
  const bool in_down = p.in_row_stride == 1, out_down = p.out_row_stride == 1;
  for (ushort slow = index / kSide; slow < kSide; slow += kStep) {
    const uint r = row0 + (in_down ? fast : slow), c = column0 + (in_down ? slow : fast);
    const bool kept = p.part == kWhole || (p.part == kLower ? c <= r : c >= r);
    float value = 0.0f;
    if (kept && r < p.rows && c < p.columns) {
      value = in[long(r) * p.in_row_stride + long(c) * p.in_column_stride];
    }
    tile[(r - row0) * kLead + c - column0] = value;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (ushort slow = index / kSide; slow < kSide; slow += kStep) {
    const uint r = row0 + (out_down ? fast : slow), c = column0 + (out_down ? slow : fast);
    if (r < p.rows && c < p.columns) {
      out[long(r) * p.out_row_stride + long(c) * p.out_column_stride] =
          tile[(r - row0) * kLead + c - column0];
    }
  }
}

// Ones on the diagonal, zeros elsewhere.
//
//   buffer 0  out, row-major        1  MatrixCopyParams, of which rows and columns count
//   A thread an element: a grid of (ceil(columns / 32), ceil(rows / 8), batch) threadgroups
[[kernel, max_total_threads_per_threadgroup(kMatrixCopyThreads)]] void identity(
    device float* out [[buffer(0)]], constant MatrixCopyParams& p [[buffer(1)]],
    uint3 group [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]]) {
  const uint r = group.y * 8 + index / 32, c = group.x * 32 + index % 32;
  if (r < p.rows && c < p.columns) {
    out[(ulong(group.z) * p.rows + r) * p.columns + c] = r == c ? 1.0f : 0.0f;
  }
}
