// Products of bfloat16 by the processor's dot products.

#include "cpu/kernels/blockwise_nibbles.inl"

constexpr int kPairVectors = 2;  // of 16 columns, to a tile
constexpr int kPairRows = 14;    // 28 sums, 2 vectors of b and a word of a: 31 of 32 registers

template <int kRows>
void multiply_pairs(const uint32_t* a, const uint32_t* b, int64_t words, const float* scales,
                    float* c, int64_t stride, bool add_to_c) {
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
  F32x16 scale[kPairVectors];
  unroll<kPairVectors>(
      [&](auto v) BITMETAL_INLINE { scale[v] = scales ? load(scales + 16 * v) : broadcast(1.0f); });
  unroll<kRows * kPairVectors>([&](auto i) BITMETAL_INLINE {
    constexpr int v = i % kPairVectors;
    float* to = c + i / kPairVectors * stride + 16 * v;
    store(to, add_to_c ? mul_add(sums[i], scale[v], load(to)) : mul(sums[i], scale[v]));
  });
}

template <bool high_first>
void decode_nibbles(const uint8_t* codes, int64_t row_bytes, int64_t count, int64_t depth,
                    const float* book, uint32_t* strip) {
  constexpr int64_t kWidth = 16 * kPairVectors;
  const PairTable table(book);
  for (int64_t at = 0; at < kWidth; at += 16) {
    const uint8_t* rows = codes + at * row_bytes;
    for (int64_t word = 0; word < depth / 8; word += 16) {
      const int64_t left = depth / 8 - word;
      I32x16 words[16];
      unroll<16>([&](auto i) BITMETAL_INLINE {
        const uint8_t* from = rows + i * row_bytes + 4 * word;
        words[i] = load_words(from, at + i < count ? left : 0);
        prefetch(from + depth / 2);  // the next strip's: no prefetching of the processor's follows
      });
      transpose(words);
      uint32_t* to = strip + 4 * word * kWidth + at;
      unroll<16>([&](auto w) BITMETAL_INLINE {
        if (w >= left) return;
        unroll<4>([&](auto j) BITMETAL_INLINE {
          store_pairs(to + (4 * w + j) * kWidth,
                      table.template at_shifted<nibble_shift<high_first>(j)>(words[w]));
        });
      });
    }
  }
}

struct PairNibbles {
  using Factor = uint32_t;
  using Weights = Pairs;
  static constexpr int kVectors = 4;
  PairTable table;

  static constexpr int rows(int n) { return n <= 2 ? 4 : 3; }
  explicit PairNibbles(const float* book) : table(book) {}
  template <int shift>
  BITMETAL_INLINE Weights weights(I32x16 words) const {
    return table.template at_shifted<shift>(words);
  }
  template <bool first>
  static BITMETAL_INLINE F32x16 add_products(Weights w, const uint32_t* factors, F32x16 sum) {
    if (first) sum = broadcast(0.0f);
    add_pair_products(sum, load_pairs(factors), w);
    return sum;
  }
};

template <int... n>
constexpr Bf16Kernels bf16_kernels(std::integer_sequence<int, n...>) {
  return {.rows = kPairRows,
          .columns = 16 * kPairVectors,
          .multiply = {nullptr, multiply_pairs<n + 1>...},
          .decode_nibbles = {decode_nibbles<false>, decode_nibbles<true>},
          .dot_nibbles = {dot_nibbles<false, PairNibbles>, dot_nibbles<true, PairNibbles>}};
}

constexpr Bf16Kernels kBf16Kernels = bf16_kernels(std::make_integer_sequence<int, kPairRows>{});
