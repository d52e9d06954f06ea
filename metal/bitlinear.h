// BitLinear: activations as int8 per token, an exact integer product with a ternary weight, and
// y = product * scale * factor + bias.
//
//   bitlinear_quantize_T          buffer 0 x, 1 norm weight (float, where kFcHasWeight),
//                                 2 q (int8), 3 factors (float), 4 QuantizeActivationsParams
//                                 function constants kFcHasWeight, kFcNormalize
//                                 A threadgroup a row: kReduceThreads threads
//   bitlinear_matvec[_grouped]_T_bN        batch 8 or less: threads and grid of ternary_matvec.h
//   bitlinear_matmul[_plain][_grouped]_T   threads and grid of ternary_matmul.h
//   The last two: buffer 0 q, 1 codes (as uint), 2 scales, 3 factors, 4 bias (float, where
//   kFcHasBias), 5 y, 6 TernaryMatmulParams with columns = x_row_stride = padded
//   function constant kFcHasBias. q, codes and scales are aligned to 16 bytes
//
// T is the type of x and y. The product is exact for up to 2^24 - 1 columns; with groups it is
// exact within 16 columns and a float sum of scaled parts beyond.
#pragma once

#include "group_reduce.h"
#include "matmul_tile.h"
#include "reduce_ops.h"
#include "ternary_rows.h"

constant bool has_bias [[function_constant(4)]];
constant bool has_weight [[function_constant(5)]];
constant bool normalize_rows [[function_constant(7)]];

constant constexpr float kLeastMaximum = 1e-5f;  // of the definition: keeps all-zero rows finite

template <typename T>
struct NormalizedRow {
  device const T* x;
  device const float* weight;
  float scale;
  METAL_FUNC float operator()(uint i) const {
    const float value = normalize_rows ? float(x[i]) * scale : float(x[i]);
    return has_weight ? value * weight[i] : value;
  }
};

