// Products of rows that are whole blocks of nibbles and a few rows of activations.
#pragma once

// The shift that brings nibble j of a word to its lowest bits.
template <bool high_first>
constexpr int nibble_shift(int j) {
  return high_first ? 4 * (j ^ 1) : 4 * j;
}

// A chunk's 64 bytes are 16 words of 8 nibbles: shifted and looked up, they are one vector of
// weights for each j, with the columns 8 l + j. The scale of a lane is applied to its sum over j.
struct FloatNibbles {
  using Factor = float;
  using Weights = F32x16;
  static constexpr int kVectors = 8;  // of 16 factors, to a chunk
  Table16 table;

  static constexpr int rows(int n) { return block_rows(n); }
  explicit FloatNibbles(const float* book) : table(load(book)) {}
  template <int shift>
  BITMETAL_INLINE Weights weights(I32x16 words) const {
    return table.template at_shifted<shift>(words);
  }
  template <bool first>
  static BITMETAL_INLINE F32x16 add_products(Weights w, const float* factors, F32x16 sum) {
    return first ? mul(w, load(factors)) : mul_add(w, load(factors), sum);
  }
};

template <bool high_first, class Nibbles, int R, int N>
inline void dot_chunk(const uint8_t* const (&codes)[R], const Nibbles& nibbles,
                      const typename Nibbles::Factor* x, int64_t stride, const F32x16 (&scales)[R],
                      F32x16 (&sums)[R][N]) {
  I32x16 words[R];
  F32x16 parts[R][N];
  unroll<R>([&](auto r)
                BITMETAL_INLINE { words[r] = load(reinterpret_cast<const int32_t*>(codes[r])); });
  unroll<Nibbles::kVectors>([&](auto j) BITMETAL_INLINE {
    typename Nibbles::Weights w[R];
    unroll<R>([&](auto r) BITMETAL_INLINE {
      w[r] = nibbles.template weights<nibble_shift<high_first>(j)>(words[r]);
    });
    unroll<N>([&](auto n) BITMETAL_INLINE {
      const auto* factors = x + n * stride + 16 * j;
      unroll<R>([&](auto r) BITMETAL_INLINE {
        parts[r][n] = Nibbles::template add_products<j == 0>(w[r], factors, parts[r][n]);
      });
    });
  });
  unroll<R * N>([&](auto i) BITMETAL_INLINE {
    sums[i / N][i % N] = mul_add(parts[i / N][i % N], scales[i / N], sums[i / N][i % N]);
  });
}

template <bool high_first, class Nibbles, int R, int N>
inline void dot_nibble_rows(const NibbleRows& w, int64_t row, const typename Nibbles::Factor* x,
                            int64_t stride, const float* x_sums, int64_t sum_stride, float* y,
                            int64_t y_stride) {
  constexpr int64_t kChunkFactors = 16 * Nibbles::kVectors;
  const Nibbles nibbles(w.book);
  const int shift = std::countr_zero(static_cast<uint64_t>(w.block_size));
  const int64_t blocks = w.columns >> shift;
  const int64_t whole = w.columns / kNibbleChunk, rest = w.columns % kNibbleChunk;
  const int64_t row_bytes = w.columns / 2;
  const SpreadScales spread(w.block_size);
  const uint8_t* const first = w.codes + row * row_bytes;
  const float* const first_scale = w.scales + row * blocks;
  const float* const first_bias = !high_first && w.biases ? w.biases + row * blocks : nullptr;
  F32x16 sums[R][N];
  unroll<R * N>([&](auto i) BITMETAL_INLINE { sums[i / N][i % N] = broadcast(0); });
  const auto add_chunk = [&](int64_t c, const uint8_t* const(&codes)[R],
                             int64_t count) BITMETAL_INLINE {
    const int64_t block = c * kNibbleChunk >> shift;
    F32x16 scales[R];
    unroll<R>([&](auto r) BITMETAL_INLINE {
      scales[r] = spread.load(first_scale + block + r * blocks, count);
    });
    dot_chunk<high_first>(codes, nibbles, x + c * kChunkFactors, stride, scales, sums);
    if constexpr (!high_first) {  // of those only affine codes have biases
      if (!first_bias) return;
      unroll<R>([&](auto r) BITMETAL_INLINE {
        const F32x16 bias = spread.load(first_bias + block + r * blocks, count);
        unroll<N>([&](auto n) BITMETAL_INLINE {
          sums[r][n] = mul_add(bias, load(x_sums + n * sum_stride + 16 * c), sums[r][n]);
        });
      });
    }
  };
  const int64_t scales_each = spread.count(kNibbleChunk);
  for (int64_t c = 0; c < whole; ++c) {
    const uint8_t* codes[R];
    unroll<R>([&](auto r) BITMETAL_INLINE {
      codes[r] = first + r * row_bytes + c * 64;
      prefetch(codes[r] + R * row_bytes);  // the next rows
    });
    add_chunk(c, codes, scales_each);
  }
  if (rest) {
    uint8_t padded[R][64] = {};
    const uint8_t* codes[R];
    for (int r = 0; r < R; ++r) {
      std::memcpy(padded[r], first + r * row_bytes + whole * 64, static_cast<size_t>(rest / 2));
      codes[r] = padded[r];
    }
    add_chunk(whole, codes, spread.count(rest));
  }
  // Unrolled: a loop would have the sums stored after every chunk.
  unroll<R * N>([&](auto i) BITMETAL_INLINE {
    y[i % N * y_stride + row + i / N] = add_lanes(sums[i / N][i % N]);
  });
}

template <bool high_first, class Nibbles>
void dot_nibbles(const NibbleRows& w, const typename Nibbles::Factor* x, int64_t stride,
                 const float* sums, int64_t sum_stride, int count, float* y, int64_t y_stride) {
  const auto rows = [&]<int N>(std::integral_constant<int, N>) {
    constexpr int R = Nibbles::rows(N);
    int64_t row = 0;
    for (; row + R <= w.rows; row += R) {
      dot_nibble_rows<high_first, Nibbles, R, N>(w, row, x, stride, sums, sum_stride, y, y_stride);
    }
    if constexpr (R > 1) {
      for (; row < w.rows; ++row) {
        dot_nibble_rows<high_first, Nibbles, 1, N>(w, row, x, stride, sums, sum_stride, y,
                                                   y_stride);
      }
    }
  };
  switch (count) {
    case 1: return rows(std::integral_constant<int, 1>{});
    case 2: return rows(std::integral_constant<int, 2>{});
    case 3: return rows(std::integral_constant<int, 3>{});
    default: return rows(std::integral_constant<int, 4>{});
  }
}
