// Primitives for blockwise codes with NEON; blockwise_generic.h says what each does.

inline I32x16 widen_codes(uint8x16_t codes) {
  const uint16x8_t low = vmovl_u8(vget_low_u8(codes)), high = vmovl_high_u8(codes);
  return {{vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(low))),
           vreinterpretq_s32_u32(vmovl_high_u16(low)),
           vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(high))),
           vreinterpretq_s32_u32(vmovl_high_u16(high))}};
}

template <int bits, bool high_first>
inline I32x16 unpack_codes(const uint8_t* p) {
  if constexpr (bits == 8) {
    return widen_codes(vld1q_u8(p));
  } else if constexpr (bits == 4) {
    const uint8x8_t packed = vld1_u8(p);
    const uint8x8_t high = vshr_n_u8(packed, 4), low = vand_u8(packed, vdup_n_u8(15));
    const uint8x8x2_t zipped = high_first ? vzip_u8(high, low) : vzip_u8(low, high);
    return widen_codes(vcombine_u8(zipped.val[0], zipped.val[1]));
  } else {
    uint8_t codes[16];
    for (int i = 0; i < 16; ++i) {
      const int at = i * bits, shift = at % 8;
      int word = p[at / 8];
      if (shift + bits > 8) word |= p[at / 8 + 1] << 8;
      codes[i] = static_cast<uint8_t>(word >> shift & ((1 << bits) - 1));
    }
    return widen_codes(vld1q_u8(codes));
  }
}
template <int bits, bool high_first>
inline I32x16 unpack_indices(const uint8_t* p) {
  return unpack_codes<bits, high_first>(p);
}
template <bool high_first>
inline void pack_nibbles(uint8_t* p, I32x16 codes) {
  const uint8x16_t bytes = low_bytes(codes.v);
  const uint8x16_t even = vuzp1q_u8(bytes, bytes), odd = vuzp2q_u8(bytes, bytes);
  const uint8x16_t high = high_first ? even : odd, low = high_first ? odd : even;
  vst1_u8(p, vget_low_u8(vsliq_n_u8(low, high, 4)));
}

constexpr int block_rows(int) { return 1; }

struct Table16 {
  uint8x16x4_t bytes;

  explicit Table16(F32x16 table) {
    for (int q = 0; q < 4; ++q) bytes.val[q] = vreinterpretq_u8_f32(table.v[q]);
  }
  F32x16 at(I32x16 index) const {
    F32x16 r;
    for (int q = 0; q < 4; ++q) {  // the four bytes of entry i are at 4 i
      const uint32x4_t first = vmulq_n_u32(vreinterpretq_u32_s32(index.v[q]), 0x04040404);
      const uint32x4_t places = vaddq_u32(first, vdupq_n_u32(0x03020100));
      r.v[q] = vreinterpretq_f32_u8(vqtbl4q_u8(bytes, vreinterpretq_u8_u32(places)));
    }
    return r;
  }
  template <int shift>
  F32x16 at_shifted(I32x16 words) const {
    for (int32x4_t& w : words.v) {
      uint32x4_t u = vreinterpretq_u32_s32(w);
      if constexpr (shift) u = vshrq_n_u32(u, shift);
      w = vreinterpretq_s32_u32(vandq_u32(u, vdupq_n_u32(15)));
    }
    return at(words);
  }
};

struct Search16 {
  float32x4_t thresholds[4];
  uint8x16_t in_order;

  explicit Search16(const BlockSearch16& s) : in_order(low_bytes(load(s.codes).v)) {
    for (int q = 0; q < 4; ++q) thresholds[q] = vld1q_f32(s.thresholds + 4 * q);
  }
  I32x16 codes(F32x16 y) const {
    I32x16 below;
    for (int q = 0; q < 4; ++q) {
      uint32x4_t count = vdupq_n_u32(0);  // true is -1
      for (const float32x4_t t : thresholds) {
        count = vsubq_u32(count, vcgtq_f32(y.v[q], vdupq_laneq_f32(t, 0)));
        count = vsubq_u32(count, vcgtq_f32(y.v[q], vdupq_laneq_f32(t, 1)));
        count = vsubq_u32(count, vcgtq_f32(y.v[q], vdupq_laneq_f32(t, 2)));
        count = vsubq_u32(count, vcgtq_f32(y.v[q], vdupq_laneq_f32(t, 3)));
      }
      below.v[q] = vreinterpretq_s32_u32(count);
    }
    return widen_codes(vqtbl1q_u8(in_order, low_bytes(below.v)));
  }
};
