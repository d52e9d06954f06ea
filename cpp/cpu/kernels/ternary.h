// The functions that an instruction set provides for ternary matrices.
#pragma once

#include <cstdint>

#include "core/half.h"

namespace bitmetal::cpu {

// Rows of a weight that are multiplied together, in panels of 16.
inline constexpr int64_t kBandPanels = 4;
inline constexpr int64_t kBandRows = 16 * kBandPanels;

// The longest run of columns that is summed in 32 bits: 2^18 of them. The largest summand is a
// code's top bit field left in place, 128, times an activation, 127 in magnitude; four columns of
// each 16 fall on one field: 4 * 128 * 127 * 16384 < 2^31.
inline constexpr int64_t kSegmentBlocks = 16384;

// Panels of a TernaryMatrix, from the first one on.
struct Panels {
  const uint8_t* codes;
  const float* scales;
  int64_t count;         // of panels
  int64_t blocks;        // a row's
  int64_t group_blocks;  // blocks that share a scale

  int64_t groups() const { return (blocks + group_blocks - 1) / group_blocks; }
  Panels from(int64_t panel, int64_t panels) const {
    return {codes + panel * blocks * 64, scales + panel * groups() * 16, panels, blocks,
            group_blocks};
  }
};

// A run of blocks that lies in one group and is no longer than kSegmentBlocks. The segments of a
// row:
//   for (Segment s(w); s.begin < w.blocks; s.advance(w))
struct Segment {
  int64_t index = -1, begin = 0, end = 0, group = 0;

  explicit Segment(const Panels& w) { advance(w); }
  void advance(const Panels& w) {
    ++index;
    begin = end;
    group = begin / w.group_blocks;
    const int64_t group_end = (group + 1) * w.group_blocks;
    end = begin + kSegmentBlocks;
    if (end > group_end) end = group_end;
    if (end > w.blocks) end = w.blocks;
  }
  bool begins_group(const Panels& w) const { return begin == group * w.group_blocks; }
  bool ends_group(const Panels& w) const {
    return end == (group + 1) * w.group_blocks || end == w.blocks;
  }
};

// A batch of rows of int8 activations.
struct Int8Rows {
  const int8_t* values;  // [count][stride], zero from the last column on; whole cache lines
  const int32_t* sums;   // [count][segments]: the sum over each segment
  int64_t count;
  int64_t stride;
  int64_t segments;
};

// Functions that read or write floating-point values of type T.
template <class T>
struct TernaryTypeKernels {
  // Sum of |w[i]| in double. NaN or infinity where w holds one.
  double (*sum_of_magnitudes)(const T* w, int64_t n);
  double (*sum_of_squares)(const T* x, int64_t n);
  // A row of n weights to the codes of its blocks, 64 bytes apart.
  void (*quantize)(const T* w, int64_t n, float scale, uint8_t* codes);
  // The inverse. `stream` keeps the result out of the caches; it asks for `out` aligned to 64.
  void (*dequantize)(const uint8_t* codes, int64_t n, float scale, T* out, bool stream);
  // out = x, or x * inverse_rms * norm_weight where there is one. Returns the largest |out|.
  float (*normalize)(const T* x, int64_t n, float inverse_rms, const float* norm_weight,
                     float* out);
  // out = y * factor + bias; `bias` may be null.
  void (*finish)(const float* y, int64_t n, float factor, const float* bias, T* out);
};

struct TernaryKernels {
  TernaryTypeKernels<float> f32;
  TernaryTypeKernels<float16> f16;
  TernaryTypeKernels<bfloat16> bf16;

  // A row of n codes from and to int8.
  void (*pack)(const int8_t* t, int64_t n, uint8_t* codes);
  void (*unpack)(const uint8_t* codes, int64_t n, int8_t* t);

  // Each five blocks of codes to and from four blocks of trits.
  void (*pack_trits)(const uint8_t* codes, int64_t fives, uint8_t* trits);
  void (*expand_trits)(const uint8_t* trits, int64_t fives, uint8_t* codes);

  // q = round(x * factor), with zeros up to the end of the last block; x is in [-127, 127] /
  // factor. Returns the sum.
  int32_t (*quantize_activations)(const float* x, int64_t n, float factor, int8_t* q);
  // y[i][r] = the product of activation row i and weight row r, times the weight's scale; y is
  // [x.count][kBandRows]. At most kBandPanels panels.
  void (*multiply_int8)(const Panels& w, const Int8Rows& x, void* scratch, float* y);
  int64_t (*multiply_int8_scratch)(int64_t batch);  // bytes
  // The same for panels of trits, all of one group and at most kSegmentBlocks, and one row of
  // activations, zero to the end of its last five blocks. False, and nothing done, where it is
  // better to expand them.
  bool (*multiply_trits)(const Panels& w, const Int8Rows& x, float* y);

  // The same for `count` rows of float activations, `stride` apart, zero from the last column to
  // the end of its block; any number of panels, and y is [count][panels * 16].
  void (*multiply_float)(const Panels& w, const float* x, int64_t count, int64_t stride,
                         void* scratch, float* y);
  int64_t multiply_float_scratch;  // bytes

  const TernaryTypeKernels<float>& of(const float*) const { return f32; }
  const TernaryTypeKernels<float16>& of(const float16*) const { return f16; }
  const TernaryTypeKernels<bfloat16>& of(const bfloat16*) const { return bf16; }
};

}  // namespace bitmetal::cpu
