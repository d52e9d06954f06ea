// Products of 2-bit weights and int8 activations, exact.
//
// The sums are of code * q with code = T + 1; the sum of q is subtracted from them at the end of
// each segment. How a weight's codes come into registers depends on how often they are used:
//  - one row of activations: the four bit fields of a byte are masked in place, since x4, x16 and
//    x64 factors cost nothing when each field has its own accumulator;
//  - a few rows: each field is shifted down, and all four share an accumulator;
//  - many rows: fields are unpacked to bytes once, into a buffer that stays in the cache.

// From this many rows of activations on, unpacking pays.
constexpr int64_t kUnpackRows = 16;
// Blocks that are unpacked at a time: 2048 columns of a band of 64 rows are 128 KiB of the level-2
// cache, and those of 6 rows of activations 12 KiB of level 1.
constexpr int64_t kUnpackBlocks = 128;

// The codes of P panels, straight from the weight.
template <int P>
struct PackedCodes {
  const uint8_t* codes;
  int64_t panel_stride;

  template <int f>
  Codes field(int64_t block, int panel) const {
    return bit_field<f>(load_codes(codes + panel * panel_stride + block * 64));
  }
};

// Unpacked: [block][field][panel][64].
template <int P>
struct UnpackedCodes {
  const uint8_t* codes;

  template <int f>
  Codes field(int64_t block, int panel) const {
    return load_codes(codes + ((block * 4 + f) * P + panel) * 64);
  }
};

template <int P>
void unpack_fields(const uint8_t* codes, int64_t panel_stride, int64_t blocks, uint8_t* out) {
  for (int64_t b = 0; b < blocks; ++b) {
    for (int p = 0; p < P; ++p) {
      const Codes packed = load_codes(codes + p * panel_stride + b * 64);
      uint8_t* to = out + (b * 4 * P + p) * 64;
      store_codes(to, bit_field<0>(packed));
      store_codes(to + P * 64, bit_field<1>(packed));
      store_codes(to + 2 * P * 64, bit_field<2>(packed));
      store_codes(to + 3 * P * 64, bit_field<3>(packed));
    }
  }
}

template <int f, int P, int N, class Source>
inline void multiply_field(const Source& w, int64_t block, const int8_t* q, int64_t stride,
                           Dot (&dots)[N][P]) {
  Codes codes[P];
  for (int p = 0; p < P; ++p) codes[p] = w.template field<f>(block, p);
  for (int n = 0; n < N; ++n) {
    const Activations x = load_activations(q + n * stride + block * 16);
    for (int p = 0; p < P; ++p) dots[n][p].template add<f>(codes[p], x);
  }
}

// sums[n][p] += the products over `blocks` blocks, or = where `fresh`.
template <int P, int N, class Source>
void dot_tile(const Source& w, const int8_t* q, int64_t stride, int64_t blocks, bool fresh,
              int32_t* sums) {
  for (int64_t begin = 0; begin < blocks; begin += Dot::kMaxBlocks) {
    const int64_t end = begin + Dot::kMaxBlocks < blocks ? begin + Dot::kMaxBlocks : blocks;
    Dot dots[N][P];
    for (int n = 0; n < N; ++n) {
      for (int p = 0; p < P; ++p) dots[n][p].clear();
    }
    for (int64_t b = begin; b < end; ++b) {
      multiply_field<0>(w, b, q, stride, dots);
      multiply_field<1>(w, b, q, stride, dots);
      multiply_field<2>(w, b, q, stride, dots);
      multiply_field<3>(w, b, q, stride, dots);
    }
    for (int n = 0; n < N; ++n) {
      for (int p = 0; p < P; ++p) {
        int32_t* to = sums + n * kBandRows + p * 16;
        const I32x16 sum = dots[n][p].sums();
        store(to, fresh ? sum : add(load(to), sum));
      }
    }
    fresh = false;
  }
}

