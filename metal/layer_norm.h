// y = (x - mean) / sqrt(var + eps) * weight + bias over rows.
//
//   buffer 0  in    1  out    2  weight, bound where kFcHasWeight    3  bias, where kFcHasBias
//          4  RowParams
//   function constants kFcHasWeight, kFcHasBias, kFcVectors (of the two, too), kFcHeldRow
//   (held_row.h)
//   A threadgroup a row: up to kRowThreads threads, `rows` threadgroups.
#pragma once

#include "held_row.h"
#include "reduce_ops.h"

constant bool has_bias [[function_constant(4)]];
constant bool has_weight [[function_constant(5)]];

template <typename T>
[[kernel, max_total_threads_per_threadgroup(1024)]] void layer_norm(
    device const T* in [[buffer(0)]], device T* out [[buffer(1)]],
    device const T* weight [[buffer(2), function_constant(has_weight)]],
    device const T* bias [[buffer(3), function_constant(has_bias)]],
    constant RowParams& p [[buffer(4)]], uint row [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  using Op = Sum<float, float>;
  threadgroup float shared[kSimdWidth];
  const HeldRow<T> x =
      HeldRow<T>::of(in + long(row) * p.in_stride, p.columns, 0, index, simdgroups * kSimdWidth);
  float sum = 0;
  for (uint f = 0; f < x.count(); ++f) sum += (x[f].x + x[f].y) + (x[f].z + x[f].w);
  sum = group_reduce<Op>(sum, shared, simdgroup, simdgroups, lane);
  const float mean = sum / float(p.columns);

  float squares = 0;
  for (uint f = 0; f < x.count(); ++f) {
    const float4 distance = x[f] - mean;
    for (uint j = 0; j < 4; ++j) {
      if (x.has(f, j)) squares += distance[j] * distance[j];
    }
  }
  squares = group_reduce<Op>(squares, shared, simdgroup, simdgroups, lane);

  const float scale = 1.0f / sqrt(squares / float(p.columns) + p.eps);
  device T* y = out + long(row) * p.out_stride;
  for (uint f = 0; f < x.count(); ++f) {
    float4 value = (x[f] - mean) * scale;
    if (has_weight) value *= load_row(weight, x.at(f), p.columns, 0.0f);
    if (has_bias) value += load_row(bias, x.at(f), p.columns, 0.0f);
    store_row(y, x.at(f), p.columns, value);
  }
}
