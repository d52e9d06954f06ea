// Products of 2-bit weights and int8 activations, exact.
//
// The sums are of code * q with code = T + 1; the sum of q is subtracted from them at the end of
// each segment. For one row of activations the four bit fields of a byte are masked in place: their
// factors of 4, 16 and 64 cost nothing when each field has its own sum. For more rows each field is
// shifted down, and all four share one sum. (Unpacking the fields to a buffer first gained
// nothing on Zen 5, at any batch: the shifts and masks run beside the multiplications.)

#pragma once

#include "cpu/kernels/tiles.inl"

// Blocks that all rows are multiplied with before the next ones: 2048 columns, of which 6 rows of
// activations and a band of weights are 44 KiB together and stay in the level-1 cache.
constexpr int64_t kDotBlocks = 128;

struct Int8Product {
  const Panels& w;
  const Int8Rows& x;
  int32_t* sums;   // [x.count][kBandRows], of the current segment
  int64_t* total;  // the same, of the current group
  float* y;        // the same, the result

  static int64_t scratch_bytes(int64_t batch) {
    return batch * kBandRows * int64_t{sizeof(int32_t) + sizeof(int64_t)};
  }
  Int8Product(const Panels& panels, const Int8Rows& rows, void* scratch, float* out)
      : w(panels),
        x(rows),
        sums(static_cast<int32_t*>(scratch)),
        total(reinterpret_cast<int64_t*>(sums + x.count * kBandRows)),
        y(out) {}
};

// Calls finish(0, p, sum) with the sums of P panels and one row over `blocks`, at most
// InPlaceDot::kMaxBlocks.
template <int P, class Finish>
inline void dot_blocks_in_place(const uint8_t* codes, int64_t panel_stride, const int8_t* q,
                                int64_t blocks, Finish finish) {
  InPlaceDot dots[P];
  unroll<P>([&](auto p) BITMETAL_INLINE { dots[p].clear(); });
  for (int64_t b = 0; b < blocks; ++b) {
    const Activations x = load_activations(q + b * 16);
    unroll<P>([&](auto p) BITMETAL_INLINE {
      const uint8_t* block = codes + p * panel_stride + b * 64;
      prefetch(block + kPrefetchBytes);
      dots[p].add(load_codes(block), x);
    });
  }
  I32x16 sums[P];  // all, before finish() can branch: else g++ 12 copies the dots in the loop
  unroll<P>([&](auto p) BITMETAL_INLINE { sums[p] = dots[p].sums(); });
  unroll<P>([&](auto p) BITMETAL_INLINE { finish(0, p, sums[p]); });
}