// The batch is cut into tiles of about equal width, none wider than kDotRows.
template <int P, class Source>
void dot_tiles(const Source& w, const Int8Rows& x, int64_t block, int64_t blocks, bool fresh,
               int32_t* sums) {
  static_assert(kDotRows == 6);
  const int64_t tiles = (x.count + kDotRows - 1) / kDotRows;
  for (int64_t t = 0, n = 0; t < tiles; ++t) {
    const int64_t width = (x.count - n + tiles - t - 1) / (tiles - t);
    const int8_t* q = x.values + n * x.stride + block * 16;
    int32_t* to = sums + n * kBandRows;
    switch (width) {
      case 1: dot_tile<P, 1>(w, q, x.stride, blocks, fresh, to); break;
      case 2: dot_tile<P, 2>(w, q, x.stride, blocks, fresh, to); break;
      case 3: dot_tile<P, 3>(w, q, x.stride, blocks, fresh, to); break;
      case 4: dot_tile<P, 4>(w, q, x.stride, blocks, fresh, to); break;
      case 5: dot_tile<P, 5>(w, q, x.stride, blocks, fresh, to); break;
      default: dot_tile<P, 6>(w, q, x.stride, blocks, fresh, to); break;
    }
    n += width;
  }
}

template <int P>
void multiply_panels(const uint8_t* codes, int64_t panel_stride, const Int8Rows& x, int64_t block,
                     int64_t blocks, bool fresh, uint8_t* unpacked, int32_t* sums) {
  if (x.count < kUnpackRows) {
    dot_tiles<P>(PackedCodes<P>{codes, panel_stride}, x, block, blocks, fresh, sums);
    return;
  }
  for (int64_t done = 0; done < blocks; done += kUnpackBlocks) {
    const int64_t now = kUnpackBlocks < blocks - done ? kUnpackBlocks : blocks - done;
    unpack_fields<P>(codes + done * 64, panel_stride, now, unpacked);
    dot_tiles<P>(UnpackedCodes<P>{unpacked}, x, block + done, now, fresh, sums);
    fresh = false;
  }
}

// sums = the products of a band with every row of activations over one segment.
inline void multiply_segment(const Panels& w, const Int8Rows& x, int64_t begin, int64_t end,
                             uint8_t* unpacked, int32_t* sums) {
  const int64_t panel_stride = w.blocks * 64;
  int64_t p = 0;
  for (; p + kDotPanels <= w.count; p += kDotPanels) {
    multiply_panels<kDotPanels>(w.codes + p * panel_stride + begin * 64, panel_stride, x, begin,
                                end - begin, true, unpacked, sums + p * 16);
  }
  for (; p < w.count; ++p) {
    multiply_panels<1>(w.codes + p * panel_stride + begin * 64, panel_stride, x, begin, end - begin,
                       true, unpacked, sums + p * 16);
  }
}

// One row of activations and P panels.
template <int P>
void multiply_segment_in_place(const uint8_t* codes, int64_t panel_stride, const int8_t* q,
                               int64_t blocks, int32_t* sums) {
  bool fresh = true;
  for (int64_t begin = 0; begin < blocks; begin += InPlaceDot::kMaxBlocks) {
    const int64_t end =
        begin + InPlaceDot::kMaxBlocks < blocks ? begin + InPlaceDot::kMaxBlocks : blocks;
    InPlaceDot dots[P];
    for (int p = 0; p < P; ++p) dots[p].clear();
    for (int64_t b = begin; b < end; ++b) {
      const Activations x = load_activations(q + b * 16);
      for (int p = 0; p < P; ++p) {
        const uint8_t* from = codes + p * panel_stride + b * 64;
        prefetch(from + kPrefetchBytes);
        dots[p].add(load_codes(from), x);
      }
    }
    for (int p = 0; p < P; ++p) {
      const I32x16 sum = dots[p].sums();
      store(sums + p * 16, fresh ? sum : add(load(sums + p * 16), sum));
    }
    fresh = false;
  }
}

