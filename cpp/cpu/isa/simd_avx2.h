// Primitives for AVX2, FMA and F16C; simd_generic.h says what each does.

struct F32x16 {
  __m256 v[2];
};
struct F64x16 {
  __m256d v[4];
};
struct I32x16 {
  __m256i v[2];
};

inline __m256i load_256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
inline void store_256(void* p, __m256i a) { _mm256_storeu_si256(static_cast<__m256i*>(p), a); }
inline __m128i load_128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline void store_128(void* p, __m128i a) { _mm_storeu_si128(static_cast<__m128i*>(p), a); }

inline F32x16 load(const float* p) { return {{_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}}; }
inline F32x16 load(const float16* p) {
  return {{_mm256_cvtph_ps(load_128(p)), _mm256_cvtph_ps(load_128(p + 8))}};
}
inline F32x16 load(const bfloat16* p) {
  F32x16 r;
  for (int h = 0; h < 2; ++h) {
    const __m256i bits = _mm256_cvtepu16_epi32(load_128(p + 8 * h));
    r.v[h] = _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
  }
  return r;
}
inline void store(float* p, F32x16 a) {
  _mm256_storeu_ps(p, a.v[0]);
  _mm256_storeu_ps(p + 8, a.v[1]);
}
inline void store(float16* p, F32x16 a) {
  store_128(p, _mm256_cvtps_ph(a.v[0], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  store_128(p + 8, _mm256_cvtps_ph(a.v[1], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline void store(bfloat16* p, F32x16 a) {
  __m256i half[2];
  for (int h = 0; h < 2; ++h) {
    const __m256i u = _mm256_castps_si256(a.v[h]);
    const __m256i upper = _mm256_srli_epi32(u, 16);
    const __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_srli_epi32(
        _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    const __m256i quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a.v[h], a.v[h], _CMP_UNORD_Q));
    half[h] = _mm256_blendv_epi8(rounded, quiet, nan);
  }
  const __m256i both = _mm256_packus_epi32(half[0], half[1]);
  store_256(p, _mm256_permute4x64_epi64(both, _MM_SHUFFLE(3, 1, 2, 0)));
}
inline I32x16 load(const int32_t* p) { return {{load_256(p), load_256(p + 8)}}; }
inline void store(int32_t* p, I32x16 a) {
  store_256(p, a.v[0]);
  store_256(p + 8, a.v[1]);
}

inline F32x16 broadcast(float x) { return {{_mm256_set1_ps(x), _mm256_set1_ps(x)}}; }
inline F32x16 add(F32x16 a, F32x16 b) {
  return {{_mm256_add_ps(a.v[0], b.v[0]), _mm256_add_ps(a.v[1], b.v[1])}};
}
inline F32x16 mul(F32x16 a, F32x16 b) {
  return {{_mm256_mul_ps(a.v[0], b.v[0]), _mm256_mul_ps(a.v[1], b.v[1])}};
}
inline F32x16 abs(F32x16 a) {
  const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  return {{_mm256_and_ps(a.v[0], mask), _mm256_and_ps(a.v[1], mask)}};
}

inline F32x16 mul_add(F32x16 a, F32x16 b, F32x16 c) {
  return {{_mm256_fmadd_ps(a.v[0], b.v[0], c.v[0]), _mm256_fmadd_ps(a.v[1], b.v[1], c.v[1])}};
}

inline void stream(float* p, F32x16 a) {
  _mm256_stream_ps(p, a.v[0]);
  _mm256_stream_ps(p + 8, a.v[1]);
}
template <class T>
inline void stream(T* p, F32x16 a) {
  alignas(32) T narrow[16];
  store(narrow, a);
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), load_256(narrow));
}

inline I32x16 broadcast_int(int32_t x) { return {{_mm256_set1_epi32(x), _mm256_set1_epi32(x)}}; }
inline I32x16 add(I32x16 a, I32x16 b) {
  return {{_mm256_add_epi32(a.v[0], b.v[0]), _mm256_add_epi32(a.v[1], b.v[1])}};
}
inline I32x16 sub(I32x16 a, I32x16 b) {
  return {{_mm256_sub_epi32(a.v[0], b.v[0]), _mm256_sub_epi32(a.v[1], b.v[1])}};
}
inline I32x16 max(I32x16 a, I32x16 b) {
  return {{_mm256_max_epi32(a.v[0], b.v[0]), _mm256_max_epi32(a.v[1], b.v[1])}};
}
inline F32x16 to_float(I32x16 a) {
  return {{_mm256_cvtepi32_ps(a.v[0]), _mm256_cvtepi32_ps(a.v[1])}};
}
inline I32x16 magnitude_bits(F32x16 a) {
  const F32x16 m = abs(a);
  return {{_mm256_castps_si256(m.v[0]), _mm256_castps_si256(m.v[1])}};
}
inline I32x16 round_to_int(F32x16 a) {
  return {{_mm256_cvtps_epi32(a.v[0]), _mm256_cvtps_epi32(a.v[1])}};
}
inline void store_int8(int8_t* p, I32x16 a) {
  const __m256i words = _mm256_packs_epi32(a.v[0], a.v[1]);  // 0-3 8-11 | 4-7 12-15
  const __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  store_128(p, _mm_shuffle_epi32(bytes, _MM_SHUFFLE(3, 1, 2, 0)));
}
inline int32_t sum_lanes(I32x16 a) {
  const __m256i eight = _mm256_add_epi32(a.v[0], a.v[1]);
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(1, 0, 3, 2)));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(four);
}
inline int32_t max_lane(I32x16 a) {
  const __m256i eight = _mm256_max_epi32(a.v[0], a.v[1]);
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(1, 0, 3, 2)));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(four);
}
[[gnu::always_inline]] inline void prefetch(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
}

inline F64x16 zero_f64() {
  const __m256d zero = _mm256_setzero_pd();
  return {{zero, zero, zero, zero}};
}
inline F64x16 widen(F32x16 a) {
  return {{_mm256_cvtps_pd(_mm256_castps256_ps128(a.v[0])),
           _mm256_cvtps_pd(_mm256_extractf128_ps(a.v[0], 1)),
           _mm256_cvtps_pd(_mm256_castps256_ps128(a.v[1])),
           _mm256_cvtps_pd(_mm256_extractf128_ps(a.v[1], 1))}};
}
inline F64x16 add(F64x16 a, F64x16 b) {
  return {{_mm256_add_pd(a.v[0], b.v[0]), _mm256_add_pd(a.v[1], b.v[1]),
           _mm256_add_pd(a.v[2], b.v[2]), _mm256_add_pd(a.v[3], b.v[3])}};
}
inline F64x16 mul(F64x16 a, F64x16 b) {
  return {{_mm256_mul_pd(a.v[0], b.v[0]), _mm256_mul_pd(a.v[1], b.v[1]),
           _mm256_mul_pd(a.v[2], b.v[2]), _mm256_mul_pd(a.v[3], b.v[3])}};
}
inline double add_lanes(F64x16 a) {
  const __m256d four = _mm256_add_pd(_mm256_add_pd(a.v[0], a.v[2]), _mm256_add_pd(a.v[1], a.v[3]));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
