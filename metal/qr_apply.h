// C <- (I - V T V^T) C, or its transpose, for a panel's reflections as qr_panel.h leaves them.
//
//   buffer 0  V, the panel        1  T        2  C, rows of neighbouring elements
//   3  QrApplyParams
//   kQrApplyThreads threads, a grid of (ceil(columns / kQrPanel), batch) threadgroups
#pragma once

#include "numeric.h"

constant constexpr ushort kStrip = kQrPanel;        // columns of C, and rows of V and C at a time
constant constexpr ushort kStripLead = kStrip + 4;  // in floats; rows stay aligned for float4

// A thread's 4 by 2 elements of a product of two tiles, L^T R.
METAL_FUNC void multiply_tiles(threadgroup const float* left, threadgroup const float* right,
                               ushort row, ushort column, thread float4* sums) {
  for (ushort k = 0; k < kStrip; ++k) {
    const float4 l = *(threadgroup const float4*)(left + k * kStripLead + row);
    const float2 r = *(threadgroup const float2*)(right + k * kStripLead + column);
    sums[0] = fma(l, float4(r[0]), sums[0]);
    sums[1] = fma(l, float4(r[1]), sums[1]);
  }
}

METAL_FUNC float reflector(device const float* v, constant QrApplyParams& p, uint row,
                           uint column) {
  if (row <= column || row >= p.rows || column >= p.steps) {
    return row == column && column < p.steps ? 1.0f : 0.0f;
  }
  return v[long(row) * p.v_row_stride + column];
}

[[kernel, max_total_threads_per_threadgroup(kQrApplyThreads)]] void qr_apply(
    device const float* v [[buffer(0)]], device const float* t [[buffer(1)]],
    device float* c [[buffer(2)]], constant QrApplyParams& p [[buffer(3)]],
    uint2 group [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]]) {
  threadgroup float4 memory[3][kStrip * kStripLead / 4];
  threadgroup float* left = (threadgroup float*)memory[0];
  threadgroup float* right = (threadgroup float*)memory[1];
  threadgroup float* product = (threadgroup float*)memory[2];
  v += long(group.y) * p.v_batch_stride;
  t += long(group.y) * p.t_batch_stride;
  c += long(group.y) * p.c_batch_stride + group.x * kStrip;
  const uint columns = min(uint(kStrip), p.columns - group.x * kStrip);
  const ushort row = index / (kStrip / 2) * 4, column = index % (kStrip / 2) * 2;

  float4 sums[2] = {float4(0), float4(0)};
  for (uint start = 0; start < p.rows; start += kStrip) {
    for (ushort q = index; q < kStrip * kStrip; q += kQrApplyThreads) {
      const ushort y = q / kStrip, x = q % kStrip;
      const bool inside = start + y < p.rows && x < columns;
      left[y * kStripLead + x] = reflector(v, p, start + y, x);
      right[y * kStripLead + x] = inside ? c[long(start + y) * p.c_row_stride + x] : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    multiply_tiles(left, right, row, column, sums);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }

  for (ushort i = 0; i < 4; ++i) {
    right[(row + i) * kStripLead + column] = sums[0][i];
    right[(row + i) * kStripLead + column + 1] = sums[1][i];
  }
  for (ushort q = index; q < kStrip * kStrip; q += kQrApplyThreads) {
    const ushort y = q / kStrip, x = q % kStrip;
    left[(p.transposed != 0 ? y * kStripLead + x : x * kStripLead + y)] = t[q];
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  sums[0] = sums[1] = float4(0);
  multiply_tiles(left, right, row, column, sums);
  for (ushort i = 0; i < 4; ++i) {
    product[(row + i) * kStripLead + column] = sums[0][i];
    product[(row + i) * kStripLead + column + 1] = sums[1][i];
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);

  for (uint start = 0; start < p.rows; start += kStrip) {
    for (ushort q = index; q < kStrip * kStrip; q += kQrApplyThreads) {
      const ushort y = q / kStrip, x = q % kStrip;
      left[x * kStripLead + y] = reflector(v, p, start + y, x);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    sums[0] = sums[1] = float4(0);
    multiply_tiles(left, product, row, column, sums);
    for (ushort i = 0; i < 4; ++i) {
      if (start + row + i >= p.rows) break;
      device float* line = c + long(start + row + i) * p.c_row_stride + column;
      if (column < columns) line[0] -= sums[0][i];
      if (column + 1u < columns) line[1] -= sums[1][i];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
}