// The same with N rows, at most Dot::kMaxBlocks: finish(n, p, sum).
#if BITMETAL_I8MM
template <int P, int N, class Finish>
inline void dot_blocks(const uint8_t* codes, int64_t panel_stride, const int8_t* q, int64_t stride,
                       int64_t blocks, Finish finish) {
  constexpr int M = (N + 1) / 2;  // an odd last row is paired with itself
  const auto second = [](int m) { return 2 * m + 1 < N ? 2 * m + 1 : 2 * m; };
  PairedDot dots[P][M];
  unroll<P * M>([&](auto i) BITMETAL_INLINE { dots[i / M][i % M].clear(); });
  for (int64_t b = 0; b < blocks; ++b) {
    unroll<2>([&](auto half) BITMETAL_INLINE {
      const int8_t* columns = q + b * 16 + half * 8;
      PairedActivations x[M];
      unroll<M>([&](auto m) BITMETAL_INLINE {
        x[m] = load_paired(columns + 2 * m * stride, columns + second(m) * stride);
      });
      unroll<P>([&](auto p) BITMETAL_INLINE {
        add_paired<half>(load_codes(codes + p * panel_stride + b * 64), x, dots[p]);
      });
    });
  }
  unroll<P * M>([&](auto i) BITMETAL_INLINE {
    constexpr int p = i / M, m = i % M;
    finish(2 * m, p, dots[p][m].template sums<0>());
    if constexpr (2 * m + 1 < N) finish(2 * m + 1, p, dots[p][m].template sums<1>());
  });
}
#else
template <int P, int N, class Finish>
inline void dot_blocks(const uint8_t* codes, int64_t panel_stride, const int8_t* q, int64_t stride,
                       int64_t blocks, Finish finish) {
  Dot dots[N][P];
  unroll<N * P>([&](auto i) BITMETAL_INLINE { dots[i / P][i % P].clear(); });
  for (int64_t b = 0; b < blocks; ++b) {
    Codes packed[P];
    unroll<P>([&](auto p)
                  BITMETAL_INLINE { packed[p] = load_codes(codes + p * panel_stride + b * 64); });
    unroll<4>([&](auto f) BITMETAL_INLINE {
      Codes field[P];
      unroll<P>([&](auto p) BITMETAL_INLINE { field[p] = bit_field<f>(packed[p]); });
      unroll<N>([&](auto n) BITMETAL_INLINE {
        const Activations x = load_activations(q + n * stride + b * 16);
        unroll<P>([&](auto p) BITMETAL_INLINE { dots[n][p].template add<f>(field[p], x); });
      });
    });
  }
  unroll<N * P>([&](auto i) BITMETAL_INLINE { finish(i / P, i % P, dots[i / P][i % P].sums()); });
}
#endif

// The longest run of blocks for which dot_tile_sums may be called.
template <int N>
constexpr int64_t kMaxRun = N == 1 ? InPlaceDot::kMaxBlocks : Dot::kMaxBlocks;

template <int P, int N, class Finish>
inline void dot_tile_sums(const Int8Product& m, int64_t panel, int64_t row, int64_t block,
                          int64_t blocks, Finish finish) {
  const uint8_t* codes = m.w.codes + (panel * m.w.blocks + block) * 64;
  const int8_t* q = m.x.values + row * m.x.stride + block * 16;
  if constexpr (N == 1) {
    dot_blocks_in_place<P>(codes, m.w.blocks * 64, q, blocks, finish);
  } else {
    dot_blocks<P, N>(codes, m.w.blocks * 64, q, m.x.stride, blocks, finish);
  }
}

// Calls body.operator()<P, N>(panel, row) for tiles of P panels and N rows that cover the product.
template <class Body>
inline void for_each_dot_tile(const Int8Product& m, Body body) {
  for_each_tile<kDotRows>(m.x.count, [&]<int N>(int64_t row) {
    constexpr int P = dot_panels(N);
    int64_t p = 0;
    for (; p + P <= m.w.count; p += P) body.template operator()<P, N>(p, row);
    if constexpr (P > 1) {
      for (; p < m.w.count; ++p) body.template operator()<1, N>(p, row);
    }
  });
}

// m.sums of a tile += those over the blocks from `begin` to `end`, or = where `fresh`.
template <int P, int N>
void dot_tile(const Int8Product& m, int64_t panel, int64_t row, int64_t begin, int64_t end,
              bool fresh) {
  int32_t* to = m.sums + row * kBandRows + panel * 16;
  for (int64_t b = begin; b < end; b += kMaxRun<N>) {
    const int64_t blocks = kMaxRun<N> < end - b ? kMaxRun<N> : end - b;
    dot_tile_sums<P, N>(m, panel, row, b, blocks,
                        [to, fresh](int n, int p, I32x16 sum) BITMETAL_INLINE {
                          int32_t* at = to + n * kBandRows + p * 16;
                          store(at, fresh ? sum : add(load(at), sum));
                        });
    fresh = false;
  }
}

// y += scale * (sums - offset) for the 16 rows of one panel.
inline void add_scaled(I32x16 sums, int32_t offset, const float* scales, float* y) {
  const F32x16 scaled = mul(to_float(sub(sums, broadcast_int(offset))), load(scales));
  store(y, add(load(y), scaled));
}

