// Products of int8 matrices.
#pragma once

#include <cstdint>

#include "cpu/kernels/gemm.h"

namespace bitmetal::cpu {

struct Int8Kernels {
  // out[i * stride + j] = the product of row i of a and row j of b, k elements each, modulo 2^32.
  void (*multiply)(const int8_t* a, int64_t m, const int8_t* b, int64_t n, int64_t k, int32_t* out,
                   int64_t stride);

  // For more rows: tiles of words of `per_word` elements, modulo 2^32. A line is packed into words
  // with zeros at its end. The left ones hold `offset` too much in each element: a line of zeros on
  // the left gives what all products have too much.
  int rows, columns;                              // of a tile
  MultiplyTile<uint32_t> tile[kMaxTileRows + 1];  // [n]: n <= rows lines of a, in such strips
  int per_word, offset;
  void (*pack_left)(const int8_t* line, int64_t k, uint32_t* words);
  void (*pack_right)(const int8_t* line, int64_t k, uint32_t* words);
};

}  // namespace bitmetal::cpu
