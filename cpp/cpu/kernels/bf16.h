// Dot products of bfloat16, on the sets that have them: twice as many products to an instruction as
// in float32, which they are summed in.
//
// Operands are words of two columns. Of eight columns word j holds columns j and j + 4: so they
// come out of the lookup of nibbles.
#pragma once

#include <cstdint>

#include "cpu/kernels/blockwise.h"
#include "cpu/kernels/gemm.h"

namespace bitmetal::cpu {

struct Bf16Kernels {
  int rows, columns;  // of a tile; 0 where the set has no such products

  // [n]: a tile of n <= rows lines of a. Operands come in strips as in gemm.h, of words; c gets
  // scales[column] * the sums, or them alone where `scales` is null.
  void (*multiply[kMaxTileRows + 1])(const uint32_t* a, const uint32_t* b, int64_t words,
                                     const float* scales, float* c, int64_t stride, bool add);
  // Low or high nibbles first: `count` <= columns rows of weights, `row_bytes` apart, to the words
  // of a strip. `depth` is a multiple of 8 columns.
  void (*decode_nibbles[2])(const uint8_t* codes, int64_t row_bytes, int64_t count, int64_t depth,
                            const float* book, uint32_t* strip);
  // As dot_nibbles of blockwise.h; a chunk of activations is 4 vectors, of which vector j holds the
  // words j of each eight columns.
  void (*dot_nibbles[2])(const NibbleRows& w, const uint32_t* x, int64_t stride, const float* sums,
                         int64_t sum_stride, int count, float* y, int64_t y_stride);
};

}  // namespace bitmetal::cpu
