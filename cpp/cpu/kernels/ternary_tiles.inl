// Products of 2-bit weights and int8 activations by tile registers, exact. isa/tiles_amx.h says
// what these are; sums, segments and scales are those of ternary_int8.inl.
//
// A field of a block is 16 rows by 4 columns of codes: as it comes out of the mask it is a row of a
// right tile, and four blocks are one such tile. A stretch of a band is expanded once for all
// activations, whose rows are left tiles as they lie in memory.

#include "cpu/kernels/ternary_int8.inl"

constexpr int64_t kTileHeight = 16;
constexpr int64_t kTileBlocks = 4;  // 64 columns
constexpr int64_t kFieldBytes = 64, kBlockCodes = 4 * kFieldBytes;
constexpr int64_t kTileBytes = kTileBlocks * kBlockCodes;

// Blocks of a band that are expanded at a time. Up to a few rows what counts is that all of it, 32
// KiB, goes through the level-1 cache; for more, that their sums are fetched and put back less
// often.
constexpr int64_t kShortStretch = 32, kLongStretch = 128;
constexpr int64_t kFewTileRows = 48;
inline int64_t stretch_blocks(int64_t batch) {
  return batch <= kFewTileRows ? kShortStretch : kLongStretch;
}

inline void expand_tiles(const uint8_t* codes, int64_t blocks, uint8_t* tiles) {
  for (int64_t b = 0; b < blocks; ++b) {
    const Codes packed = load_codes(codes + b * 64);
    unroll<4>([&](auto f) BITMETAL_INLINE {
      store_codes(tiles + (4 * b + f) * kFieldBytes, bit_field<f>(packed));
    });
  }
  for (; blocks % kTileBlocks; ++blocks) std::memset(tiles + 4 * blocks * kFieldBytes, 0, 4 * 64);
}

// Left tiles 4 and 5, right ones 6 and 7; the sums of left tile m and panel p are tile 2 m + p.
class Tiles {
 public:
  ~Tiles() { release_tiles(); }

  // For so many rows of activations, at most 32.
  void take(int64_t rows) {
    if (rows == rows_) return;
    rows_ = rows;
    TileShapes shapes;
    const auto upper = static_cast<uint8_t>(rows < kTileHeight ? rows : kTileHeight);
    for (int tile : {0, 1, 2, 3, 4}) shapes.rows[tile] = upper;
    if (rows > kTileHeight) {
      for (int tile : {2, 3, 5}) shapes.rows[tile] = static_cast<uint8_t>(rows - kTileHeight);
    }
    shape_tiles(shapes);
  }

 private:
  int64_t rows_ = 0;
};

// sums += M left tiles times P panels over `tiles` tiles of columns, or = where `fresh`.
template <int M, int P>
inline void multiply_tiles(const int8_t* q, int64_t stride, const uint8_t* codes,
                           int64_t panel_stride, int64_t tiles, int32_t* sums, bool fresh) {
  constexpr int64_t kSumStride = kBandRows * int64_t{sizeof(int32_t)};
  const auto sums_of = [sums](int m, int p)
                           BITMETAL_INLINE { return sums + m * kTileHeight * kBandRows + p * 16; };
  unroll<M * P>([&](auto i) BITMETAL_INLINE {
    constexpr int m = i / P, p = i % P;
    fresh ? clear_tile<2 * m + p>() : load_tile<2 * m + p>(sums_of(m, p), kSumStride);
  });
  for (int64_t t = 0; t < tiles; ++t) {
    unroll<M>([&](auto m) BITMETAL_INLINE {
      load_tile<4 + m>(q + m * kTileHeight * stride + t * 64, stride);
    });
    unroll<P>([&](auto p) BITMETAL_INLINE {
      load_tile<6 + p % 2>(codes + p * panel_stride + t * kTileBytes, kFieldBytes);
      unroll<M>([&](auto m)
                    BITMETAL_INLINE { add_signed_unsigned<2 * m + p, 4 + m, 6 + p % 2>(); });
    });
  }
  unroll<M * P>([&](auto i) BITMETAL_INLINE {
    constexpr int m = i / P, p = i % P;
    store_tile<2 * m + p>(sums_of(m, p), kSumStride);
  });
}

