// Primitives in portable C++. Included inside an unnamed namespace; every set defines the same
// names with the same results, down to the last bit.
//
// Vectors have 16 lanes whatever the machine's width: sums over lanes come out alike, and a panel
// of ternary weights has 16 rows.

struct F32x16 {
  float v[16];
};
struct F64x16 {
  double v[16];
};
struct I32x16 {
  int32_t v[16];
};

// float, float16 and bfloat16 in memory.
template <class T>
inline F32x16 load(const T* p) {
  F32x16 r;
  for (int i = 0; i < 16; ++i) r.v[i] = static_cast<float>(p[i]);
  return r;
}
template <class T>
inline void store(T* p, F32x16 a) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<T>(a.v[i]);
}
inline I32x16 load(const int32_t* p) {
  I32x16 r;
  std::memcpy(r.v, p, sizeof r.v);
  return r;
}
inline void store(int32_t* p, I32x16 a) { std::memcpy(p, a.v, sizeof a.v); }

#define BITMETAL_LANES(Result, expression)              \
  do {                                                  \
    Result r;                                           \
    for (int i = 0; i < 16; ++i) r.v[i] = (expression); \
    return r;                                           \
  } while (false)

inline F32x16 broadcast(float x) { BITMETAL_LANES(F32x16, x); }
inline F32x16 add(F32x16 a, F32x16 b) { BITMETAL_LANES(F32x16, a.v[i] + b.v[i]); }
inline F32x16 mul(F32x16 a, F32x16 b) { BITMETAL_LANES(F32x16, a.v[i] * b.v[i]); }
inline F32x16 abs(F32x16 a) { BITMETAL_LANES(F32x16, std::fabs(a.v[i])); }
inline F64x16 zero_f64() { BITMETAL_LANES(F64x16, 0.0); }
inline F64x16 widen(F32x16 a) { BITMETAL_LANES(F64x16, a.v[i]); }
inline F64x16 add(F64x16 a, F64x16 b) { BITMETAL_LANES(F64x16, a.v[i] + b.v[i]); }
inline F64x16 mul(F64x16 a, F64x16 b) { BITMETAL_LANES(F64x16, a.v[i] * b.v[i]); }
// Halves are added until one lane is left: lane l with l + 8, then + 4, + 2, + 1.
inline double add_lanes(F64x16 a) {
  for (int half = 8; half; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] += a.v[i + half];
  }
  return a.v[0];
}
