#pragma once

#include "cpu/kernels/vector.inl"

// Words are elements, or as many int8 as the instruction set multiplies at once.
template <class V>
BITMETAL_INLINE inline V multiply_add(V a, V b, V sum) {
  return fma(a, b, sum);
}
BITMETAL_INLINE inline Words multiply_add(Words a, Words b, Words sum) {
  return add_int8_products(sum, a, b);
}

template <class C, int kRows>
void multiply_tile(const C* a, const C* b, int64_t k, C* c, int64_t stride, bool add) {
  using V = typename VectorOf<C>::type;
  V sum[kRows][kTileVectors] = {};
  for (int64_t p = 0; p < k; ++p, a += kRows, b += kTileVectors * kLength<V>) {
    V row[kTileVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) row[v] = load<V>(b + v * kLength<V>);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const V factor = V{} + a[i];
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) sum[i][v] = multiply_add(factor, row[v], sum[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) {
      C* to = c + i * stride + v * kLength<V>;
      store(add ? load<V>(to) + sum[i][v] : sum[i][v], to);
    }
  }
}

template <class C>
constexpr TileKernel<C> tile_kernel() {
  return {kTileRows, kTileVectors * kLength<typename VectorOf<C>::type>,
          multiply_tile<C, kTileRows>};
}

#ifndef BITMETAL_TRANSPOSE_WORDS
constexpr auto transpose_words = transpose_block<uint32_t>;
#endif

template <int... n>
constexpr GemmKernels gemm_kernels(std::integer_sequence<int, n...>) {
  return {tile_kernel<float>(),
          tile_kernel<double>(),
          {nullptr, multiply_tile<float, n + 1>...},
          transpose_words};
}

constexpr GemmKernels kGemmKernels = gemm_kernels(std::make_integer_sequence<int, kTileRows>{});
