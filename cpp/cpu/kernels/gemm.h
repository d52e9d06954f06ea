// The innermost part of a matrix product: one tile of the result that lives in registers.
#pragma once

#include <cstdint>

namespace bitmetal::cpu {

// Operands come packed in strips: `rows` lines of a (`columns` of b) side by side, for each p in
// [0, k) their elements p one after another. c is row-major with `stride` elements to a row.
template <class C>
using MultiplyTile = void (*)(const C* a, const C* b, int64_t k, C* c, int64_t stride, bool add);

template <class C>
struct TileKernel {
  int rows, columns;
  MultiplyTile<C> multiply;
};

inline constexpr int kMaxTileRows = 16;

struct GemmKernels {
  TileKernel<float> f32;
  TileKernel<double> f64;
  MultiplyTile<float> f32_rows[kMaxTileRows + 1];  // [n]: n <= f32.rows lines of a, in such strips

  const TileKernel<float>& of(float) const { return f32; }
  const TileKernel<double>& of(double) const { return f64; }
};

}  // namespace bitmetal::cpu
