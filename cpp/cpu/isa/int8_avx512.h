// Primitives for int8 products with AVX-512 VNNI; kernels/int8.inl says what they are.

constexpr int kInt8Step = 64;
constexpr int kInt8Rows = 4;
constexpr int kInt8LeftOffset = 128;

struct Int8Left {
  __m512i v;
};
struct Int8Right {
  __m512i v;
};
inline Int8Left int8_offset() { return {_mm512_set1_epi8(-128)}; }
inline Int8Left load_left(const int8_t* p) {
  return {_mm512_xor_si512(_mm512_loadu_si512(p), int8_offset().v)};
}
inline Int8Right load_right(const int8_t* p) { return {_mm512_loadu_si512(p)}; }

struct Int8Sum {
  __m512i v;

  BITMETAL_INLINE void clear() { v = _mm512_setzero_si512(); }
  BITMETAL_INLINE void add(Int8Left a, Int8Right b) { add_dot(v, a.v, b.v); }
  BITMETAL_INLINE int32_t total() const { return _mm512_reduce_add_epi32(v); }
};

constexpr int kInt8PerWord = 4;
using Int8Words = uint32_t __attribute__((vector_size(64)));
BITMETAL_INLINE inline Int8Words add_int8_products(Int8Words sum, Int8Words a, Int8Words b) {
  __m512i v = (__m512i)sum;
  add_dot(v, (__m512i)a, (__m512i)b);
  return (Int8Words)v;
}
