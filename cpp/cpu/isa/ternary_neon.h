// Primitives for ternary codes with NEON dotprod, with or without i8mm; ternary_generic.h says what
// each does.

#if BITMETAL_I8MM
constexpr int kDotRows = 6;  // by 1 panel: 24 of 32 registers are sums
#else
constexpr int kDotRows = 5;  // by 1 panel: 20 of 32 registers are sums
#endif
constexpr int dot_panels(int n) { return n == 2 ? 2 : 1; }
constexpr int kFloatRows = 5;
constexpr int float_panels(int n) { return n <= 2 ? 2 : 1; }
constexpr int kPrefetchBytes = 1024;

struct Codes {
  uint8x16_t v[4];
};
inline Codes load_codes(const uint8_t* p) {
  return {{vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)}};
}
template <int f>
inline uint8x16_t bit_field(uint8x16_t v) {
  if constexpr (f == 0) {
    return vandq_u8(v, vdupq_n_u8(3));
  } else if constexpr (f == 3) {
    return vshrq_n_u8(v, 6);
  } else {
    return vandq_u8(vshrq_n_u8(v, 2 * f), vdupq_n_u8(3));
  }
}
template <int f>
inline Codes bit_field(Codes c) {
  for (uint8x16_t& v : c.v) v = bit_field<f>(v);
  return c;
}

struct Activations {
  int8x16_t v;
};
inline Activations load_activations(const int8_t* q) { return {vld1q_s8(q)}; }

struct Dot {
  static constexpr int64_t kMaxBlocks = kSegmentBlocks;
  int32x4_t v[4];

  BITMETAL_INLINE void clear() { v[0] = v[1] = v[2] = v[3] = vdupq_n_s32(0); }
  template <int f>
  BITMETAL_INLINE void add(Codes c, Activations x) {
    for (int q = 0; q < 4; ++q) {
      v[q] = vdotq_laneq_s32(v[q], vreinterpretq_s8_u8(c.v[q]), x.v, f);
    }
  }
  BITMETAL_INLINE I32x16 sums() const { return {{v[0], v[1], v[2], v[3]}}; }
};

#if BITMETAL_I8MM
// Two rows of activations, eight columns of them.
struct PairedActivations {
  int8x16_t v;
};
inline PairedActivations load_paired(const int8_t* first, const int8_t* second) {
  return {vcombine_s8(vld1_s8(first), vld1_s8(second))};
}

// Running sums of both for 16 rows of weights. v[i] is that of rows 2 i and 2 i + 1: each with one
// row of activations and with the other.
struct PairedDot {
  int32x4_t v[8];

  BITMETAL_INLINE void clear() {
    for (int32x4_t& sums : v) sums = vdupq_n_s32(0);
  }
  template <int row>
  BITMETAL_INLINE I32x16 sums() const {
    I32x16 r;
    for (int q = 0; q < 4; ++q) {
      r.v[q] = row ? vuzp2q_s32(v[2 * q], v[2 * q + 1]) : vuzp1q_s32(v[2 * q], v[2 * q + 1]);
    }
    return r;
  }
};
// Bit fields 2 half and 2 half + 1 of a block times M pairs of rows.
template <int half, int M>
BITMETAL_INLINE inline void add_paired(const Codes& c, const PairedActivations (&x)[M],
                                       PairedDot (&dots)[M]) {
  unroll<4>([&](auto q) BITMETAL_INLINE {
    const int32x4_t low = vreinterpretq_s32_u8(bit_field<2 * half>(c.v[q]));
    const int32x4_t high = vreinterpretq_s32_u8(bit_field<2 * half + 1>(c.v[q]));
    const int8x16_t upper = vreinterpretq_s8_s32(vzip1q_s32(low, high));
    const int8x16_t lower = vreinterpretq_s8_s32(vzip2q_s32(low, high));
    unroll<M>([&](auto m) BITMETAL_INLINE {
      dots[m].v[2 * q] = vmmlaq_s32(dots[m].v[2 * q], upper, x[m].v);
      dots[m].v[2 * q + 1] = vmmlaq_s32(dots[m].v[2 * q + 1], lower, x[m].v);
    });
  });
}
#endif

