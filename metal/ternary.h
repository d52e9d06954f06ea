// Ternary weights: absmean quantization, packing, and back. The dense side is [rows, columns] with
// any strides (TernaryParams), the packed side is ternary_panel.h's.
//
//   ternary_tensor_sum_T    buffer 0 weight, 1 partial sums of |w|, a float2 a threadgroup,
//                           2 TernaryParams. kReduceThreads threads, up to kMaxPartials
//                           threadgroups
//   ternary_tensor_scale    buffer 0 the partial sums, 1 scales, 2 TernaryParams, 3 constant uint,
//                           the number of sums. One threadgroup of kReduceThreads
//   ternary_group_scale_T   buffer 0 weight, 1 scales, 2 TernaryParams; per row is the case of one
//                           group. A simdgroup a scale: kReduceThreads threads,
//                           ceil(16 * panels * groups / 8) threadgroups
//   ternary_encode_T        buffer 0 weight, 1 scales, 2 codes (as uint), 3 TernaryParams
//   ternary_pack            buffer 0 int8 T, 1 codes (as uint), 2 TernaryParams
//   ternary_unpack          buffer 0 codes (as uint), 1 int8 T, 2 TernaryParams
//   ternary_dequantize_T    buffer 0 codes (as uint), 1 scales, 2 result, 3 TernaryParams
//   The last four: a thread sixteen codes, a grid of (16 * panels, blocks) threads in any
//   threadgroup size ((16, 16) suits).
//
// A weight with NaN or infinity leaves a scale that is not finite: the host looks at the scales.
// Scales of padding rows are 0.
#pragma once

#include "group_reduce.h"
#include "reduce_ops.h"
#include "ternary_panel.h"

constant constexpr float kLeastScale = 1e-5f;  // of the definition: keeps all-zero weights finite

// Sums of |w| as two floats, high + low, of about 48 bits: a mean rounded to float from them is the
// one rounded from double on other devices. They hold |w| / 2^48, so that no sum overflows; what
// that loses of the smallest is nothing beside kLeastScale.
constant constexpr float kDown = 0x1p-48f, kUp = 0x1p48f;

struct PairSum {
  struct State {
    float high, low;
  };
  static State identity() { return State{0, 0}; }
  static State merge(State a, State b) {
    const float sum = a.high + b.high;
    const float part = sum - a.high;
    const float error = (a.high - (sum - part)) + (b.high - part);  // of the first addition: exact
    const float low = a.low + b.low + error;
    const float high = sum + low;
    return State{high, low - (high - sum)};
  }
  static void add(thread State& s, float magnitude) { s = merge(s, State{magnitude * kDown, 0}); }
  static State shuffle(State s, ushort mask) {
    return State{shuffle_xor(s.high, mask), shuffle_xor(s.low, mask)};
  }
};

// sum / (a * b) in one rounding, or nearly; for a and b below 2^24. max() may drop a NaN, which has
// to reach the host.
METAL_FUNC float absmean(PairSum::State sum, uint a, uint b) {
  const float count = float(a) * float(b);
  const float count_low = fma(float(a), float(b), -count);
  const float quotient = sum.high / count;
  const float rest = fma(-quotient, count, sum.high) + (sum.low - quotient * count_low);
  const float mean = (quotient + rest / count) * kUp;
  return mean < kLeastScale ? kLeastScale : mean;
}

template <typename T>
METAL_FUNC float weight_at(device const T* weight, constant TernaryParams& p, uint row,
                           uint column) {
  return float(weight[long(row) * p.row_stride + long(column) * p.column_stride]);
}

