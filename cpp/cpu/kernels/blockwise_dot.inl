// Products of blockwise weights and a few rows of float activations, summed in float32: weights are
// decoded in registers, 16 at a time. And strips of decoded weights for more rows.

template <class Loader, int N>
inline void dot_blocks_by(const BlockRun& run, const float* x, int64_t stride, float* y) {
  constexpr int kSums = 4;  // to a row: additions wait for one another
  F32x16 sums[N][kSums];
  unroll<N * kSums>([&](auto i) BITMETAL_INLINE { sums[i / kSums][i % kSums] = broadcast(0); });
  const float* scale = run.scales;
  const float* bias = run.biases;
  int64_t end = run.block_size - run.phase;
  for (int64_t i = 0; i < run.count; end += run.block_size) {
    if (end > run.count) end = run.count;
    const Loader loader(*scale++, bias ? *bias++ : 0, run.book);
    const uint8_t* p = run.codes + i * Loader::kBits / 8;
    for (; i + 16 * kSums <= end; i += 16 * kSums, p += 2 * kSums * Loader::kBits) {
      unroll<kSums>([&](auto s) BITMETAL_INLINE {
        const F32x16 w = loader.expand(p + 2 * s * Loader::kBits);
        unroll<N>([&](auto n) BITMETAL_INLINE {
          sums[n][s] = mul_add(w, load(x + n * stride + i + 16 * s), sums[n][s]);
        });
      });
    }
    for (; i + 16 <= end; i += 16, p += 2 * Loader::kBits) {
      const F32x16 w = loader.expand(p);
      unroll<N>([&](auto n) BITMETAL_INLINE {
        sums[n][0] = mul_add(w, load(x + n * stride + i), sums[n][0]);
      });
    }
    if (i < end) {  // the next elements belong to another block, or to nobody
      uint8_t padded[16] = {};
      std::memcpy(padded, p, static_cast<size_t>(((end - i) * Loader::kBits + 7) / 8));
      const F32x16 w = loader.expand(padded);
      for (int n = 0; n < N; ++n) {
        sums[n][1] = mul_add(w, load_partial(x + n * stride + i, end - i), sums[n][1]);
      }
      i = end;
    }
  }
  for (int n = 0; n < N; ++n) {
    y[n] = add_lanes(add(add(sums[n][0], sums[n][1]), add(sums[n][2], sums[n][3])));
  }
}

template <class Loader>
void dot_blocks_of(const BlockRun& run, const float* x, int64_t stride, int count, float* y) {
  switch (count) {
    case 1: return dot_blocks_by<Loader, 1>(run, x, stride, y);
    case 2: return dot_blocks_by<Loader, 2>(run, x, stride, y);
    case 3: return dot_blocks_by<Loader, 3>(run, x, stride, y);
    default: return dot_blocks_by<Loader, 4>(run, x, stride, y);
  }
}

// The shift that brings nibble j of a word to its lowest bits.
template <bool high_first>
constexpr int nibble_shift(int j) {
  return high_first ? 4 * (j ^ 1) : 4 * j;
}

// A chunk's 64 bytes are 16 words of 8 nibbles: shifted and looked up, they are one vector of
// weights for each j, with the columns 8 l + j. The scale of a lane is applied to its sum over j.
template <bool high_first, int R, int N>
inline void dot_chunk(const uint8_t* const (&codes)[R], const Table16& table, const float* x,
                      int64_t stride, const F32x16 (&scales)[R], F32x16 (&sums)[R][N]) {
  I32x16 words[R];
  F32x16 parts[R][N];
  unroll<R>([&](auto r)
                BITMETAL_INLINE { words[r] = load(reinterpret_cast<const int32_t*>(codes[r])); });
  unroll<8>([&](auto j) BITMETAL_INLINE {
    F32x16 w[R];
    unroll<R>([&](auto r) BITMETAL_INLINE {
      w[r] = table.template at_shifted<nibble_shift<high_first>(j)>(words[r]);
    });
    unroll<N>([&](auto n) BITMETAL_INLINE {
      const F32x16 factor = load(x + n * stride + 16 * j);
      unroll<R>([&](auto r) BITMETAL_INLINE {
        parts[r][n] = j == 0 ? mul(w[r], factor) : mul_add(w[r], factor, parts[r][n]);
      });
    });
  });
  unroll<R * N>([&](auto i) BITMETAL_INLINE {
    sums[i / N][i % N] = mul_add(parts[i / N][i % N], scales[i / N], sums[i / N][i % N]);
  });
}

template <bool high_first, int R, int N>
inline void dot_nibble_rows(const NibbleRows& w, int64_t row, const float* x, int64_t stride,
                            const float* x_sums, int64_t sum_stride, float* y, int64_t y_stride) {
  const Table16 table(load(w.book));
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
    dot_chunk<high_first>(codes, table, x + c * kNibbleChunk, stride, scales, sums);
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
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < N; ++n) y[n * y_stride + row + r] = add_lanes(sums[r][n]);
  }
}

template <bool high_first>
void dot_nibbles(const NibbleRows& w, const float* x, int64_t stride, const float* sums,
                 int64_t sum_stride, int count, float* y, int64_t y_stride) {
  const auto rows = [&]<int N>(std::integral_constant<int, N>) {
    constexpr int R = block_rows(N);
    int64_t row = 0;
    for (; row + R <= w.rows; row += R) {
      dot_nibble_rows<high_first, R, N>(w, row, x, stride, sums, sum_stride, y, y_stride);
    }
    if constexpr (R > 1) {
      for (; row < w.rows; ++row) {
        dot_nibble_rows<high_first, 1, N>(w, row, x, stride, sums, sum_stride, y, y_stride);
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

template <bool high_first>
void decode_words(const uint32_t* words, int64_t columns, int64_t width, int64_t block_size,
                  const float* scales, const float* biases, const float* book, float* strip) {
  const Table16 table(load(book));
  for (int64_t at = 0; at < width; at += 16) {
    for (int64_t k = 0; k < columns; k += 8) {
      const int64_t block = k / block_size * width + at;
      const I32x16 eight = load(reinterpret_cast<const int32_t*>(words + k / 8 * width + at));
      const F32x16 scale = load(scales + block);
      float* to = strip + k * width + at;
      if (biases) {
        const F32x16 bias = load(biases + block);
        unroll<8>([&](auto j) BITMETAL_INLINE {
          const F32x16 w = table.template at_shifted<nibble_shift<high_first>(j)>(eight);
          store(to + j * width, add(mul(w, scale), bias));
        });
      } else {
        unroll<8>([&](auto j) BITMETAL_INLINE {
          const F32x16 w = table.template at_shifted<nibble_shift<high_first>(j)>(eight);
          store(to + j * width, mul(w, scale));
        });
      }
    }
  }
}
