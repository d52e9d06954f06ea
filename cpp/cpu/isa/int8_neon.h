// Primitives for int8 products with NEON dotprod; kernels/int8.inl says what they are.

constexpr int kInt8Step = 16;
constexpr int kInt8Rows = 4;
constexpr int kInt8LeftOffset = 0;

struct Int8Left {
  int8x16_t v;
};
using Int8Right = Int8Left;
inline Int8Left load_left(const int8_t* p) { return {vld1q_s8(p)}; }
inline Int8Right load_right(const int8_t* p) { return {vld1q_s8(p)}; }
inline Int8Left int8_offset() { return {vdupq_n_s8(0)}; }

struct Int8Sum {
  int32x4_t v;

  BITMETAL_INLINE void clear() { v = vdupq_n_s32(0); }
  BITMETAL_INLINE void add(Int8Left a, Int8Right b) { v = vdotq_s32(v, a.v, b.v); }
  BITMETAL_INLINE int32_t total() const { return vaddvq_s32(v); }
};

constexpr int kInt8PerWord = 4;
using Int8Words = uint32_t __attribute__((vector_size(16)));
BITMETAL_INLINE inline Int8Words add_int8_products(Int8Words sum, Int8Words a, Int8Words b) {
  return (Int8Words)vdotq_s32((int32x4_t)sum, (int8x16_t)a, (int8x16_t)b);
}
