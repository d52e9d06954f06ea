// Softmax over rows.
//
//   buffer 0  in        1  out        2  RowParams
//   function constants kFcVectors, kFcHeldRow (held_row.h)
//   A threadgroup a row: up to kRowThreads threads, `rows` threadgroups.
#pragma once

#include "held_row.h"
#include "reduce_ops.h"

template <typename T>
[[kernel, max_total_threads_per_threadgroup(1024)]] void softmax(
    device const T* in [[buffer(0)]], device T* out [[buffer(1)]],
    constant RowParams& p [[buffer(2)]], uint row [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float shared[kSimdWidth];
  HeldRow<T> x = HeldRow<T>::of(in + long(row) * p.in_stride, p.columns, -INFINITY, index,
                                simdgroups * kSimdWidth);
  float greatest = -INFINITY;
  for (uint f = 0; f < x.count(); ++f) {
    const float4 four = x[f];
    greatest = max(greatest, max(max(four.x, four.y), max(four.z, four.w)));
  }
  greatest = group_reduce<Greatest>(greatest, shared, simdgroup, simdgroups, lane);

  // NaN, which max() may have dropped, is in the sum.
  float sum = 0;
  for (uint f = 0; f < x.count(); ++f) {
    const float4 e = exp(x[f] - greatest);
    if (held) x.fours[f] = e;
    sum += (e.x + e.y) + (e.z + e.w);
  }
  sum = group_reduce<Sum<float, float>>(sum, shared, simdgroup, simdgroups, lane);

  // An infinite greatest element leaves no number for any of the row, as in NumPy.
  const float scale = is_finite(greatest) ? 1.0f / sum : quiet_nan();
  device T* y = out + long(row) * p.out_stride;
  for (uint f = 0; f < x.count(); ++f) {
    const float4 e = held ? x[f] : exp(x[f] - greatest);
    store_row(y, x.at(f), p.columns, e * scale);
  }
}
