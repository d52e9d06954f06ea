// Products of 2-bit weights and float activations, summed in float32.
//
// Columns are taken in chunks. A chunk's sum starts from zero and is added, scaled, to the result:
// shorter chains of additions than one through all columns, hence smaller errors.

#if BITMETAL_LOOKUP_16
// Two adjacent bit fields are an index of 4 bits, and one lookup in a table of 16 floats gives x0 *
// t0 + x1 * t1 for 16 rows. Tables are made once a chunk and serve every panel. Their entries are
// true products, so NaN and infinity come through as IEEE has it, 0 * infinity included.
constexpr int64_t kPreparedFloats = 8;  // of tables, to a column
// Tables of a chunk: two thirds of the smallest level-1 cache (48 KiB) among machines of the set.
constexpr int64_t kChunkColumns = 1024;

inline void prepare(const float* x, int64_t blocks, float* tables) {
  // Index = code of the lower field + 4 * code of the upper one; a code of 3 does not occur.
  alignas(64) static constexpr float kLow[16] = {-1, 0, 1, 0, -1, 0, 1, 0,
                                                 -1, 0, 1, 0, -1, 0, 1, 0};
  alignas(64) static constexpr float kHigh[16] = {-1, -1, -1, -1, 0, 0, 0, 0,
                                                  1,  1,  1,  1,  0, 0, 0, 0};
  const F32x16 low = load(kLow), high = load(kHigh);
  for (int64_t b = 0; b < blocks; ++b) {
    for (int c = 0; c < 4; ++c) {
      for (int f = 0; f < 4; f += 2) {
        const float* columns = x + b * 16 + 4 * f + c;
        store(tables, mul_add(broadcast(columns[0]), low, mul(broadcast(columns[4]), high)));
        tables += 16;
      }
    }
  }
}

// The pairs are at bits 4 pair.
template <int pair, int P, int N>
inline void accumulate_pair(const I32x16 (&codes)[P], const float* tables, int64_t stride,
                            F32x16 (&sums)[N][P]) {
  I32x16 index[P];
  for (int p = 0; p < P; ++p) index[p] = shift_right<4 * pair>(codes[p]);
  for (int n = 0; n < N; ++n) {
    const F32x16 table = load(tables + n * stride + 16 * pair);
    for (int p = 0; p < P; ++p) add_lookup(sums[n][p], table, index[p]);
  }
}

template <int P, int N>
inline void accumulate_block(const I32x16 (&codes)[P], const float* tables, int64_t stride,
                             F32x16 (&sums)[N][P]) {
  accumulate_pair<0>(codes, tables, stride, sums);
  accumulate_pair<1>(codes, tables, stride, sums);
  accumulate_pair<2>(codes, tables, stride, sums);
  accumulate_pair<3>(codes, tables, stride, sums);
  accumulate_pair<4>(codes, tables, stride, sums);
  accumulate_pair<5>(codes, tables, stride, sums);
  accumulate_pair<6>(codes, tables, stride, sums);
  accumulate_pair<7>(codes, tables, stride, sums);
}
#else
constexpr int64_t kPreparedFloats = 1;
constexpr int64_t kChunkColumns = 1024;

inline void prepare(const float* x, int64_t blocks, float* out) {
  std::memcpy(out, x, static_cast<size_t>(blocks) * 16 * sizeof(float));
}

template <int c, int f, int P, int N>
inline void accumulate_column(const I32x16 (&codes)[P], const float* x, int64_t stride,
                              F32x16 (&sums)[N][P]) {
  F32x16 weights[P];
  for (int p = 0; p < P; ++p) weights[p] = ternary_values<8 * c + 2 * f>(codes[p]);
  for (int n = 0; n < N; ++n) {
    const F32x16 value = broadcast(x[n * stride + 4 * f + c]);
    for (int p = 0; p < P; ++p) sums[n][p] = mul_add(value, weights[p], sums[n][p]);
  }
}

template <int P, int N>
inline void accumulate_block(const I32x16 (&codes)[P], const float* x, int64_t stride,
                             F32x16 (&sums)[N][P]) {
  [&]<int... k>(std::integer_sequence<int, k...>) {
    (accumulate_column<k % 4, k / 4>(codes, x, stride, sums), ...);
  }(std::make_integer_sequence<int, 16>{});
}
#endif

// y[n][p] += scale[p] * the products over one chunk.
template <int P, int N>
void multiply_float_tile(const uint8_t* codes, int64_t panel_stride, const float* prepared,
                         int64_t stride, int64_t blocks, const float* scales, int64_t scale_stride,
                         float* y, int64_t y_stride) {
  F32x16 sums[N][P];
  for (int n = 0; n < N; ++n) {
    for (int p = 0; p < P; ++p) sums[n][p] = broadcast(0.0f);
  }
  for (int64_t b = 0; b < blocks; ++b) {
    I32x16 words[P];
    for (int p = 0; p < P; ++p) {
      const uint8_t* from = codes + p * panel_stride + b * 64;
      words[p] = load(reinterpret_cast<const int32_t*>(from));
      prefetch(from + P * panel_stride);  // the next panels' part of this chunk
    }
    accumulate_block(words, prepared + b * 16 * kPreparedFloats, stride, sums);
  }
  for (int n = 0; n < N; ++n) {
    for (int p = 0; p < P; ++p) {
      float* to = y + n * y_stride + p * 16;
      store(to, mul_add(sums[n][p], load(scales + p * scale_stride), load(to)));
    }
  }
}

template <int N>
void multiply_float_rows(const Panels& w, const float* x, int64_t stride, float* prepared,
                         float* y) {
  const int64_t groups = w.groups(), panel_stride = w.blocks * 64, y_stride = w.count * 16;
  const int64_t chunk = kChunkColumns / 16 / N;
  const int64_t prepared_stride = chunk * 16 * kPreparedFloats;
  for (int64_t begin = 0, end; begin < w.blocks; begin = end) {
    const int64_t group = begin / w.group_blocks;
    const int64_t group_end = (group + 1) * w.group_blocks;
    end = begin + chunk;
    if (end > group_end) end = group_end;
    if (end > w.blocks) end = w.blocks;
    for (int n = 0; n < N; ++n) {
      prepare(x + n * stride + begin * 16, end - begin, prepared + n * prepared_stride);
    }
    auto tile = [&]<int P>(int64_t p) {
      multiply_float_tile<P, N>(w.codes + p * panel_stride + begin * 64, panel_stride, prepared,
                                prepared_stride, end - begin, w.scales + (p * groups + group) * 16,
                                groups * 16, y + p * 16, y_stride);
    };
    constexpr int P = float_panels(N);
    int64_t p = 0;
    for (; p + P <= w.count; p += P) tile.template operator()<P>(p);
    if constexpr (P > 1) {
      for (; p < w.count; ++p) tile.template operator()<1>(p);
    }
  }
}

inline void multiply_float(const Panels& w, const float* x, int64_t count, int64_t stride,
                           void* scratch, float* y) {
  float* prepared = static_cast<float*>(scratch);
  for (int64_t i = 0; i < count * w.count * 16; ++i) y[i] = 0;
  for_each_tile<kFloatRows>(count, [&]<int N>(int64_t n) {
    multiply_float_rows<N>(w, x + n * stride, stride, prepared, y + n * w.count * 16);
  });
}

constexpr int64_t kFloatScratch = kChunkColumns * kPreparedFloats * int64_t{sizeof(float)};
