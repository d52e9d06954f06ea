// Products of bfloat16 and ternary weights: the codes, looked up, are exact, and their scales are
// left to the sums of each chunk of columns.

#include "cpu/kernels/tiles.inl"

// Columns whose codes in a band of panels (8 KiB) stay in L1 beside a tile's activations (14 KiB).
constexpr int64_t kPairChunkBlocks = 32;
constexpr int64_t kPairPrefetch = 2048;  // bytes

// Of each 16 columns, word j holds 4 (j % 4) + j / 4 and the second one after it, whose codes are
// at the same bits of the lower and of the upper half of a row's word.
inline void pack_ternary_strips(const bfloat16* x, int64_t count, int64_t columns, int64_t begin,
                                int64_t end, uint32_t* strips) {
  typedef uint16_t Sixteen __attribute__((vector_size(32)));
  const int64_t blocks = (columns + 15) / 16;
  for_each_tile<kPairRows>(count, [&]<int N>(int64_t first) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t left = columns - b * 16;
      uint32_t* to = strips + (first * blocks + b * N) * 8;
      for (int n = 0; n < N; ++n) {
        Sixteen v{};
        std::memcpy(&v, x + (first + n) * columns + b * 16,
                    static_cast<size_t>(left < 16 ? left : 16) * sizeof(bfloat16));
        v = __builtin_shufflevector(v, v, 0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
        uint32_t words[8];
        std::memcpy(words, &v, sizeof words);
        for (int j = 0; j < 8; ++j) to[j * N + n] = words[j];
      }
    }
  });
}

// Panels to a tile of N rows, and sums for each of their products: an addition takes ten cycles, of
// which each could begin two, and 24 sums leave registers for the operands.
constexpr int ternary_panels(int n) { return n <= 6 ? 4 : 2; }
constexpr int ternary_chains(int sums) { return sums < 24 ? 24 / sums : 1; }

// y += scale * the products over some blocks.
template <int P, int N>
inline void multiply_ternary_tile(const PairTable& table, const uint8_t* codes,
                                  int64_t panel_stride, const uint32_t* a, int64_t blocks,
                                  const float* scales, int64_t scale_stride, float* y,
                                  int64_t y_stride) {
  constexpr int S = ternary_chains(N * P);
  F32x16 sums[S][N * P];
  unroll<S * N * P>([&](auto i)
                        BITMETAL_INLINE { sums[i / (N * P)][i % (N * P)] = broadcast(0.0f); });
  for (int64_t b = 0; b < blocks; ++b, codes += 64, a += 8 * N) {
    unroll<P>([&](auto p) BITMETAL_INLINE { prefetch(codes + p * panel_stride + kPairPrefetch); });
    unroll<8>([&](auto j) BITMETAL_INLINE {
      Pairs w[P];
      unroll<P>([&](auto p) BITMETAL_INLINE {
        const I32x16 words = load(reinterpret_cast<const int32_t*>(codes + p * panel_stride));
        w[p] = table.template at_shifted<2 * j>(words);
      });
      unroll<N>([&](auto n) BITMETAL_INLINE {
        const Pairs factor = broadcast_pair(a[j * N + n]);
        unroll<P>([&](auto p)
                      BITMETAL_INLINE { add_pair_products(sums[j % S][n * P + p], factor, w[p]); });
      });
    });
  }
  unroll<N * P>([&](auto i) BITMETAL_INLINE {
    unroll<S - 1>([&](auto s) BITMETAL_INLINE { sums[0][i] = add(sums[0][i], sums[s + 1][i]); });
    float* to = y + i / P * y_stride + i % P * 16;
    store(to, mul_add(sums[0][i], load(scales + i % P * scale_stride), load(to)));
  });
}

inline void multiply_ternary(const Panels& w, const uint32_t* a, int64_t count, float* y) {
  // A lookup's index has two bits of a code and two of its neighbour.
  alignas(64) static constexpr float kValues[16] = {-1, 0, 1, 0, -1, 0, 1, 0,
                                                    -1, 0, 1, 0, -1, 0, 1, 0};
  const PairTable table(kValues);
  const int64_t groups = w.groups(), panel_stride = w.blocks * 64, y_stride = w.count * 16;
  for (int64_t i = 0; i < count * y_stride; ++i) y[i] = 0;
  for (int64_t begin = 0, end; begin < w.blocks; begin = end) {
    const int64_t group = begin / w.group_blocks, group_end = (group + 1) * w.group_blocks;
    end = begin + kPairChunkBlocks;
    if (end > group_end) end = group_end;
    if (end > w.blocks) end = w.blocks;
    for_each_tile<kPairRows>(count, [&]<int N>(int64_t n) {
      const auto tile = [&]<int P>(int64_t p) {
        multiply_ternary_tile<P, N>(table, w.codes + p * panel_stride + begin * 64, panel_stride,
                                    a + (n * w.blocks + begin * N) * 8, end - begin,
                                    w.scales + (p * groups + group) * 16, groups * 16,
                                    y + n * y_stride + p * 16, y_stride);
      };
      constexpr int P = ternary_panels(N);
      int64_t p = 0;
      for (; p + P <= w.count; p += P) tile.template operator()<P>(p);
      for (; p < w.count; ++p) tile.template operator()<1>(p);
    });
  }
}
