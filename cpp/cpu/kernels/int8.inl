// Products of int8 matrices, exact modulo 2^32: sums run along the rows of both.
//
// An instruction set supplies, for kInt8Step elements at a time,
//   Int8Left, Int8Right            loaded from either side
//   Int8Sum                        clear(), add(left, right), total()
//   kInt8LeftOffset                what Int8Left holds too much, for products of unsigned and
//                                  signed bytes; int8_offset() is a left side of nothing else
// and for tiles of words
//   kInt8PerWord                   elements to a word: 4, or 2 as 16-bit numbers
//   add_int8_products(sum, a, b)   of Words, which every lane adds its elements' products to

// The last elements, padded with zeros.
struct Int8Tail {
  alignas(64) int8_t bytes[kInt8Step] = {};

  BITMETAL_INLINE Int8Tail(const int8_t* from, int64_t n) {
    std::memcpy(bytes, from, static_cast<size_t>(n));
  }
};

template <int M, int N>
inline void multiply_int8_tile(const int8_t* a, const int8_t* b, int64_t k, int32_t* out,
                               int64_t stride) {
  Int8Sum sums[M][N], offsets[N];
  unroll<M * N>([&](auto i) BITMETAL_INLINE { sums[i / N][i % N].clear(); });
  unroll<N>([&](auto n) BITMETAL_INLINE { offsets[n].clear(); });
  const auto step = [&](const int8_t* const(&left)[M], const int8_t* const(&right)[N])
                        BITMETAL_INLINE {
                          Int8Left l[M];
                          unroll<M>([&](auto m) BITMETAL_INLINE { l[m] = load_left(left[m]); });
                          unroll<N>([&](auto n) BITMETAL_INLINE {
                            const Int8Right r = load_right(right[n]);
                            prefetch(right[n] + N * k);  // the next rows
                            if constexpr (kInt8LeftOffset != 0) offsets[n].add(int8_offset(), r);
                            unroll<M>([&](auto m) BITMETAL_INLINE { sums[m][n].add(l[m], r); });
                          });
                        };
  const int8_t* left[M];
  const int8_t* right[N];
  int64_t at = 0;
  for (; at + kInt8Step <= k; at += kInt8Step) {
    unroll<M>([&](auto m) BITMETAL_INLINE { left[m] = a + m * k + at; });
    unroll<N>([&](auto n) BITMETAL_INLINE { right[n] = b + n * k + at; });
    step(left, right);
  }
  if (at < k) {
    unroll<M * N>([&](auto i) BITMETAL_INLINE {
      const Int8Tail l(a + i / N * k + at, k - at), r(b + i % N * k + at, k - at);
      sums[i / N][i % N].add(load_left(l.bytes), load_right(r.bytes));
    });
    if constexpr (kInt8LeftOffset != 0) {
      unroll<N>([&](auto n) BITMETAL_INLINE {
        const Int8Tail r(b + n * k + at, k - at);
        offsets[n].add(int8_offset(), load_right(r.bytes));
      });
    }
  }
  for (int n = 0; n < N; ++n) {
    const uint32_t offset = kInt8LeftOffset != 0 ? static_cast<uint32_t>(offsets[n].total()) : 0;
    for (int m = 0; m < M; ++m) {
      out[m * stride + n] =
          static_cast<int32_t>(static_cast<uint32_t>(sums[m][n].total()) - offset);
    }
  }
}

template <int N>
inline void multiply_int8_rows(const int8_t* a, int64_t m, const int8_t* b, int64_t k, int32_t* out,
                               int64_t stride) {
  int64_t i = 0;
  for (; i + kInt8Rows <= m; i += kInt8Rows) {
    multiply_int8_tile<kInt8Rows, N>(a + i * k, b, k, out + i * stride, stride);
  }
  for (; i < m; ++i) multiply_int8_tile<1, N>(a + i * k, b, k, out + i * stride, stride);
}

inline void multiply_int8_matrix(const int8_t* a, int64_t m, const int8_t* b, int64_t n, int64_t k,
                                 int32_t* out, int64_t stride) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) multiply_int8_rows<4>(a, m, b + j * k, k, out + j, stride);
  for (; j < n; ++j) multiply_int8_rows<1>(a, m, b + j * k, k, out + j, stride);
}

template <int offset>
inline void pack_int8(const int8_t* line, int64_t k, uint32_t* words) {
  using Element = std::conditional_t<kInt8PerWord == 4, uint8_t, int16_t>;
  auto* to = reinterpret_cast<Element*>(words);
  for (int64_t i = 0; i < k; ++i) to[i] = static_cast<Element>(line[i] + offset);
  for (; k % kInt8PerWord; ++k) to[k] = 0;
}

template <int... n>
constexpr Int8Kernels int8_kernels(std::integer_sequence<int, n...>) {
  return {
      .multiply = multiply_int8_matrix,
      .rows = kTileRows,
      .columns = kTileVectors * kLength<Words>,
      .tile = {nullptr, multiply_tile<uint32_t, n + 1>...},
      .per_word = kInt8PerWord,
      .offset = kInt8LeftOffset,
      .pack_left = pack_int8<kInt8LeftOffset>,
      .pack_right = pack_int8<0>,
  };
}

constexpr Int8Kernels kInt8Kernels = int8_kernels(std::make_integer_sequence<int, kTileRows>{});
