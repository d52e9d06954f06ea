// y[batch, rows] = x[batch, columns] W^T for a dense W and a batch of 8 or less; sums in float.
//
//   buffer 0  x        1  W        2  y        3  MatvecParams
//   function constants kFcVectorX, kFcVectorB (W)
//
//   matvec_T_bN          W's columns are neighbours: element (row, column) at
//                        row * w_row_stride + column. Four rows a threadgroup, ceil(rows / 4)
//                        threadgroups
//   matvec_columns_T_bN  W's rows are neighbours: at column * w_row_stride + row.
//                        kSimdWidth rows a threadgroup, ceil(rows / kSimdWidth) threadgroups
//   N = 1, 2, 4, 8: the least N >= batch. kMatvecThreads threads a threadgroup or a smaller
//   multiple of kSimdWidth.
#pragma once

#include "dense_rows.h"
#include "store.h"

constant bool vector_w [[function_constant(3)]];
constant bool vector_x [[function_constant(6)]];

template <typename T, uint kBatch>
[[kernel, max_total_threads_per_threadgroup(256)]] void matvec(
    device const T* x [[buffer(0)]], device const T* w [[buffer(1)]], device T* y [[buffer(2)]],
    constant MatvecParams& p [[buffer(3)]], uint group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  using Weights = DenseRows<T, float>;
  threadgroup float shared[kMatvecSimdgroups * kMatvecRows<Weights> * kBatch];
  const Weights weights{w, p.w_row_stride, p.rows, p.columns, vector_w, 0};
  const RowMajorStore<T> store{y, p.rows};
  matvec_rows<kBatch>(weights, x, p.x_row_stride, vector_x, p.rows, p.columns, p.batch, store,
                      shared, simdgroups, group, index, simdgroup, simdgroups, lane);
}

template <typename T, uint kBatch>
[[kernel, max_total_threads_per_threadgroup(256)]] void matvec_columns(
    device const T* x [[buffer(0)]], device const T* w [[buffer(1)]], device T* y [[buffer(2)]],
    constant MatvecParams& p [[buffer(3)]], uint group [[threadgroup_position_in_grid]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float shared[kMatvecThreads * kBatch];
  const uint row = group * kSimdWidth + lane;
  const bool inside = row < p.rows;
  float sums[kBatch];
  for (uint b = 0; b < kBatch; ++b) sums[b] = 0;
  if (inside) {
    for (uint c = simdgroup; c < p.columns; c += simdgroups) {
      const float value = float(w[long(c) * p.w_row_stride + row]);
      for (uint b = 0; b < kBatch; ++b) {
        sums[b] += value * float(x[long(min(b, uint(p.batch) - 1)) * p.x_row_stride + c]);
      }
    }
  }
  for (uint b = 0; b < kBatch; ++b) shared[(simdgroup * kBatch + b) * kSimdWidth + lane] = sums[b];
  threadgroup_barrier(mem_flags::mem_threadgroup);

  const RowMajorStore<T> store{y, p.rows};
  for (uint b = simdgroup; b < min(kBatch, uint(p.batch)); b += simdgroups) {
    float sum = 0;
    for (uint s = 0; s < simdgroups; ++s) sum += shared[(s * kBatch + b) * kSimdWidth + lane];
    if (inside) store(b, row, sum);
  }
}
