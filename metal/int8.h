// Plain int8 with a scale a row (LLM.int8()): quantization, exact products, and their scaling.
//
//   int8_mark_outliers_T     buffer 0 x, 1 marks (uchar [columns]), 2 Int8QuantizeParams
//       kReduceThreads threads, ceil(columns / kSimdWidth) threadgroups
//   int8_quantize_rows_T     buffer 0 x, 1 marks (where kFcHasOutliers), 2 codes (char), 3 absmax,
//       4 Int8QuantizeParams. A row a threadgroup: kReduceThreads threads
//   int8_matvec_bN           buffer 0 x (char), 1 w (char), 2 y (int), 3 MatvecParams: matvec.h's
//       mat-vec over rows, in integers; function constants kFcVectorX, kFcVectorB
//   int8_matmul[_plain]      buffer 0 a (char), 1 b (char), 2 c (int), 3 MatmulParams with both
//       along depth; function constants kFcVectorA, kFcVectorB; threads and grid of matmul.h
//   int8_dequantize_T        buffer 0 sums (int), 1 absmax of rows, 2 of columns, 3 bias (float,
//       where kFcHasBias), 4 result, 5 RowParams. A thread an element: (columns, rows)
#pragma once

#include "dense_rows.h"
#include "group_reduce.h"
#include "matmul_tile.h"
#include "reduce_ops.h"
#include "store.h"

constant bool vector_a [[function_constant(2)]];
constant bool vector_b [[function_constant(3)]];
constant bool has_bias [[function_constant(4)]];
constant bool vector_x [[function_constant(6)]];
constant bool has_outliers [[function_constant(12)]];

template <typename T>
[[kernel]] void int8_mark_outliers(device const T* x [[buffer(0)]],
                                   device uchar* marks [[buffer(1)]],
                                   constant Int8QuantizeParams& p [[buffer(2)]],
                                   uint group [[threadgroup_position_in_grid]],
                                   uint simdgroup [[simdgroup_index_in_threadgroup]],
                                   uint simdgroups [[simdgroups_per_threadgroup]],
                                   uint lane [[thread_index_in_simdgroup]]) {
  threadgroup uint found[kReduceThreads];
  const uint column = group * kSimdWidth + lane;
  uint any = 0;
  for (uint row = simdgroup; column < p.columns && row < p.rows; row += simdgroups) {
    if (fabs(float(x[ulong(row) * p.columns + column])) >= p.threshold) any = 1;
  }
  found[simdgroup * kSimdWidth + lane] = any;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (simdgroup > 0 || column >= p.columns) return;
  for (uint s = 1; s < simdgroups; ++s) any |= found[s * kSimdWidth + lane];
  marks[column] = any;
}

template <typename T>
[[kernel]] void int8_quantize_rows(
    device const T* in [[buffer(0)]],
    device const uchar* marks [[buffer(1), function_constant(has_outliers)]],
    device char* out [[buffer(2)]], device float* absmax [[buffer(3)]],
    constant Int8QuantizeParams& p [[buffer(4)]], uint row [[threadgroup_position_in_grid]],
    uint first [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float shared[kSimdWidth];
  device const T* x = in + ulong(row) * p.columns;
  device char* codes = out + ulong(row) * p.columns;
  const uint step = simdgroups * kSimdWidth;
  float greatest = 0;
  for (uint i = first; i < p.columns; i += step) {
    const float magnitude = fabs(float(x[i]));
    if (has_outliers && magnitude >= p.threshold) continue;
    greatest = Greatest::merge(greatest, magnitude);
  }
  greatest = group_reduce<Greatest>(greatest, shared, simdgroup, simdgroups, lane);
  if (first == 0) absmax[row] = greatest;

  const float factor = 127.0f / greatest;
  const bool zeros = greatest == 0 || !is_finite(greatest);
  for (uint i = first; i < p.columns; i += step) {
    const float value = float(x[i]);
    const bool zero = zeros || value == 0 || (has_outliers && marks[i]);
    codes[i] = zero ? char(0) : char(rint(clamp(value * factor, -127.0f, 127.0f)));
  }
}

// Four bytes of four rows a lane. Their products add up to less than 2^17, exactly.
using Int8Rows = DenseRows<char, int>;

template <uint kBatch>
[[kernel, max_total_threads_per_threadgroup(256)]] void int8_matvec(
    device const char* x [[buffer(0)]], device const char* w [[buffer(1)]],
    device int* y [[buffer(2)]], constant MatvecParams& p [[buffer(3)]],
    uint group [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup int shared[kMatvecSimdgroups * kMatvecRows<Int8Rows> * kBatch];
  const Int8Rows weights{w, p.w_row_stride, p.rows, p.columns, vector_b, 0};
  matvec_rows<kBatch>(weights, x, p.x_row_stride, vector_x, p.rows, p.columns, p.batch,
                      RowMajorStore<int>{y, p.rows}, shared, simdgroups, group, index, simdgroup,
                      simdgroups, lane);
}

METAL_FUNC DenseOperand<char, half> int8_operand(device const char* data, long row_stride,
                                                 uint rows, uint depth, bool vector) {
  return DenseOperand<char, half>{data, row_stride, 1, rows, depth, true, vector};
}
