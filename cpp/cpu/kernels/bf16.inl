// Products of bfloat16 by the processor's dot products.

#include "cpu/kernels/bf16_nibbles.inl"

constexpr int kPairVectors = 2;  // of 16 columns, to a tile
constexpr int kPairRows = 14;    // 28 sums, 2 vectors of b and a word of a: 31 of 32 registers

#include "cpu/kernels/bf16_ternary.inl"

template <int kRows>
void multiply_pairs(const uint32_t* a, const uint32_t* b, int64_t words, float* c, int64_t stride,
                    bool add_to_c) {
  F32x16 sums[kRows * kPairVectors];
  unroll<kRows * kPairVectors>([&](auto i) BITMETAL_INLINE { sums[i] = broadcast(0.0f); });
  for (int64_t p = 0; p < words; ++p, a += kRows, b += 16 * kPairVectors) {
    Pairs row[kPairVectors];
    unroll<kPairVectors>([&](auto v) BITMETAL_INLINE { row[v] = load_pairs(b + 16 * v); });
    unroll<kRows>([&](auto i) BITMETAL_INLINE {
      const Pairs factor = broadcast_pair(a[i]);
      unroll<kPairVectors>([&](auto v) BITMETAL_INLINE {
        add_pair_products(sums[i * kPairVectors + v], factor, row[v]);
      });
    });
  }
  unroll<kRows * kPairVectors>([&](auto i) BITMETAL_INLINE {
    float* to = c + i / kPairVectors * stride + 16 * (i % kPairVectors);
    store(to, add_to_c ? add(sums[i], load(to)) : sums[i]);
  });
}

template <int... n>
constexpr Bf16Kernels bf16_kernels(std::integer_sequence<int, n...>) {
  return {.rows = kPairRows,
          .columns = 16 * kPairVectors,
          .multiply = {nullptr, multiply_pairs<n + 1>...},
          .turn_nibbles = turn_nibbles,
          .multiply_nibbles = {{nullptr, multiply_nibbles<false, n + 1>...},
                               {nullptr, multiply_nibbles<true, n + 1>...}},
          .dot_nibbles = {dot_nibbles<false, PairNibbles>, dot_nibbles<true, PairNibbles>},
          .pack_ternary = pack_ternary_strips,
          .multiply_ternary = multiply_ternary};
}

constexpr Bf16Kernels kBf16Kernels = bf16_kernels(std::make_integer_sequence<int, kPairRows>{});
