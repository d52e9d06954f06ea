// y = x / sqrt(mean(x^2) + eps) * weight over rows.
//
//   buffer 0  in    1  out    2  weight, `columns` elements, bound where kFcHasWeight    3
//   RowParams A threadgroup a row: kReduceThreads threads, `rows` threadgroups.
#pragma once

#include "group_reduce.h"
#include "reduce_ops.h"

constant bool has_weight [[function_constant(5)]];

template <typename T>
[[kernel]] void rms_norm(device const T* in [[buffer(0)]], device T* out [[buffer(1)]],
                         device const T* weight [[buffer(2), function_constant(has_weight)]],
                         constant RowParams& p [[buffer(3)]],
                         uint row [[threadgroup_position_in_grid]],
                         uint first [[thread_index_in_threadgroup]],
                         uint simdgroup [[simdgroup_index_in_threadgroup]],
                         uint simdgroups [[simdgroups_per_threadgroup]],
                         uint lane [[thread_index_in_simdgroup]]) {
  using Op = Sum<float, float>;
  threadgroup float shared[kSimdWidth];
  device const T* x = in + long(row) * p.in_stride;
  device T* y = out + long(row) * p.out_stride;
  const uint step = simdgroups * kSimdWidth;

  float squares = 0;
  for (ulong i = first; i < p.columns; i += step) squares += float(x[i]) * float(x[i]);
  squares = group_reduce<Op>(squares, shared, simdgroup, simdgroups, lane);

  const float scale = 1.0f / sqrt(squares / float(p.columns) + p.eps);
  for (ulong i = first; i < p.columns; i += step) {
    const float factor = has_weight ? scale * float(weight[i]) : scale;
    y[i] = T(float(x[i]) * factor);
  }
}