template <typename T>
[[kernel]] void ternary_tensor_sum(
    device const T* weight [[buffer(0)]], device PairSum::State* sums [[buffer(1)]],
    constant TernaryParams& p [[buffer(2)]], uint group [[threadgroup_position_in_grid]],
    uint groups [[threadgroups_per_grid]], uint first [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup PairSum::State shared[kSimdWidth];
  PairSum::State sum = PairSum::identity();
  for (uint row = group; row < p.rows; row += groups) {
    for (uint c = first; c < p.columns; c += simdgroups * kSimdWidth) {
      PairSum::add(sum, fabs(weight_at(weight, p, row, c)));
    }
  }
  sum = group_reduce<PairSum>(sum, shared, simdgroup, simdgroups, lane);
  if (first == 0) sums[group] = sum;
}

template <typename T>
[[kernel]] void ternary_group_scale(device const T* weight [[buffer(0)]],
                                    device float* scales [[buffer(1)]],
                                    constant TernaryParams& p [[buffer(2)]],
                                    uint position [[threadgroup_position_in_grid]],
                                    uint simdgroup [[simdgroup_index_in_threadgroup]],
                                    uint simdgroups [[simdgroups_per_threadgroup]],
                                    uint lane [[thread_index_in_simdgroup]]) {
  const ulong index = ulong(position) * simdgroups + simdgroup;
  const uint row = uint(index / p.groups), group = uint(index % p.groups);
  if (row >= panel_count(p.rows) * kPanelRows) return;
  float scale = 0;
  if (row < p.rows) {
    const uint start = group * p.group_size;
    const uint end = min(start + p.group_size, uint(p.columns));
    PairSum::State sum = PairSum::identity();
    for (uint c = start + lane; c < end; c += kSimdWidth) {
      PairSum::add(sum, fabs(weight_at(weight, p, row, c)));
    }
    scale = absmean(simd_reduce<PairSum>(sum), end - start, 1);
  }
  if (lane == 0) scales[scale_at(row, group, p.groups)] = scale;
}

// Sixteen codes of a row, with T given for each column inside the matrix.
template <typename TernaryOf>
METAL_FUNC uint encode(constant TernaryParams& p, uint row, uint block, TernaryOf ternary) {
  if (row >= p.rows) return kPaddingCodes;
  uint codes = 0;
  for (uint i = 0; i < kPanelColumns; ++i) {
    const uint column = block * kPanelColumns + i;
    const int t = column < p.columns ? ternary(row, column) : 0;
    codes |= uint(t + 1) << (8 * (i % 4) + 2 * (i / 4));
  }
  return codes;
}

template <typename T>
struct Absmean {
  device const T* weight;
  device const float* scales;
  constant TernaryParams* p;
  int operator()(uint row, uint column) const {
    const float s = scales[scale_at(row, column / p->group_size, p->groups)];
    return int(clamp(rint(weight_at(weight, *p, row, column) / s), -1.0f, 1.0f));
  }
};

struct Given {
  device const char* ternary;
  constant TernaryParams* p;
  int operator()(uint row, uint column) const {
    return ternary[long(row) * p->row_stride + long(column) * p->column_stride];
  }
};

template <typename T>
[[kernel]] void ternary_encode(device const T* weight [[buffer(0)]],
                               device const float* scales [[buffer(1)]],
                               device uint* codes [[buffer(2)]],
                               constant TernaryParams& p [[buffer(3)]],
                               uint2 position [[thread_position_in_grid]]) {
  const uint blocks = block_count(p.columns);
  if (position.x >= panel_count(p.rows) * kPanelRows || position.y >= blocks) return;
  const Absmean<T> ternary{weight, scales, &p};
  codes[codes_at(position.x, position.y, blocks)] = encode(p, position.x, position.y, ternary);
}

// Writes sixteen columns of a row as T times a factor.
template <typename Out>
METAL_FUNC void decode(uint codes, float scale, constant TernaryParams& p, uint row, uint block,
                       device Out* out) {
  device Out* line = out + long(row) * p.row_stride;
  for (uint i = 0; i < kPanelColumns; ++i) {
    const uint column = block * kPanelColumns + i;
    if (column >= p.columns) return;
    const int t = int(codes >> (8 * (i % 4) + 2 * (i / 4)) & 3) - 1;
    line[long(column) * p.column_stride] = Out(float(t) * scale);
  }
}

template <typename Out>
[[kernel]] void ternary_dequantize(device const uint* codes [[buffer(0)]],
                                   device const float* scales [[buffer(1)]],
                                   device Out* out [[buffer(2)]],
                                   constant TernaryParams& p [[buffer(3)]],
                                   uint2 position [[thread_position_in_grid]]) {
  const uint blocks = block_count(p.columns);
  if (position.x >= p.rows || position.y >= blocks) return;
  const uint group = position.y * kPanelColumns / p.group_size;
  decode(codes[codes_at(position.x, position.y, blocks)],
         scales[scale_at(position.x, group, p.groups)], p, position.x, position.y, out);
}
