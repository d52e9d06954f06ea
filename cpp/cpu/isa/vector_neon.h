// Vectors of Armv8. See kernels/vector.inl for what every instruction set supplies.

constexpr bool kFused = true;
constexpr int kVectorBytes = 16;
// 24 sums, 3 vectors of b and a broadcast element of a: 28 of 32 registers.
constexpr int kTileRows = 8;
constexpr int kTileVectors = 3;

using IntegerRegister = int32x4_t;

// The results are vectors of the extension: templates tell them from those of arm_neon.h.
typedef float Float4 __attribute__((vector_size(16)));
typedef double Double2 __attribute__((vector_size(16)));

inline Float4 fma(Float4 a, Float4 b, Float4 c) { return vfmaq_f32(c, a, b); }
inline Double2 fma(Double2 a, Double2 b, Double2 c) { return vfmaq_f64(c, a, b); }

inline Float4 widen(const float16* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(reinterpret_cast<const uint16_t*>(p))));
}
inline void narrow(Float4 v, float16* p) {
  vst1_u16(reinterpret_cast<uint16_t*>(p), vreinterpret_u16_f16(vcvt_f16_f32(v)));
}

inline Double2 lower_half(Float4 v) { return vcvt_f64_f32(vget_low_f32(v)); }
inline Double2 upper_half(Float4 v) { return vcvt_high_f64_f32(v); }

inline bool any_bit(int32x4_t v) { return vmaxvq_u32(vreinterpretq_u32_s32(v)) != 0; }
inline int32x4_t truncated(Float4 v) { return vcvtq_s32_f32(v); }

inline Double2 lookup(const double (&table)[16], int32x4_t places) {
  return Double2{table[vgetq_lane_s32(places, 0) & 15], table[vgetq_lane_s32(places, 2) & 15]};
}

inline uint8x16_t low_bytes(const int32x4_t (&v)[4]) {
  const int16x8_t low = vcombine_s16(vmovn_s32(v[0]), vmovn_s32(v[1]));
  const int16x8_t high = vcombine_s16(vmovn_s32(v[2]), vmovn_s32(v[3]));
  return vreinterpretq_u8_s8(vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}