template <typename T>
[[kernel]] void bitlinear_quantize(
    device const T* in [[buffer(0)]],
    device const float* norm_weight [[buffer(1), function_constant(has_weight)]],
    device char4* out [[buffer(2)]], device float* factors [[buffer(3)]],
    constant QuantizeActivationsParams& p [[buffer(4)]], uint row [[threadgroup_position_in_grid]],
    uint first [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float shared[kSimdWidth];
  device const T* x = in + long(row) * p.in_stride;
  const uint step = simdgroups * kSimdWidth;

  float scale = 1;
  if (normalize_rows) {
    float squares = 0;
    for (uint i = first; i < p.columns; i += step) squares += float(x[i]) * float(x[i]);
    squares = group_reduce<Sum<float, float>>(squares, shared, simdgroup, simdgroups, lane);
    scale = 1.0f / sqrt(squares / float(p.columns) + p.eps);
  }

  const NormalizedRow<T> value{x, norm_weight, scale};
  float greatest = 0;
  for (uint i = first; i < p.columns; i += step) {
    greatest = Greatest::merge(greatest, fabs(value(i)));
  }
  greatest = group_reduce<Greatest>(greatest, shared, simdgroup, simdgroups, lane);

  const bool finite = is_finite(greatest);
  greatest = max(greatest, kLeastMaximum);
  if (first == 0) factors[row] = finite ? greatest / 127.0f : quiet_nan();

  const float multiplier = 127.0f / greatest;
  device char4* q = out + ulong(row) * (p.padded / 4);
  for (uint four = first; four < p.padded / 4; four += step) {
    char4 codes = char4(0);
    for (uint j = 0; j < 4 && finite && 4 * four + j < p.columns; ++j) {
      codes[j] = char(clamp(rint(value(4 * four + j) * multiplier), -128.0f, 127.0f));
    }
    q[four] = codes;
  }
}

template <typename Out, bool kGrouped>
struct BitlinearStore {
  static constant constexpr bool kAlongRows = true;
  device Out* y;
  device const float* scales;
  device const float* factors;
  device const float* bias;
  uint rows;
  METAL_FUNC void operator()(uint token, uint row, float sum) const {
    float value = kGrouped ? sum * factors[token] : sum * scales[row] * factors[token];
    if (has_bias) value += bias[row];
    y[ulong(token) * rows + row] = Out(value);
  }
};

template <typename Out, uint kBatch, bool kGrouped>
[[kernel, max_total_threads_per_threadgroup(256)]] void bitlinear_matvec(
    device const char* q [[buffer(0)]], device const uint* codes [[buffer(1)]],
    device const float* scales [[buffer(2)]], device const float* factors [[buffer(3)]],
    device const float* bias [[buffer(4), function_constant(has_bias)]],
    device Out* y [[buffer(5)]], constant TernaryMatmulParams& p [[buffer(6)]],
    uint group [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  using Weights = TernaryRows<conditional_t<kGrouped, float, int>, kGrouped>;
  threadgroup typename Weights::Sum shared[kMatvecSimdgroups * kMatvecRows<Weights> * kBatch];
  const Weights weights{codes,        scales, block_count(p.columns), p.groups, p.group_size,
                        pair_bits(p), 0};
  const BitlinearStore<Out, kGrouped> store{y, scales, factors, bias, p.rows};
  matvec_rows<kBatch>(weights, q, p.x_row_stride, true, p.rows, p.columns, p.batch, store, shared,
                      simdgroups, group, index, simdgroup, simdgroups, lane);
}

// int8 and T are exact in half; T times a scale is not.
template <bool kGrouped>
using BitlinearElement = conditional_t<kGrouped, float, half>;

template <typename T>
METAL_FUNC DenseOperand<char, T> tokens(device const char* q, constant TernaryMatmulParams& p) {
  return DenseOperand<char, T>{q, p.x_row_stride, 1, p.batch, p.columns, true, true};
}

template <typename Out, bool kGrouped>
[[kernel, max_total_threads_per_threadgroup(128)]] void bitlinear_matmul(
    device const char* q [[buffer(0)]], device const uint* codes [[buffer(1)]],
    device const float* scales [[buffer(2)]], device const float* factors [[buffer(3)]],
    device const float* bias [[buffer(4), function_constant(has_bias)]],
    device Out* y [[buffer(5)]], constant TernaryMatmulParams& p [[buffer(6)]],
    uint2 tile [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  using T = BitlinearElement<kGrouped>;
  threadgroup uint4 memory[kMatmulMemory<T, StandardShape>];
  const BitlinearStore<Out, kGrouped> store{y, scales, factors, bias, p.rows};
  matmul_tile<kGrouped ? kNotExact : kTernaryExactDepth, StandardShape>(
      tokens<T>(q, p), ternary_weight<T, kGrouped>(codes, scales, p), p.batch, p.rows, p.columns,
      tile, store, memory, index, simdgroup, lane);
}

template <typename Out, bool kGrouped>
[[kernel, max_total_threads_per_threadgroup(256)]] void bitlinear_matmul_plain(
    device const char* q [[buffer(0)]], device const uint* codes [[buffer(1)]],
    device const float* scales [[buffer(2)]], device const float* factors [[buffer(3)]],
    device const float* bias [[buffer(4), function_constant(has_bias)]],
    device Out* y [[buffer(5)]], constant TernaryMatmulParams& p [[buffer(6)]],
    uint2 tile [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]]) {
  using T = BitlinearElement<kGrouped>;
  threadgroup T memory[kPlainMemory<T, 1>];
  const BitlinearStore<Out, kGrouped> store{y, scales, factors, bias, p.rows};
  matmul_plain_tile<kGrouped ? kNotExact : kTernaryExactDepth, 1>(
      tokens<T>(q, p), ternary_weight<T, kGrouped>(codes, scales, p), p.batch, p.rows, p.columns,
      tile, store, memory, index);
}
