// Blockwise quantized tensors.
#pragma once

#include <cstdint>

#include "core/half.h"

namespace bitmetal::cpu {

// How codes lie in memory and what they stand for. A loader decodes 16 of them at a time; all else
// is shared.
enum class BlockLoader : uint8_t {
  nibbles_high_first,  // book[code] * scale
  nibbles_low_first,
  bytes,
  affine2,  // scale * code + bias
  affine3,
  affine4,
  affine6,
  affine8
};
inline constexpr int kBlockLoaders = 8;

// Consecutive elements. The first one's number in the tensor is a multiple of 16 unless the loader
// is `bytes`, and so is the block size.
struct BlockRun {
  const uint8_t* codes;  // those of the first element
  int64_t count;
  int64_t block_size;
  int64_t phase;        // elements of the first one's block that come before it
  const float* scales;  // from the first one's block on
  const float* biases;  // likewise, of the affine loaders
  const float* book;    // 16 or 256, of the others
};

// The nearest of 16 values: code[number of thresholds that are below], thresholds ascending.
struct BlockSearch16 {
  float thresholds[16];  // the last one is infinite
  int32_t codes[16];
};

// The nearest of 256. A float's sign, exponent and first bits of fraction choose a cell; in it at
// most `steps` thresholds remain to be compared with.
struct BlockSearch256 {
  static constexpr int kFractionBits = 6;
  static constexpr int kShift = 23 - kFractionBits;
  static constexpr int32_t kFirst = (127 - 25) << kFractionBits;  // smaller ones share a cell
  static constexpr int32_t kCells = ((127 << kFractionBits) - kFirst) + 1;  // of |y| <= 1
  uint8_t below[2 * kCells + 3];  // thresholds below a cell; negative ones are the second half
  float thresholds[256];          // the last one is infinite
  int steps;
};

template <class T>
struct BlockTypeKernels {
  // max|x|; NaN where x holds one.
  float (*absmax)(const T* x, int64_t n);
  // Codes of x / divisor, which is finite and not 0; an odd last half byte is the code of 0.
  void (*quantize_nibbles)(const T* x, int64_t n, float divisor, const BlockSearch16& search,
                           bool high_first, uint8_t* codes);
  void (*quantize_bytes)(const T* x, int64_t n, float divisor, const BlockSearch256& search,
                         uint8_t* codes);
  // `stream` keeps the result out of the caches; it asks for `out` aligned to 64 and a block size
  // of 16 n.
  void (*decode[kBlockLoaders])(const BlockRun& run, T* out, bool stream);
};

struct BlockwiseKernels {
  BlockTypeKernels<float> f32;
  BlockTypeKernels<float16> f16;
  BlockTypeKernels<bfloat16> bf16;

  const BlockTypeKernels<float>& of(const float*) const { return f32; }
  const BlockTypeKernels<float16>& of(const float16*) const { return f16; }
  const BlockTypeKernels<bfloat16>& of(const bfloat16*) const { return bf16; }
};

}  // namespace bitmetal::cpu
