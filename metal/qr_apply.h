// C <- (I - V T V^T) C, or its transpose, for a panel's reflections as qr_panel.h leaves them.
//
//   buffer 0  V, the panel        1  T        2  C, rows of neighbouring elements
//   3  QrApplyParams
//   kTileThreads threads, a grid of (ceil(columns / kQrPanel), batch) threadgroups
#pragma once

#include "tile_product.h"

METAL_FUNC float reflector(device const float* v, constant QrApplyParams& p, uint row,
                           uint column) {
  if (row <= column || row >= p.rows || column >= p.steps) {
    return row == column && column < p.steps ? 1.0f : 0.0f;
  }
  return v[long(row) * p.v_row_stride + column];
}

[[kernel, max_total_threads_per_threadgroup(kTileThreads)]] void qr_apply(
    device const float* v [[buffer(0)]], device const float* t [[buffer(1)]],
    device float* c [[buffer(2)]], constant QrApplyParams& p [[buffer(3)]],
    uint2 group [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]]) {
  threadgroup float4 memory[3][kTileFours];
  threadgroup float* left = (threadgroup float*)memory[0];
  threadgroup float* right = (threadgroup float*)memory[1];
  threadgroup float* product = (threadgroup float*)memory[2];
  v += long(group.y) * p.v_batch_stride;
  t += long(group.y) * p.t_batch_stride;
  c += long(group.y) * p.c_batch_stride + group.x * kTileSide;
  const uint columns = min(uint(kTileSide), p.columns - group.x * kTileSide);
  const ushort2 place = tile_place(index);

  float4 sums[2] = {float4(0), float4(0)};
  for (uint start = 0; start < p.rows; start += kTileSide) {
    for (ushort q = index; q < kTileSide * kTileSide; q += kTileThreads) {
      const ushort y = q / kTileSide, x = q % kTileSide;
      const bool inside = start + y < p.rows && x < columns;
      left[y * kTileLead + x] = reflector(v, p, start + y, x);
      right[y * kTileLead + x] = inside ? c[long(start + y) * p.c_row_stride + x] : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    multiply_tiles(left, right, place, sums);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }

  store_tile(right, place, sums);
  for (ushort q = index; q < kTileSide * kTileSide; q += kTileThreads) {
    const ushort y = q / kTileSide, x = q % kTileSide;
    left[(p.transposed != 0 ? y * kTileLead + x : x * kTileLead + y)] = t[q];
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  sums[0] = sums[1] = float4(0);
  multiply_tiles(left, right, place, sums);
  store_tile(product, place, sums);
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);

  for (uint start = 0; start < p.rows; start += kTileSide) {
    for (ushort q = index; q < kTileSide * kTileSide; q += kTileThreads) {
      const ushort y = q / kTileSide, x = q % kTileSide;
      left[x * kTileLead + y] = reflector(v, p, start + y, x);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    sums[0] = sums[1] = float4(0);
    multiply_tiles(left, product, place, sums);
    for (ushort i = 0; i < 4; ++i) {
      if (start + place.y + i >= p.rows) break;
      device float* line = c + long(start + place.y + i) * p.c_row_stride + place.x;
      if (place.x < columns) line[0] -= sums[0][i];
      if (place.x + 1u < columns) line[1] -= sums[1][i];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
}
