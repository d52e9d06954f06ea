// y = (x - mean) / sqrt(var + eps) * weight + bias over rows.
//
//   buffer 0  in    1  out    2  weight, bound where kFcHasWeight    3  bias, where kFcHasBias
//          4  RowParams
//   A threadgroup a row: kReduceThreads threads, `rows` threadgroups.
#pragma once

#include "group_reduce.h"
#include "reduce_ops.h"

constant bool has_bias [[function_constant(4)]];
constant bool has_weight [[function_constant(5)]];

template <typename T>
[[kernel]] void layer_norm(device const T* in [[buffer(0)]], device T* out [[buffer(1)]],
                           device const T* weight [[buffer(2), function_constant(has_weight)]],
                           device const T* bias [[buffer(3), function_constant(has_bias)]],
                           constant RowParams& p [[buffer(4)]],
                           uint row [[threadgroup_position_in_grid]],
                           uint first [[thread_index_in_threadgroup]],
                           uint simdgroup [[simdgroup_index_in_threadgroup]],
                           uint simdgroups [[simdgroups_per_threadgroup]],
                           uint lane [[thread_index_in_simdgroup]]) {
  using Op = Var<T, float>;
  threadgroup typename Op::State shared[kSimdWidth];
  device const T* x = in + long(row) * p.in_stride;
  device T* y = out + long(row) * p.out_stride;
  const uint step = simdgroups * kSimdWidth;

  typename Op::State state = Op::identity();
  for (ulong i = first; i < p.columns; i += step) Op::add(state, x[i], i);
  state = group_reduce<Op>(state, shared, simdgroup, simdgroups, lane);

  const float scale = 1.0f / sqrt(Op::finish(state, float(p.columns)) + p.eps);
  for (ulong i = first; i < p.columns; i += step) {
    float value = (float(x[i]) - state.mean) * scale;
    if (has_weight) value *= float(weight[i]);
    if (has_bias) value += float(bias[i]);
    y[i] = T(value);
  }
}