// The same for a tile and whole groups of at most kMaxRun blocks, straight to the result.
template <int P, int N>
void dot_tile_by_group(const Int8Product& m, int64_t panel, int64_t row, int64_t begin,
                       int64_t end) {
  float* y = m.y + row * kBandRows + panel * 16;
  const int64_t scale_stride = m.w.groups() * 16, segments = m.x.segments;
  for (int64_t b = begin; b < end; b += m.w.group_blocks) {
    const int64_t group = b / m.w.group_blocks;
    const int64_t blocks = m.w.group_blocks < end - b ? m.w.group_blocks : end - b;
    const int32_t* offsets = m.x.sums + row * segments + group;
    const float* scales = m.w.scales + panel * scale_stride + group * 16;
    dot_tile_sums<P, N>(m, panel, row, b, blocks, [=](int n, int p, I32x16 sum) BITMETAL_INLINE {
      add_scaled(sum, offsets[n * segments], scales + p * scale_stride, y + n * kBandRows + p * 16);
    });
  }
}

inline void multiply_by_group(const Int8Product& m) {
  const int64_t step = kDotBlocks / m.w.group_blocks * m.w.group_blocks;
  for (int64_t begin = 0; begin < m.w.blocks; begin += step) {
    const int64_t end = begin + step < m.w.blocks ? begin + step : m.w.blocks;
    for_each_dot_tile(m, [&]<int P, int N>(int64_t panel, int64_t row) {
      dot_tile_by_group<P, N>(m, panel, row, begin, end);
    });
  }
}

// y += scale * the sums of one segment, and of those before it in its group: 64-bit arithmetic
// where a group has several.
inline void scale_segment(const Int8Product& m, const Segment& segment, int64_t row) {
  const int32_t offset = m.x.sums[row * m.x.segments + segment.index];
  const int32_t* sums = m.sums + row * kBandRows;
  const float* scales = m.w.scales + segment.group * 16;
  const int64_t scale_stride = m.w.groups() * 16;
  float* y = m.y + row * kBandRows;
  if (m.w.group_blocks <= kSegmentBlocks) {
    for (int64_t p = 0; p < m.w.count; ++p) {
      add_scaled(load(sums + p * 16), offset, scales + p * scale_stride, y + p * 16);
    }
    return;
  }
  int64_t* total = m.total + row * kBandRows;
  for (int64_t r = 0; r < m.w.count * 16; ++r) {
    total[r] = (segment.begins_group(m.w) ? 0 : total[r]) + sums[r] - offset;
    if (segment.ends_group(m.w)) {
      y[r] += static_cast<float>(total[r]) * scales[r / 16 * scale_stride + r % 16];
    }
  }
}

inline void multiply_by_segment(const Int8Product& m) {
  for (Segment segment(m.w); segment.begin < m.w.blocks; segment.advance(m.w)) {
    // One row reads the weights once; nothing is gained by stopping on the way.
    const int64_t step = m.x.count == 1 ? kSegmentBlocks : kDotBlocks;
    for (int64_t begin = segment.begin; begin < segment.end; begin += step) {
      const int64_t end = begin + step < segment.end ? begin + step : segment.end;
      for_each_dot_tile(m, [&]<int P, int N>(int64_t panel, int64_t row) {
        dot_tile<P, N>(m, panel, row, begin, end, begin == segment.begin);
      });
    }
    for (int64_t row = 0; row < m.x.count; ++row) scale_segment(m, segment, row);
  }
}

inline void multiply_int8(const Panels& w, const Int8Rows& x, void* scratch, float* y) {
  for (int64_t i = 0; i < x.count * kBandRows; ++i) y[i] = 0;
  const Int8Product m(w, x, scratch, y);
  const int64_t longest = x.count == 1 ? InPlaceDot::kMaxBlocks : Dot::kMaxBlocks;
  if (w.group_blocks <= longest && w.group_blocks <= kDotBlocks) {
    multiply_by_group(m);
  } else {
    multiply_by_segment(m);
  }
}
