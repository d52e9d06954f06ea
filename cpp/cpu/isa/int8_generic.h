// Primitives for int8 products in portable C++; kernels/int8.inl says what they are.

constexpr int kInt8Step = 16;
constexpr int kInt8Rows = 2;
constexpr int kInt8LeftOffset = 0;

struct Int8Left {
  int8_t v[kInt8Step];
};
using Int8Right = Int8Left;
inline Int8Left load_left(const int8_t* p) {
  Int8Left r;
  std::memcpy(r.v, p, sizeof r.v);
  return r;
}
inline Int8Right load_right(const int8_t* p) { return load_left(p); }
inline Int8Left int8_offset() { return {}; }

struct Int8Sum {
  uint32_t v;

  BITMETAL_INLINE void clear() { v = 0; }
  BITMETAL_INLINE void add(const Int8Left& a, const Int8Right& b) {
    for (int i = 0; i < kInt8Step; ++i) v += static_cast<uint32_t>(a.v[i] * b.v[i]);
  }
  BITMETAL_INLINE int32_t total() const { return static_cast<int32_t>(v); }
};

// As two 16-bit numbers.
constexpr int kInt8PerWord = 2;
using Int8Words = uint32_t __attribute__((vector_size(16)));
inline Int8Words add_int8_products(Int8Words sum, Int8Words a, Int8Words b) {
  using Signed = int32_t __attribute__((vector_size(16)));
  const Signed low = ((Signed)a << 16 >> 16) * ((Signed)b << 16 >> 16);
  return sum + (Int8Words)low + (Int8Words)(((Signed)a >> 16) * ((Signed)b >> 16));
}