// Fields 0 to 2, masked in place, are 4^f times their codes, and so are their sums. Field 3 would
// be 128, which is negative to the signed product; shifting it down is one operation as well, and
// it shares the sum of field 0.
struct InPlaceDot {
  static constexpr int64_t kMaxBlocks = kSegmentBlocks;
  int32x4_t v[4][3];

  BITMETAL_INLINE void clear() {
    for (auto& rows : v) {
      for (int32x4_t& field : rows) field = vdupq_n_s32(0);
    }
  }
  BITMETAL_INLINE void add(Codes c, Activations x) {
    for (int q = 0; q < 4; ++q) {
      const int8x16_t f0 = vreinterpretq_s8_u8(vandq_u8(c.v[q], vdupq_n_u8(0x03)));
      const int8x16_t f1 = vreinterpretq_s8_u8(vandq_u8(c.v[q], vdupq_n_u8(0x0c)));
      const int8x16_t f2 = vreinterpretq_s8_u8(vandq_u8(c.v[q], vdupq_n_u8(0x30)));
      const int8x16_t f3 = vreinterpretq_s8_u8(vshrq_n_u8(c.v[q], 6));
      v[q][0] = vdotq_laneq_s32(v[q][0], f0, x.v, 0);
      v[q][1] = vdotq_laneq_s32(v[q][1], f1, x.v, 1);
      v[q][2] = vdotq_laneq_s32(v[q][2], f2, x.v, 2);
      v[q][0] = vdotq_laneq_s32(v[q][0], f3, x.v, 3);
    }
  }
  BITMETAL_INLINE I32x16 sums() const {
    I32x16 r;
    for (int q = 0; q < 4; ++q) {
      r.v[q] = vsraq_n_s32(vsraq_n_s32(v[q][0], v[q][1], 2), v[q][2], 4);
    }
    return r;
  }
};

template <int shift>
inline F32x16 ternary_values(I32x16 words) {
  F32x16 r;
  for (int q = 0; q < 4; ++q) {
    uint32x4_t codes = vreinterpretq_u32_s32(words.v[q]);
    if constexpr (shift) codes = vshrq_n_u32(codes, shift);
    codes = vandq_u32(codes, vdupq_n_u32(3));
    r.v[q] = vcvtq_f32_s32(vsubq_s32(vreinterpretq_s32_u32(codes), vdupq_n_s32(1)));
  }
  return r;
}

// Where the codes of columns 4 f .. 4 f + 3 lie in a row's word.
inline int32x4_t code_shifts(int f) {
  static constexpr int32_t kBytes[4] = {0, 8, 16, 24};
  return vaddq_s32(vld1q_s32(kBytes), vdupq_n_s32(2 * f));
}

inline uint32_t threshold_codes(F32x16 w, float half) {
  uint32x4_t word = vdupq_n_u32(0);
  for (int f = 0; f < 4; ++f) {
    const uint32x4_t above = vcgtq_f32(w.v[f], vdupq_n_f32(half));
    const uint32x4_t below = vcltq_f32(w.v[f], vdupq_n_f32(-half));
    const uint32x4_t code = vsubq_u32(vaddq_u32(vdupq_n_u32(1), below), above);  // true is -1
    word = vorrq_u32(word, vshlq_u32(code, code_shifts(f)));
  }
  return vaddvq_u32(word);
}

struct ScaledWeights {
  float scale;

  explicit ScaledWeights(float s) : scale(s) {}
  F32x16 expand(uint32_t word) const {
    F32x16 r;
    for (int f = 0; f < 4; ++f) {
      const uint32x4_t codes =
          vandq_u32(vshlq_u32(vdupq_n_u32(word), vnegq_s32(code_shifts(f))), vdupq_n_u32(3));
      const int32x4_t t = vsubq_s32(vreinterpretq_s32_u32(codes), vdupq_n_s32(1));
      r.v[f] = vmulq_n_f32(vcvtq_f32_s32(t), scale);
    }
    return r;
  }
};
