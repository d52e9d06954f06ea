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
//   The last four: a simdgroup two blocks; kReduceThreads threads, a grid of
//   (panels, ceil(blocks / 16)) threadgroups.
//   function constant kFcVectors: rows of the dense side are neighbours and begin at multiples of
//   four elements
//
// A weight with NaN or infinity leaves a scale that is not finite: the host looks at the scales.
// Scales of padding rows are 0.
#pragma once

#include "group_reduce.h"
#include "reduce_ops.h"
#include "ternary_panel.h"

constant bool vectors [[function_constant(18)]];

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

// Columns column .. column + 3 of a row, zeros beyond the last.
template <typename T>
METAL_FUNC float4 four_weights(device const T* weight, constant TernaryParams& p, uint row,
                               uint column) {
  device const T* line = weight + long(row) * p.row_stride;
  if (vectors && column + 4 <= p.columns) return float4(*(device const vec<T, 4>*)(line + column));
  float4 four = float4(0);
  for (uint j = 0; j < 4 && column + j < p.columns; ++j) {
    four[j] = float(line[long(column + j) * p.column_stride]);
  }
  return four;
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
    for (uint c = 4 * first; c < p.columns; c += 4 * simdgroups * kSimdWidth) {
      const float4 four = fabs(four_weights(weight, p, row, c));
      for (uint j = 0; j < 4; ++j) PairSum::add(sum, four[j]);
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
    for (uint c = start + 4 * lane; c < end; c += 4 * kSimdWidth) {
      const float4 four = fabs(four_weights(weight, p, row, c));
      for (uint j = 0; j < 4; ++j) PairSum::add(sum, c + j < end ? four[j] : 0.0f);
    }
    scale = absmean(simd_reduce<PairSum>(sum), end - start, 1);
  }
  if (lane == 0) scales[scale_at(row, group, p.groups)] = scale;
}

// A simdgroup has two blocks side by side, a lane a row of one. Both on the dense side and in
// memory of codes neighbouring lanes shall meet neighbours, so that on the dense side a lane has
// four columns of a row in each of four turns: of row 4 * turn + lane / 8, column 4 * (lane % 8).
struct TwoBlocks {
  uint panel, block, lane;

  static METAL_FUNC TwoBlocks of(uint2 group, uint simdgroup, uint simdgroups, uint lane) {
    return TwoBlocks{group.x, 2 * (group.y * simdgroups + simdgroup), lane};
  }
  // Of the lane's codes.
  METAL_FUNC uint row() const { return panel * kPanelRows + lane % kPanelRows; }
  METAL_FUNC uint own_block() const { return block + lane / kPanelRows; }
  // Of the lane's four elements.
  METAL_FUNC uint row(uint turn) const { return panel * kPanelRows + 4 * turn + lane / 8; }
  METAL_FUNC uint column() const { return block * kPanelColumns + 4 * (lane % 8); }
  METAL_FUNC uint field() const { return lane % 4; }
  // Who has the codes of the four elements.
  METAL_FUNC ushort holder(uint turn) const {
    return ushort(lane / 4 % 2 * kPanelRows + 4 * turn + lane / 8);
  }
};

// Codes from four T of the lane in each turn, for which `ternary(row, column)` is called.
template <typename TernaryOf>
METAL_FUNC void encode(TwoBlocks at, constant TernaryParams& p, device uint* codes,
                       TernaryOf ternary) {
  const uint blocks = block_count(p.columns);
  uint own = kPaddingCodes;
  for (uint turn = 0; turn < 4; ++turn) {
    const uint row = at.row(turn), column = at.column();
    int4 four = int4(0);
    if (row < p.rows && column < p.columns) four = ternary(row, column);
    uint sixteen = 0;
    for (uint j = 0; j < 4; ++j) sixteen |= uint(four[j] + 1) << (8 * j + 2 * at.field());
    sixteen |= simd_shuffle_xor(sixteen, ushort(1));
    sixteen |= simd_shuffle_xor(sixteen, ushort(2));
    // To the lane of that row: row r of block b is found in this turn by lanes from 8 r + 4 b on.
    const uint found = simd_shuffle(sixteen, ushort(at.lane % 4 * 8 + at.lane / kPanelRows * 4));
    if (at.lane % kPanelRows / 4 == turn) own = found;
  }
  if (at.own_block() < blocks) codes[codes_at(at.row(), at.own_block(), blocks)] = own;
}

template <typename T>
struct Absmean {
  device const T* weight;
  device const float* scales;
  constant TernaryParams* p;
  int4 operator()(uint row, uint column) const {
    const float s = scales[scale_at(row, column / p->group_size, p->groups)];
    // Of |w| / s, rounded to float and then to an integer, 1 or more comes for |w| above s / 2: the
    // next float above it over s is no nearer to 1 / 2 than to the next float above that.
    const float4 four = four_weights(weight, *p, row, column);
    return int4(four > 0.5f * s) - int4(four < -0.5f * s);
  }
};

struct Given {
  device const char* ternary;
  constant TernaryParams* p;
  int4 operator()(uint row, uint column) const {
    return int4(four_weights(ternary, *p, row, column));
  }
};

template <typename T>
[[kernel]] void ternary_encode(
    device const T* weight [[buffer(0)]], device const float* scales [[buffer(1)]],
    device uint* codes [[buffer(2)]], constant TernaryParams& p [[buffer(3)]],
    uint2 group [[threadgroup_position_in_grid]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  const Absmean<T> ternary{weight, scales, &p};
  encode(TwoBlocks::of(group, simdgroup, simdgroups, lane), p, codes, ternary);
}

// Writes each code's T, times its scale where there are scales.
template <typename Out, bool kScaled>
METAL_FUNC void decode(TwoBlocks at, constant TernaryParams& p, device const uint* codes,
                       device const float* scales, device Out* out) {
  const uint blocks = block_count(p.columns);
  uint own = 0;
  if (at.own_block() < blocks) own = codes[codes_at(at.row(), at.own_block(), blocks)];
  for (uint turn = 0; turn < 4; ++turn) {
    const uint sixteen = simd_shuffle(own, at.holder(turn));
    const uint row = at.row(turn), column = at.column();
    if (row >= p.rows || column >= p.columns) continue;
    const float scale = kScaled ? scales[scale_at(row, column / p.group_size, p.groups)] : 1.0f;
    const uchar4 four = codes_of_field(sixteen, at.field());
    vec<Out, 4> values;
    for (uint j = 0; j < 4; ++j) values[j] = Out(float(int(four[j]) - 1) * scale);
    device Out* line = out + long(row) * p.row_stride;
    if (vectors && column + 4 <= p.columns) {
      *(device vec<Out, 4>*)(line + column) = values;
    } else {
      for (uint j = 0; j < 4 && column + j < p.columns; ++j) {
        line[long(column + j) * p.column_stride] = values[j];
      }
    }
  }
}

template <typename Out>
[[kernel]] void ternary_dequantize(
    device const uint* codes [[buffer(0)]], device const float* scales [[buffer(1)]],
    device Out* out [[buffer(2)]], constant TernaryParams& p [[buffer(3)]],
    uint2 group [[threadgroup_position_in_grid]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  decode<Out, true>(TwoBlocks::of(group, simdgroup, simdgroups, lane), p, codes, scales, out);
}