inline void multiply_segment_in_place(const Panels& w, const Int8Rows& x, int64_t begin,
                                      int64_t end, int32_t* sums) {
  const int64_t panel_stride = w.blocks * 64;
  const uint8_t* codes = w.codes + begin * 64;
  const int8_t* q = x.values + begin * 16;
  int64_t p = 0;
  for (; p + kInPlacePanels <= w.count; p += kInPlacePanels) {
    multiply_segment_in_place<kInPlacePanels>(codes + p * panel_stride, panel_stride, q,
                                              end - begin, sums + p * 16);
  }
  for (; p < w.count; ++p) {
    multiply_segment_in_place<1>(codes + p * panel_stride, panel_stride, q, end - begin,
                                 sums + p * 16);
  }
}

struct Int8Scratch {
  uint8_t* unpacked;
  int32_t* sums;   // [batch][kBandRows], of the current segment
  int64_t* total;  // the same, of the current group

  static constexpr int64_t kUnpackedBytes = kUnpackBlocks * 4 * kDotPanels * 64;
  Int8Scratch(void* memory, int64_t batch)
      : unpacked(static_cast<uint8_t*>(memory)),
        sums(reinterpret_cast<int32_t*>(unpacked + kUnpackedBytes)),
        total(reinterpret_cast<int64_t*>(sums + batch * kBandRows)) {}
  static int64_t bytes(int64_t batch) {
    return kUnpackedBytes + batch * kBandRows * int64_t{sizeof(int32_t) + sizeof(int64_t)};
  }
};

// y[r] += scale * sums of the segment's group, for one row of activations whose own sum is
// `offset`.
inline void apply_scales(const Panels& w, int64_t group, const int32_t* sums, int32_t offset,
                         float* y) {
  const int64_t groups = w.groups();
  for (int64_t p = 0; p < w.count; ++p) {
    const F32x16 sum = to_float(sub(load(sums + p * 16), broadcast_int(offset)));
    const F32x16 scaled = mul(sum, load(w.scales + (p * groups + group) * 16));
    store(y + p * 16, add(load(y + p * 16), scaled));
  }
}

// The same for a group of several segments, whose sum may pass 32 bits.
inline void apply_scales_wide(const Panels& w, const Segment& segment, const int32_t* sums,
                              int32_t offset, int64_t* total, float* y) {
  for (int64_t r = 0; r < w.count * 16; ++r) {
    total[r] = (segment.begins_group(w) ? 0 : total[r]) + sums[r] - offset;
    const float scale = w.scales[(r / 16 * w.groups() + segment.group) * 16 + r % 16];
    if (segment.ends_group(w)) y[r] += static_cast<float>(total[r]) * scale;
  }
}

inline void multiply_int8(const Panels& w, const Int8Rows& x, void* memory, float* y) {
  const Int8Scratch scratch(memory, x.count);
  const bool wide = w.group_blocks > kSegmentBlocks;
  for (int64_t i = 0; i < x.count * kBandRows; ++i) y[i] = 0;
  for (Segment segment(w); segment.begin < w.blocks; segment.advance(w)) {
    if (x.count == 1) {
      multiply_segment_in_place(w, x, segment.begin, segment.end, scratch.sums);
    } else {
      multiply_segment(w, x, segment.begin, segment.end, scratch.unpacked, scratch.sums);
    }
    for (int64_t n = 0; n < x.count; ++n) {
      const int32_t offset = x.sums[n * x.segments + segment.index];
      const int64_t at = n * kBandRows;
      if (wide) {
        apply_scales_wide(w, segment, scratch.sums + at, offset, scratch.total + at, y + at);
      } else {
        apply_scales(w, segment.group, scratch.sums + at, offset, y + at);
      }
    }
  }
}

inline int64_t multiply_int8_scratch(int64_t batch) { return Int8Scratch::bytes(batch); }
