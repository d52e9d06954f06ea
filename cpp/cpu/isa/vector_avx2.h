// Vectors of AVX2, FMA and F16C. See kernels/vector.inl for what every instruction set supplies.

constexpr bool kFused = true;
constexpr int kVectorBytes = 32;
// 12 sums, 2 vectors of b and a broadcast element of a: 15 of 16 registers.
constexpr int kTileRows = 6;
constexpr int kTileVectors = 2;

inline __m256 fma(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
inline __m256d fma(__m256d a, __m256d b, __m256d c) { return _mm256_fmadd_pd(a, b, c); }

inline __m256 widen(const float16* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline void narrow(__m256 v, float16* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

inline __m256d lower_half(__m256 v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
inline __m256d upper_half(__m256 v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }

// The instructions give their second operand where one is NaN.
inline __m256 at_least(__m256 x, float bound) { return _mm256_max_ps(_mm256_set1_ps(bound), x); }
inline __m256 at_most(__m256 x, float bound) { return _mm256_min_ps(_mm256_set1_ps(bound), x); }
inline __m256d at_least(__m256d x, double bound) { return _mm256_max_pd(_mm256_set1_pd(bound), x); }
inline __m256d at_most(__m256d x, double bound) { return _mm256_min_pd(_mm256_set1_pd(bound), x); }