// The same for all panels of a band and at most 32 rows.
template <int M>
inline void multiply_band(const Int8Product& m, int64_t row, int64_t begin, int64_t end,
                          const uint8_t* codes, int64_t panel_stride, bool fresh) {
  constexpr int kMost = 4 / M;
  const int8_t* q = m.x.values + row * m.x.stride + begin * 16;
  const int64_t tiles = (end - begin + kTileBlocks - 1) / kTileBlocks;
  for (int64_t p = 0; p < m.w.count; p += kMost) {
    const uint8_t* from = codes + p * panel_stride;
    int32_t* sums = m.sums + row * kBandRows + p * 16;
    unroll<kMost>([&](auto less) BITMETAL_INLINE {
      constexpr int P = kMost - less;
      if (P == kMost ? m.w.count - p >= P : m.w.count - p == P) {
        multiply_tiles<M, P>(q, m.x.stride, from, panel_stride, tiles, sums, fresh);
      }
    });
  }
}

// A stretch, expanded to `codes`, times at most 32 rows; its first segment is `segment`.
template <int M>
inline void multiply_stretch(const Int8Product& m, int64_t row, int64_t rows, Segment segment,
                             int64_t begin, int64_t end, const uint8_t* codes,
                             int64_t panel_stride) {
  for (; segment.begin < end; segment.advance(m.w)) {
    const int64_t from = segment.begin > begin ? segment.begin : begin;
    const int64_t to = segment.end < end ? segment.end : end;
    multiply_band<M>(m, row, from, to, codes + (from - begin) / kTileBlocks * kTileBytes,
                     panel_stride, from == segment.begin);
    if (to < segment.end) return;
    for (int64_t i = row; i < row + rows; ++i) scale_segment(m, segment, i);
  }
}

// Whether every segment begins with a tile.
inline bool has_whole_tiles(const Panels& w) {
  return w.group_blocks % kTileBlocks == 0 || w.group_blocks >= w.blocks;
}

inline int64_t tile_scratch(int64_t batch) {
  return Int8Product::scratch_bytes(batch) + kBandPanels * stretch_blocks(batch) * kBlockCodes;
}

// Of what has_whole_tiles(); the scratch memory is aligned to 64 bytes.
inline void multiply_by_tiles(const Panels& w, const Int8Rows& x, void* scratch, float* y) {
  std::memset(y, 0, static_cast<size_t>(x.count * kBandRows) * sizeof(float));
  const Int8Product m(w, x, scratch, y);
  auto* codes = static_cast<uint8_t*>(scratch) + Int8Product::scratch_bytes(x.count);
  const int64_t stretch = stretch_blocks(x.count), panel_stride = stretch * kBlockCodes;
  Tiles tiles;
  Segment segment(w);
  for (int64_t begin = 0, end; begin < w.blocks; begin = end) {
    end = begin + stretch < w.blocks ? begin + stretch : w.blocks;
    for (int64_t p = 0; p < w.count; ++p) {
      expand_tiles(w.codes + (p * w.blocks + begin) * 64, end - begin, codes + p * panel_stride);
    }
    while (segment.end <= begin) segment.advance(w);
    for (int64_t row = 0, rows; row < x.count; row += rows) {
      rows = x.count - row < 2 * kTileHeight ? x.count - row : 2 * kTileHeight;
      tiles.take(rows);
      if (rows > kTileHeight) {
        multiply_stretch<2>(m, row, rows, segment, begin, end, codes, panel_stride);
      } else {
        multiply_stretch<1>(m, row, rows, segment, begin, end, codes, panel_stride);
      }
    }
  }
}
