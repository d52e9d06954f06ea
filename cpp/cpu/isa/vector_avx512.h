// Vectors of AVX-512. See kernels/vector.inl for what every instruction set supplies.

constexpr bool kFused = true;
constexpr int kVectorBytes = 64;
// 28 sums, 2 vectors of b and a broadcast element of a: 31 of 32 registers.
constexpr int kTileRows = 14;
constexpr int kTileVectors = 2;

using IntegerRegister = __m512i;

inline __m512 fma(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
inline __m512d fma(__m512d a, __m512d b, __m512d c) { return _mm512_fmadd_pd(a, b, c); }

inline __m512 widen(const float16* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline void narrow(__m512 v, float16* p) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

inline __m512 widen(const bfloat16* p) {
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

inline void narrow(__m512 v, bfloat16* p) {
  const __m512i bits = _mm512_castps_si512(v);
  const __mmask16 odd = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x10000));
  const __m512i up = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff));
  const __m512i even = _mm512_mask_add_epi32(up, odd, up, _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_mask_or_epi32(even, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), bits,
                                               _mm512_set1_epi32(0x400000));  // quiet
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
}

inline __m512 with_sign_of(__m512 x, __m512 sign) {
  return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(
      _mm512_castps_si512(x), _mm512_castps_si512(sign), _mm512_set1_epi32(INT32_MIN),
      0xd8));  // by bits: third ? second : first
}

inline __m512d lower_half(__m512 v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v)); }
inline __m512d upper_half(__m512 v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)); }

// The machine's own result of what is out of range is the least integer.
inline __m512i truncated(__m512 v) {
  const __m512i inside = _mm512_maskz_cvttps_epi32(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), v);
  const __mmask16 above = _mm512_cmp_ps_mask(v, _mm512_set1_ps(0x1p31f), _CMP_GE_OQ);
  return _mm512_mask_mov_epi32(inside, above, _mm512_set1_epi32(0x7fffffff));
}

inline __m512 times_power(__m512 x, __m512 n) { return _mm512_scalef_ps(x, n); }
inline __m512d times_power(__m512d x, __m512d n) { return _mm512_scalef_pd(x, n); }

inline __m512 min(__m512 a, __m512 b) { return _mm512_min_ps(a, b); }
inline __m512 max(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
inline __m512d min(__m512d a, __m512d b) { return _mm512_min_pd(a, b); }
inline __m512d max(__m512d a, __m512d b) { return _mm512_max_pd(a, b); }

inline bool any_bit(__m512i v) { return _mm512_test_epi64_mask(v, v) != 0; }
inline __m512d lookup(const double (&table)[16], __m512i places) {
  return _mm512_permutex2var_pd(_mm512_loadu_pd(table), places, _mm512_loadu_pd(table + 8));
}

inline void stream_part(void* p, __m512 v) { _mm512_stream_ps(static_cast<float*>(p), v); }
inline void stream_part(void* p, __m256 v) { _mm256_stream_ps(static_cast<float*>(p), v); }

inline __m128i low_bytes(const __m512i (&v)[1]) { return _mm512_cvtepi32_epi8(v[0]); }
