// Vectors of any processor, 16 bytes long as in SSE2, in the compilers' vector extension. See
// kernels/vector.inl for what every instruction set supplies.

constexpr bool kFused = false;
constexpr int kVectorBytes = 16;
// 8 sums, 2 vectors of b, a broadcast element of a and its product: 12 of 16 registers.
constexpr int kTileRows = 4;
constexpr int kTileVectors = 2;

typedef int32_t IntegerRegister __attribute__((vector_size(16)));

template <class V>
V fma(V a, V b, V c) {
  return c + a * b;  // rounded twice
}

typedef float Float4 __attribute__((vector_size(16)));

inline Float4 widen(const float16* p) { return Float4{p[0], p[1], p[2], p[3]}; }
inline void narrow(Float4 v, float16* p) {
  for (int i = 0; i < 4; ++i) p[i] = float16(v[i]);
}

typedef double Double2 __attribute__((vector_size(16)));

inline Double2 lower_half(Float4 v) { return Double2{v[0], v[1]}; }
inline Double2 upper_half(Float4 v) { return Double2{v[2], v[3]}; }

inline bool any_bit(IntegerRegister v) { return (v[0] | v[1] | v[2] | v[3]) != 0; }
inline Double2 lookup(const double (&table)[16], IntegerRegister places) {
  return Double2{table[places[0] & 15], table[places[2] & 15]};
}

typedef uint8_t Byte16 __attribute__((vector_size(16)));

inline Byte16 low_bytes(const IntegerRegister (&v)[4]) {
  Byte16 r;
  for (int i = 0; i < 16; ++i) r[i] = static_cast<uint8_t>(v[i / 4][i % 4]);
  return r;
}
