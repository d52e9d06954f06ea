// y = x / sqrt(mean(x^2) + eps) * weight over rows.
//
//   buffer 0  in    1  out    2  weight, `columns` elements, bound where kFcHasWeight
//          3  RowParams
//   function constants kFcHasWeight, kFcVectors (of the weight, too), kFcHeldRow (held_row.h)
//   A threadgroup a row: up to kRowThreads threads, `rows` threadgroups.
#pragma once

#include "held_row.h"
#include "reduce_ops.h"

constant bool has_weight [[function_constant(5)]];

template <typename T>
[[kernel, max_total_threads_per_threadgroup(1024)]] void rms_norm(
    device const T* in [[buffer(0)]], device T* out [[buffer(1)]],
    device const T* weight [[buffer(2), function_constant(has_weight)]],
    constant RowParams& p [[buffer(3)]], uint row [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float shared[kSimdWidth];
  const HeldRow<T> x =
      HeldRow<T>::of(in + long(row) * p.in_stride, p.columns, 0, index, simdgroups * kSimdWidth);
  float squares = 0;
  for (uint f = 0; f < x.count(); ++f) {
    const float4 square = x[f] * x[f];
    squares += (square.x + square.y) + (square.z + square.w);
  }
  squares = group_reduce<Sum<float, float>>(squares, shared, simdgroup, simdgroups, lane);

  const float scale = 1.0f / sqrt(squares / float(p.columns) + p.eps);
  device T* y = out + long(row) * p.out_stride;
  for (uint f = 0; f < x.count(); ++f) {
    float4 factor = float4(scale);
    if (has_weight) factor *= load_row(weight, x.at(f), p.columns, 0.0f);
    store_row(y, x.at(f), p.columns, x[f] * factor);
  }
}
