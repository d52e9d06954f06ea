// The innermost part of a matrix product: one tile of the result that lives in registers.
#pragma once

#include <cstdint>

namespace bitmetal::cpu {

// Operands come packed in strips: `rows` lines of a (`columns` of b) side by side, for each p in
// [0, k) their words p one after another. A word is an element, or several short ones that are
// multiplied together. c is row-major with `stride` elements to a row.
template <class Word, class C = Word>
using MultiplyTile = void (*)(const Word* a, const Word* b, int64_t k, C* c, int64_t stride,
                              bool add);

template <class Word, class C = Word>
struct TileKernel {
  int rows, columns;
  MultiplyTile<Word, C> multiply;
};

inline constexpr int kMaxTileRows = 16;

struct GemmKernels {
  TileKernel<float> f32;
  TileKernel<double> f64;
  MultiplyTile<float> f32_rows[kMaxTileRows + 1];  // [n]: n <= f32.rows lines of a, in such strips
  // As transpose_block<uint32_t>() does it: lines to a strip.
  void (*transpose)(const void* in, int64_t in_stride, int64_t rows, int64_t columns, void* out,
                    int64_t out_stride);

  const TileKernel<float>& of(float) const { return f32; }
  const TileKernel<double>& of(double) const { return f64; }
};

}  // namespace bitmetal::cpu
