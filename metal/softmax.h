// Softmax over rows.
//
//   buffer 0  in        1  out        2  RowParams
//   A threadgroup a row: kReduceThreads threads, `rows` threadgroups.
#pragma once

#include "group_reduce.h"
#include "reduce_ops.h"

template <typename T>
[[kernel]] void softmax(device const T* in [[buffer(0)]], device T* out [[buffer(1)]],
                        constant RowParams& p [[buffer(2)]],
                        uint row [[threadgroup_position_in_grid]],
                        uint first [[thread_index_in_threadgroup]],
                        uint simdgroup [[simdgroup_index_in_threadgroup]],
                        uint simdgroups [[simdgroups_per_threadgroup]],
                        uint lane [[thread_index_in_simdgroup]]) {
  using Op = LogSumExp<T, T>;
  threadgroup typename Op::State shared[kSimdWidth];
  device const T* x = in + long(row) * p.in_stride;
  device T* y = out + long(row) * p.out_stride;
  const uint step = simdgroups * kSimdWidth;

  typename Op::State state = Op::identity();
  for (ulong i = first; i < p.columns; i += step) Op::add(state, x[i], i);
  state = group_reduce<Op>(state, shared, simdgroup, simdgroups, lane);

  // An infinite greatest element leaves no number for any of the row, as in NumPy.
  const float scale = is_finite(state.greatest) ? 1.0f / state.sum : quiet_nan();
  for (ulong i = first; i < p.columns; i += step) {
    y[i] = T(exp(float(x[i]) - state.greatest) * scale);
  }
}
