// y[batch, rows] = x[batch, columns] W^T for a ternary weight: activations stay floating.
//
//   buffer 0  x        1  codes (as uint)        2  scales        3  y        4 TernaryMatmulParams
//   function constant kFcVectorA (x)
//
//   ternary_matmul_*                 one scale a row: T exact in the tile, the scale at the end
//   ternary_matmul_grouped_*         any groups: T times scale in a float tile
//   ternary_matmul_plain[_grouped]_* for devices without simdgroup matrices
//   ternary_matmul_large_*           one scale a row, the weight's rows down the tiles of 128:
//       kMatmulThreads threads, (ceil(batch / 128), ceil(rows / 128))
//   Threads and grid as for matmul.h: (ceil(rows / tile), ceil(batch / tile)) threadgroups. For a
//   batch of 8 or less see ternary_matvec.h.
#pragma once

#include "matmul_tile.h"

constant bool vector_a [[function_constant(2)]];

// f16 activations and T are exact in half. bf16 goes through float: its simdgroup matrices are
// emulated before Apple9.
template <typename X>
using TernaryElement = conditional_t<is_same_v<X, half>, half, float>;

template <typename Out, bool kGrouped>
struct TernaryStore {
  static constant constexpr bool kAlongRows = true;
  device Out* y;
  device const float* scales;
  uint rows;
  METAL_FUNC void operator()(uint token, uint row, float value) const {
    y[ulong(token) * rows + row] = Out(kGrouped ? value : value * scales[row]);
  }
};

template <typename X, typename T>
METAL_FUNC DenseOperand<X, T> activations(device const X* x, constant TernaryMatmulParams& p) {
  return DenseOperand<X, T>{x, p.x_row_stride, 1, p.batch, p.columns, true, vector_a};
}

template <typename X, bool kGrouped>
[[kernel, max_total_threads_per_threadgroup(128)]] void ternary_matmul(
    device const X* x [[buffer(0)]], device const uint* codes [[buffer(1)]],
    device const float* scales [[buffer(2)]], device X* y [[buffer(3)]],
    constant TernaryMatmulParams& p [[buffer(4)]], uint2 tile [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  using T = conditional_t<kGrouped, float, TernaryElement<X>>;
  threadgroup uint4 memory[kMatmulMemory<T, StandardShape>];
  const TernaryStore<X, kGrouped> store{y, scales, p.rows};
  matmul_tile<kNotExact, StandardShape>(
      activations<X, T>(x, p), ternary_weight<T, kGrouped>(codes, scales, p), p.batch, p.rows,
      p.columns, tile, store, memory, index, simdgroup, lane);
}

template <typename X, typename Shape>
[[kernel, max_total_threads_per_threadgroup(128)]] void ternary_matmul_weight_first(
    device const X* x [[buffer(0)]], device const uint* codes [[buffer(1)]],
    device const float* scales [[buffer(2)]], device X* y [[buffer(3)]],
    constant TernaryMatmulParams& p [[buffer(4)]], uint2 tile [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  using T = TernaryElement<X>;
  threadgroup uint4 memory[kMatmulMemory<T, Shape>];
  const SwappedStore<TernaryStore<X, false>> store{{y, scales, p.rows}};
  const TernaryOperand<T, false, true> left{
      codes, scales, p.rows, block_count(p.columns), p.groups, p.group_size, pair_bits(p)};
  const DenseOperand<X, T, true> right{x, p.x_row_stride, 1, p.batch, p.columns, true, vector_a};
  matmul_tile<kNotExact, Shape>(left, right, p.rows, p.batch, p.columns, tile, store, memory, index,
                                simdgroup, lane);
}

template <typename X, bool kGrouped>
[[kernel, max_total_threads_per_threadgroup(256)]] void ternary_matmul_plain(
    device const X* x [[buffer(0)]], device const uint* codes [[buffer(1)]],
    device const float* scales [[buffer(2)]], device X* y [[buffer(3)]],
    constant TernaryMatmulParams& p [[buffer(4)]], uint2 tile [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]]) {
  using T = conditional_t<kGrouped, float, TernaryElement<X>>;
  threadgroup T memory[kPlainMemory<T, 1>];
  const TernaryStore<X, kGrouped> store{y, scales, p.rows};
  matmul_plain_tile<kNotExact, 1>(activations<X, T>(x, p),
                                  ternary_weight<T, kGrouped>(codes, scales, p), p.batch, p.rows,
                                  p.columns, tile, store, memory, index);
}
