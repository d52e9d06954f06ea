// Primitives for int8 products with AVX2, with or without AVX-VNNI; kernels/int8.inl says what they
// are.

inline int32_t sum_of_8(__m256i v) { return static_cast<int32_t>(fold((Words)v, kSum)); }

using Int8Words = uint32_t __attribute__((vector_size(32)));

#if BITMETAL_AVXVNNI

constexpr int kInt8Step = 32;
constexpr int kInt8Rows = 2;
constexpr int kInt8LeftOffset = 128;

struct Int8Left {
  __m256i v;
};
struct Int8Right {
  __m256i v;
};
inline Int8Left int8_offset() { return {_mm256_set1_epi8(-128)}; }
inline Int8Left load_left(const int8_t* p) {
  return {_mm256_xor_si256(load_256(p), int8_offset().v)};
}
inline Int8Right load_right(const int8_t* p) { return {load_256(p)}; }

struct Int8Sum {
  __m256i v;

  BITMETAL_INLINE void clear() { v = _mm256_setzero_si256(); }
  BITMETAL_INLINE void add(Int8Left a, Int8Right b) { add_dot(v, a.v, b.v); }
  BITMETAL_INLINE int32_t total() const { return sum_of_8(v); }
};

constexpr int kInt8PerWord = 4;
BITMETAL_INLINE inline Int8Words add_int8_products(Int8Words sum, Int8Words a, Int8Words b) {
  __m256i v = (__m256i)sum;
  add_dot(v, (__m256i)a, (__m256i)b);
  return (Int8Words)v;
}

#else

// As 16-bit numbers, of which two products make a 32-bit one: products of bytes would saturate.
constexpr int kInt8Step = 16;
constexpr int kInt8Rows = 2;
constexpr int kInt8LeftOffset = 0;

struct Int8Left {
  __m256i v;
};
using Int8Right = Int8Left;
inline Int8Left int8_offset() { return {_mm256_setzero_si256()}; }
inline Int8Left load_left(const int8_t* p) { return {_mm256_cvtepi8_epi16(load_128(p))}; }
inline Int8Right load_right(const int8_t* p) { return load_left(p); }

struct Int8Sum {
  __m256i v;

  BITMETAL_INLINE void clear() { v = _mm256_setzero_si256(); }
  BITMETAL_INLINE void add(Int8Left a, Int8Right b) {
    v = _mm256_add_epi32(v, _mm256_madd_epi16(a.v, b.v));
  }
  BITMETAL_INLINE int32_t total() const { return sum_of_8(v); }
};

constexpr int kInt8PerWord = 2;
BITMETAL_INLINE inline Int8Words add_int8_products(Int8Words sum, Int8Words a, Int8Words b) {
  return sum + (Int8Words)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

#endif
