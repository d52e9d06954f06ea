// Products of 2-bit weights and int8 activations, exact.
//
// The sums are of code * q with code = T + 1; the sum of q is subtracted from them at the end of
// each segment. For one row of activations the four bit fields of a byte are masked in place: their
// factors of 4, 16 and 64 cost nothing when each field has its own sum. For more rows each field is
// shifted down, and all four share one sum. (Unpacking the fields to a buffer first lost at every
// batch: the shifts and masks run beside the multiplications.)

// Blocks that all rows are multiplied with before the next ones: 2048 columns, of which 6 rows of
// activations and a band of weights are 44 KiB together and stay in the level-1 cache.
constexpr int64_t kDotBlocks = 128;

template <int f, int P, int N>
inline void dot_field(const Codes (&packed)[P], const int8_t* q, int64_t stride,
                      Dot (&dots)[N][P]) {
  Codes codes[P];
  for (int p = 0; p < P; ++p) codes[p] = bit_field<f>(packed[p]);
  for (int n = 0; n < N; ++n) {
    const Activations x = load_activations(q + n * stride);
    for (int p = 0; p < P; ++p) dots[n][p].template add<f>(codes[p], x);
  }
}

// sums[n][p] += the products of P panels with N rows over `blocks` blocks, or = where `fresh`.
template <int P, int N>
void dot_tile(const uint8_t* codes, int64_t panel_stride, const int8_t* q, int64_t stride,
              int64_t blocks, bool fresh, int32_t* sums) {
  for (int64_t begin = 0; begin < blocks; begin += Dot::kMaxBlocks) {
    const int64_t end = begin + Dot::kMaxBlocks < blocks ? begin + Dot::kMaxBlocks : blocks;
    Dot dots[N][P];
    for (int n = 0; n < N; ++n) {
      for (int p = 0; p < P; ++p) dots[n][p].clear();
    }
    for (int64_t b = begin; b < end; ++b) {
      Codes packed[P];
      for (int p = 0; p < P; ++p) packed[p] = load_codes(codes + p * panel_stride + b * 64);
      dot_field<0>(packed, q + b * 16, stride, dots);
      dot_field<1>(packed, q + b * 16, stride, dots);
      dot_field<2>(packed, q + b * 16, stride, dots);
      dot_field<3>(packed, q + b * 16, stride, dots);
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

// N rows of activations with a band's panels.
template <int N>
void dot_rows(const Panels& w, const int8_t* q, int64_t stride, int64_t begin, int64_t end,
              bool fresh, int32_t* sums) {
  constexpr int P = dot_panels(N);
  const int64_t panel_stride = w.blocks * 64;
  const uint8_t* codes = w.codes + begin * 64;
  q += begin * 16;
  int64_t p = 0;
  for (; p + P <= w.count; p += P) {
    dot_tile<P, N>(codes + p * panel_stride, panel_stride, q, stride, end - begin, fresh,
                   sums + p * 16);
  }
  if constexpr (P > 1) {
    for (; p < w.count; ++p) {
      dot_tile<1, N>(codes + p * panel_stride, panel_stride, q, stride, end - begin, fresh,
                     sums + p * 16);
    }
  }
}

// sums = the products of a band with every row of activations over one segment.
inline void multiply_segment(const Panels& w, const Int8Rows& x, int64_t begin, int64_t end,
                             int32_t* sums) {
  for (int64_t b = begin; b < end; b += kDotBlocks) {
    const int64_t last = b + kDotBlocks < end ? b + kDotBlocks : end;
    for_each_tile<kDotRows>(x.count, [&]<int N>(int64_t n) {
      dot_rows<N>(w, x.values + n * x.stride, x.stride, b, last, b == begin, sums + n * kBandRows);
    });
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
  int32_t* sums;   // [batch][kBandRows], of the current segment
  int64_t* total;  // the same, of the current group

  Int8Scratch(void* memory, int64_t batch)
      : sums(static_cast<int32_t*>(memory)),
        total(reinterpret_cast<int64_t*>(sums + batch * kBandRows)) {}
  static int64_t bytes(int64_t batch) {
    return batch * kBandRows * int64_t{sizeof(int32_t) + sizeof(int64_t)};
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
      multiply_segment(w, x, segment.begin, segment.end, scratch.sums);
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
