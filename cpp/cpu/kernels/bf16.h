// Dot products of bfloat16, on the sets that have them: twice as many products to an instruction as
// in float32, which they are summed in.
//
// Operands are words of two columns. Of eight columns word j holds columns j and j + 4: so they
// come out of the lookup of nibbles.
#pragma once

#include <cstdint>

#include "cpu/kernels/blockwise.h"
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/ternary.h"

namespace bitmetal::cpu {

inline constexpr int64_t kNibbleStrip = 64;  // rows of weights

struct Bf16Kernels {
  int rows, columns;  // of a tile; 0 where the set has no such products

  // [n]: a tile of n <= rows lines of a. Operands come in strips as in gemm.h, of words.
  void (*multiply[kMaxTileRows + 1])(const uint32_t* a, const uint32_t* b, int64_t words, float* c,
                                     int64_t stride, bool add);

  // Rows of weights, `count` <= kNibbleStrip of them and `row_bytes` apart, to a strip: of each
  // eight columns the nibbles as they are, one word a row. `depth` is a multiple of 8 columns.
  void (*turn_nibbles)(const uint8_t* codes, int64_t row_bytes, int64_t count, int64_t depth,
                       uint32_t* strip);
  // Low or high nibbles first, [n]: such a strip of `count` rows times n <= rows lines of a. Sums
  // of a block are scaled; scales and c have kNibbleStrip columns.
  using MultiplyNibbles = void (*)(const uint32_t* a, const uint32_t* strip, int64_t depth,
                                   int64_t count, const float* book, int64_t block_size,
                                   const float* scales, float* c, bool add);
  MultiplyNibbles multiply_nibbles[2][kMaxTileRows + 1];
  // As dot_nibbles of blockwise.h; a chunk of activations is 4 vectors, of which vector j holds the
  // words j of each eight columns.
  void (*dot_nibbles[2])(const NibbleRows& w, const uint32_t* x, int64_t stride, const float* sums,
                         int64_t sum_stride, int count, float* y, int64_t y_stride);

  // Activations for ternary weights, `columns` to a row: blocks [begin, end) of 16 columns of all
  // the strips that multiply_ternary() reads, 16 bits a value, zeros up to whole blocks.
  void (*pack_ternary)(const bfloat16* x, int64_t count, int64_t columns, int64_t begin,
                       int64_t end, uint32_t* strips);
  // As multiply_float of ternary.h.
  void (*multiply_ternary)(const Panels& w, const uint32_t* strips, int64_t count, float* y);
};

}  // namespace bitmetal::cpu
