// C[m, n] -= A[m, k] B[k, n] in a part of a matrix: the trailing updates of factorizations.
//
//   buffer 0  A        1  B        2  C, rows of neighbouring elements        3  MatmulUpdateParams
//   function constants, engines and grids as in matmul.h
#pragma once

#include "matmul.h"

struct SubtractStore {
  static constant constexpr bool kAlongRows = true;
  device float* out;
  long row_stride;
  METAL_FUNC void operator()(uint row, uint column, float value) const {
    out[long(row) * row_stride + column] -= value;
  }
};

METAL_FUNC bool outside(constant MatmulUpdateParams& p, uint2 tile) {
  return (p.part == kLower && tile.x > tile.y) || (p.part == kUpper && tile.y > tile.x);
}

[[kernel, max_total_threads_per_threadgroup(128)]] void matmul_update(
    device const float* a [[buffer(0)]], device const float* b [[buffer(1)]],
    device float* c [[buffer(2)]], constant MatmulUpdateParams& p [[buffer(3)]],
    uint3 tile [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup uint4 memory[kMatmulMemory<float, StandardShape>];
  if (outside(p, tile.xy)) return;
  const SubtractStore store{c + long(tile.z) * p.c_batch_stride, p.c_row_stride};
  matmul_tile<kNotExact, StandardShape>(
      left_operand(a, p.product, tile.z), right_operand(b, p.product, tile.z), p.product.m,
      p.product.n, p.product.k, tile.xy, store, memory, index, simdgroup, lane);
}

[[kernel, max_total_threads_per_threadgroup(256)]] void matmul_update_plain(
    device const float* a [[buffer(0)]], device const float* b [[buffer(1)]],
    device float* c [[buffer(2)]], constant MatmulUpdateParams& p [[buffer(3)]],
    uint3 tile [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]]) {
  threadgroup float memory[kPlainMemory<float, 1>];
  if (outside(p, tile.xy)) return;
  const SubtractStore store{c + long(tile.z) * p.c_batch_stride, p.c_row_stride};
  matmul_plain_tile<kNotExact, 1>(left_operand(a, p.product, tile.z),
                                  right_operand(b, p.product, tile.z), p.product.m, p.product.n,
                                  p.product.k, tile.xy, store, memory, index);
}
