// y[batch, rows] = x[batch, columns] W^T for a ternary weight and a batch of 8 or less.
//
//   buffer 0  x        1  codes (as uint)        2  scales        3  y        4 TernaryMatmulParams
//   function constant kFcVectorX. Codes and scales are aligned to 16 bytes
//
//   ternary_matvec_T_bN, ternary_matvec_grouped_T_bN for N = 1, 2, 4, 8: the least N >= batch.
//   A panel a threadgroup: kMatvecThreads threads or a smaller multiple of kSimdWidth (for short
//   rows: a simdgroup takes 128 columns at a time), ceil(rows / kPanelRows) threadgroups.
#pragma once

#include "ternary_rows.h"

constant bool vector_x [[function_constant(6)]];

template <typename Out, bool kGrouped>
struct TernaryVectorStore {
  device Out* y;
  device const float* scales;
  uint rows;
  METAL_FUNC void operator()(uint b, uint row, float sum) const {
    y[ulong(b) * rows + row] = Out(kGrouped ? sum : sum * scales[row]);
  }
};

template <typename X, uint kBatch, bool kGrouped>
[[kernel, max_total_threads_per_threadgroup(256)]] void ternary_matvec(
    device const X* x [[buffer(0)]], device const uint* codes [[buffer(1)]],
    device const float* scales [[buffer(2)]], device X* y [[buffer(3)]],
    constant TernaryMatmulParams& p [[buffer(4)]], uint group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  using Weights = TernaryRows<float, kGrouped>;
  threadgroup float shared[kMatvecSimdgroups * kMatvecRows<Weights> * kBatch];
  const Weights weights{codes,        scales, block_count(p.columns), p.groups, p.group_size,
                        pair_bits(p), 0};
  const TernaryVectorStore<X, kGrouped> store{y, scales, p.rows};
  matvec_rows<kBatch>(weights, x, p.x_row_stride, vector_x, p.rows, p.columns, p.batch, store,
                      shared, simdgroups, group, index, simdgroup, simdgroups, lane);
}
