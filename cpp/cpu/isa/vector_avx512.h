// Vectors of AVX-512. See kernels/vector.inl for what every instruction set supplies.

constexpr bool kFused = true;
constexpr int kVectorBytes = 64;
// 28 sums, 2 vectors of b and a broadcast element of a: 31 of 32 registers.
constexpr int kTileRows = 14;
constexpr int kTileVectors = 2;

inline __m512 fma(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
inline __m512d fma(__m512d a, __m512d b, __m512d c) { return _mm512_fmadd_pd(a, b, c); }

inline __m512 widen(const float16* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline void narrow(__m512 v, float16* p) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

inline __m512d lower_half(__m512 v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v)); }
inline __m512d upper_half(__m512 v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)); }

inline __m512 times_power(__m512 x, __m512 n) { return _mm512_scalef_ps(x, n); }
inline __m512d times_power(__m512d x, __m512d n) { return _mm512_scalef_pd(x, n); }

// The instructions give their second operand where one is NaN.
inline __m512 at_least(__m512 x, float bound) { return _mm512_max_ps(_mm512_set1_ps(bound), x); }
inline __m512 at_most(__m512 x, float bound) { return _mm512_min_ps(_mm512_set1_ps(bound), x); }
inline __m512d at_least(__m512d x, double bound) { return _mm512_max_pd(_mm512_set1_pd(bound), x); }
inline __m512d at_most(__m512d x, double bound) { return _mm512_min_pd(_mm512_set1_pd(bound), x); }
