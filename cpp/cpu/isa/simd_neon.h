// Primitives for NEON with dotprod; simd_generic.h says what each does.

struct F32x16 {
  float32x4_t v[4];
};
struct F64x16 {
  float64x2_t v[8];
};
struct I32x16 {
  int32x4_t v[4];
};

inline F32x16 load(const float* p) {
  return {{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
}
inline F32x16 load(const float16* p) {
  F32x16 r;
  for (int q = 0; q < 4; ++q) {
    const uint16x4_t bits = vld1_u16(reinterpret_cast<const uint16_t*>(p + 4 * q));
    r.v[q] = vcvt_f32_f16(vreinterpret_f16_u16(bits));
  }
  return r;
}
inline F32x16 load(const bfloat16* p) {
  F32x16 r;
  for (int q = 0; q < 4; ++q) {
    const uint16x4_t bits = vld1_u16(reinterpret_cast<const uint16_t*>(p + 4 * q));
    r.v[q] = vreinterpretq_f32_u32(vshll_n_u16(bits, 16));
  }
  return r;
}
inline void store(float* p, F32x16 a) {
  for (int q = 0; q < 4; ++q) vst1q_f32(p + 4 * q, a.v[q]);
}
inline void store(float16* p, F32x16 a) {
  for (int q = 0; q < 4; ++q) {
    vst1_u16(reinterpret_cast<uint16_t*>(p + 4 * q), vreinterpret_u16_f16(vcvt_f16_f32(a.v[q])));
  }
}
inline void store(bfloat16* p, F32x16 a) {
  for (int q = 0; q < 4; ++q) {
    const uint32x4_t u = vreinterpretq_u32_f32(a.v[q]);
    const uint32x4_t upper = vshrq_n_u32(u, 16);
    const uint32x4_t odd = vandq_u32(upper, vdupq_n_u32(1));
    const uint32x4_t rounded = vshrq_n_u32(vaddq_u32(u, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16);
    const uint32x4_t quiet = vorrq_u32(upper, vdupq_n_u32(0x40));
    const uint32x4_t number = vceqq_f32(a.v[q], a.v[q]);
    vst1_u16(reinterpret_cast<uint16_t*>(p + 4 * q), vmovn_u32(vbslq_u32(number, rounded, quiet)));
  }
}
inline I32x16 load(const int32_t* p) {
  return {{vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12)}};
}
inline void store(int32_t* p, I32x16 a) {
  for (int q = 0; q < 4; ++q) vst1q_s32(p + 4 * q, a.v[q]);
}

inline F32x16 broadcast(float x) {
  const float32x4_t v = vdupq_n_f32(x);
  return {{v, v, v, v}};
}
inline F32x16 add(F32x16 a, F32x16 b) {
  for (int q = 0; q < 4; ++q) a.v[q] = vaddq_f32(a.v[q], b.v[q]);
  return a;
}
inline F32x16 mul(F32x16 a, F32x16 b) {
  for (int q = 0; q < 4; ++q) a.v[q] = vmulq_f32(a.v[q], b.v[q]);
  return a;
}
inline F32x16 abs(F32x16 a) {
  for (int q = 0; q < 4; ++q) a.v[q] = vabsq_f32(a.v[q]);
  return a;
}

inline F32x16 mul_add(F32x16 a, F32x16 b, F32x16 c) {
  for (int q = 0; q < 4; ++q) c.v[q] = vfmaq_f32(c.v[q], a.v[q], b.v[q]);
  return c;
}
template <class T>
inline void stream(T* p, F32x16 a) {
  store(p, a);
}

inline I32x16 broadcast_int(int32_t x) {
  const int32x4_t v = vdupq_n_s32(x);
  return {{v, v, v, v}};
}
inline I32x16 add(I32x16 a, I32x16 b) {
  for (int q = 0; q < 4; ++q) a.v[q] = vaddq_s32(a.v[q], b.v[q]);
  return a;
}
inline I32x16 sub(I32x16 a, I32x16 b) {
  for (int q = 0; q < 4; ++q) a.v[q] = vsubq_s32(a.v[q], b.v[q]);
  return a;
}
inline I32x16 max(I32x16 a, I32x16 b) {
  for (int q = 0; q < 4; ++q) a.v[q] = vmaxq_s32(a.v[q], b.v[q]);
  return a;
}
inline F32x16 to_float(I32x16 a) {
  F32x16 r;
  for (int q = 0; q < 4; ++q) r.v[q] = vcvtq_f32_s32(a.v[q]);
  return r;
}
inline I32x16 magnitude_bits(F32x16 a) {
  I32x16 r;
  for (int q = 0; q < 4; ++q) r.v[q] = vreinterpretq_s32_f32(vabsq_f32(a.v[q]));
  return r;
}
inline I32x16 round_to_int(F32x16 a) {
  I32x16 r;
  for (int q = 0; q < 4; ++q) r.v[q] = vcvtnq_s32_f32(a.v[q]);
  return r;
}
inline void store_int8(int8_t* p, I32x16 a) {
  const int16x8_t low = vcombine_s16(vmovn_s32(a.v[0]), vmovn_s32(a.v[1]));
  const int16x8_t high = vcombine_s16(vmovn_s32(a.v[2]), vmovn_s32(a.v[3]));
  vst1q_s8(p, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}
inline int32_t sum_lanes(I32x16 a) {
  return vaddvq_s32(vaddq_s32(vaddq_s32(a.v[0], a.v[1]), vaddq_s32(a.v[2], a.v[3])));
}
inline int32_t max_lane(I32x16 a) {
  return vmaxvq_s32(vmaxq_s32(vmaxq_s32(a.v[0], a.v[1]), vmaxq_s32(a.v[2], a.v[3])));
}
[[gnu::always_inline]] inline void prefetch(const void* p) { __builtin_prefetch(p); }

inline F64x16 zero_f64() {
  F64x16 r;
  for (int i = 0; i < 8; ++i) r.v[i] = vdupq_n_f64(0);
  return r;
}
inline F64x16 widen(F32x16 a) {
  F64x16 r;
  for (int q = 0; q < 4; ++q) {
    r.v[2 * q] = vcvt_f64_f32(vget_low_f32(a.v[q]));
    r.v[2 * q + 1] = vcvt_high_f64_f32(a.v[q]);
  }
  return r;
}
inline F64x16 add(F64x16 a, F64x16 b) {
  for (int i = 0; i < 8; ++i) a.v[i] = vaddq_f64(a.v[i], b.v[i]);
  return a;
}
inline F64x16 mul(F64x16 a, F64x16 b) {
  for (int i = 0; i < 8; ++i) a.v[i] = vmulq_f64(a.v[i], b.v[i]);
  return a;
}
inline double add_lanes(F64x16 a) {
  for (int half = 4; half; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] = vaddq_f64(a.v[i], a.v[i + half]);
  }
  return vgetq_lane_f64(a.v[0], 0) + vgetq_lane_f64(a.v[0], 1);
}
