// Vectors of AVX2, FMA and F16C. See kernels/vector.inl for what every instruction set supplies.

constexpr bool kFused = true;
constexpr int kVectorBytes = 32;
// 12 sums, 2 vectors of b and a broadcast element of a: 15 of 16 registers.
constexpr int kTileRows = 6;
constexpr int kTileVectors = 2;

using IntegerRegister = __m256i;

inline __m256 fma(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
inline __m256d fma(__m256d a, __m256d b, __m256d c) { return _mm256_fmadd_pd(a, b, c); }

inline __m256i load_256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
inline __m128i load_128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

inline __m256 widen(const float16* p) { return _mm256_cvtph_ps(load_128(p)); }
inline void narrow(__m256 v, float16* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

inline __m256d lower_half(__m256 v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
inline __m256d upper_half(__m256 v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }

// The machine's own result of what is out of range is the least integer: the complement of the
// greatest.
inline __m256i truncated(__m256 v) {
  const __m256 above = _mm256_cmp_ps(v, _mm256_set1_ps(0x1p31f), _CMP_GE_OQ);
  const __m256 ordered = _mm256_cmp_ps(v, v, _CMP_ORD_Q);
  return _mm256_and_si256(_mm256_xor_si256(_mm256_cvttps_epi32(v), _mm256_castps_si256(above)),
                          _mm256_castps_si256(ordered));
}

inline __m256 min(__m256 a, __m256 b) { return _mm256_min_ps(a, b); }
inline __m256 max(__m256 a, __m256 b) { return _mm256_max_ps(a, b); }
inline __m256d min(__m256d a, __m256d b) { return _mm256_min_pd(a, b); }
inline __m256d max(__m256d a, __m256d b) { return _mm256_max_pd(a, b); }

inline bool any_bit(__m256i v) { return !_mm256_testz_si256(v, v); }
inline __m256d lookup(const double (&table)[16], __m256i places) {
  return _mm256_i64gather_pd(table, _mm256_and_si256(places, _mm256_set1_epi64x(15)), 8);
}

inline void stream_part(void* p, __m256 v) { _mm256_stream_ps(static_cast<float*>(p), v); }
inline void stream_part(void* p, __m128 v) { _mm_stream_ps(static_cast<float*>(p), v); }

inline __m128i low_bytes(const __m256i (&v)[2]) {
  const __m256i first = _mm256_set1_epi32(0x0c080400);  // of every four, to each half's first word
  const __m256i words =
      _mm256_unpacklo_epi32(_mm256_shuffle_epi8(v[0], first), _mm256_shuffle_epi8(v[1], first));
  return _mm_unpacklo_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}
inline void store_low_halves(void* p, const __m256i (&v)[2]) {
  const __m256i halves = _mm256_packus_epi32(v[0], v[1]);
  _mm256_storeu_si256(static_cast<__m256i*>(p),
                      _mm256_permute4x64_epi64(halves, _MM_SHUFFLE(3, 1, 2, 0)));
}
