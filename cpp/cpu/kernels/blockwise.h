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
  float levels[4][16];  // the thresholds as a binary search meets them: 1, 2, 4 and 8 of them
};

// The nearest of 256, of values that are at most 1 in magnitude: a code is the number of thresholds
// below. Each set finds it by one of these.
struct BlockSearch256 {
  float thresholds[256];  // ascending; the last one is infinite

  // A float's sign, exponent and first bits of fraction choose a cell; in it at most `steps`
  // thresholds remain to be compared with.
  static constexpr int kFractionBits = 6;
  static constexpr int kShift = 23 - kFractionBits;
  static constexpr int32_t kFirst = (127 - 25) << kFractionBits;  // smaller ones share a cell
  static constexpr int32_t kCells = ((127 << kFractionBits) - kFirst) + 1;
  uint8_t below[2 * kCells + 3];  // thresholds below a cell; negative ones are the second half
  int steps;

  // Tables of bytes, where zero's both sides have the same thresholds. Of a float, rotated so that
  // its sign comes last, the first byte and the second choose a cell, which has one threshold at
  // most: the three other bytes are compared with it.
  struct ByteCells {
    bool usable;
    uint8_t zero;        // the code of 0
    uint8_t first[128];  // cell of an exponent
    int8_t count[128];   // cells of an exponent, which share the 256 values of the second byte
    uint8_t below[256];  // thresholds between zero and a cell
    uint8_t threshold[3][256];
  } bytes;
};

// Where the codes and scales of consecutive blocks go.
struct BlockOutput {
  int64_t block_size;
  uint8_t* codes;
  void* scales;
  void* biases;
};

template <class T>
struct BlockTypeKernels {
  // Whole blocks, or the last one of a tensor. Blocks of zeros, and those with NaN or infinity, get
  // the code of 0 throughout; an odd last half byte does, too.
  void (*quantize_absmax)(const T* x, int64_t n, const BlockSearch16& search, const BlockOutput&);
  void (*quantize_mxfp4)(const T* x, int64_t n, const BlockSearch16& search, const BlockOutput&);
  void (*quantize_nvfp4)(const T* x, int64_t n, const BlockSearch16& search, const BlockOutput&);
  void (*quantize_bytes)(const T* x, int64_t n, const BlockSearch256& search, const BlockOutput&);
  // Scales and biases are of type T.
  void (*quantize_affine)(const T* x, int64_t n, int bits, const BlockOutput&);
  // `stream` keeps the result out of the caches; it asks for `out` aligned to 64 and a block size
  // of 16 n.
  void (*decode[kBlockLoaders])(const BlockRun& run, T* out, bool stream);
};

// Products of a few rows of activations, in which weights are decoded in registers.
inline constexpr int kBlockDotRows = 4;  // rows of activations at once, at most

// Rows of weights that are whole blocks of nibbles, a multiple of 8 columns.
struct NibbleRows {
  const uint8_t* codes;
  int64_t rows, columns;
  int64_t block_size;
  const float* scales;  // [rows][columns / block_size]
  const float* biases;  // likewise, or null
  const float* book;    // 16
};
inline constexpr int64_t kNibbleChunk = 128;  // columns: 64 bytes of codes

struct BlockwiseKernels {
  BlockTypeKernels<float> f32;
  BlockTypeKernels<float16> f16;
  BlockTypeKernels<bfloat16> bf16;

  // y[n] = the product of one row of weights and row n < count of x, rows being `stride` apart. x
  // is the element that belongs to the run's first one; 16 past the last one are zero.
  void (*dot[kBlockLoaders])(const BlockRun& run, const float* x, int64_t stride, int count,
                             float* y);
  // y[n * y_stride + r] for rows of nibbles, low or high ones first. Activations come in chunks of
  // kNibbleChunk columns, zero past the last one: 8 vectors, of which vector j holds the columns 8
  // l + j. `sums`, with biases, adds the 8 up: 16 floats a chunk.
  void (*dot_nibbles[2])(const NibbleRows& w, const float* x, int64_t stride, const float* sums,
                         int64_t sum_stride, int count, float* y, int64_t y_stride);
  // Strips for the tiles of gemm.h, from words of eight nibbles, [columns / 8][width], and scales
  // [blocks][width]; `width` is a multiple of 16, columns one of 8.
  void (*decode_words[2])(const uint32_t* words, int64_t columns, int64_t width, int64_t block_size,
                          const float* scales, const float* biases, const float* book,
                          float* strip);

  const BlockTypeKernels<float>& of(const float*) const { return f32; }
  const BlockTypeKernels<float16>& of(const float16*) const { return f16; }
  const BlockTypeKernels<bfloat16>& of(const bfloat16*) const { return bf16; }
};

}  // namespace bitmetal::cpu
