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
inline F32x16 mul_add(F32x16 a, F32x16 b, F32x16 c) {  // may round once or twice
  BITMETAL_LANES(F32x16, a.v[i] * b.v[i] + c.v[i]);
}
// Stores past the caches; p is aligned to 64 bytes.
template <class T>
inline void stream(T* p, F32x16 a) {
  store(p, a);
}

inline I32x16 broadcast_int(int32_t x) { BITMETAL_LANES(I32x16, x); }
inline I32x16 add(I32x16 a, I32x16 b) { BITMETAL_LANES(I32x16, a.v[i] + b.v[i]); }
inline I32x16 sub(I32x16 a, I32x16 b) { BITMETAL_LANES(I32x16, a.v[i] - b.v[i]); }
inline I32x16 max(I32x16 a, I32x16 b) { BITMETAL_LANES(I32x16, a.v[i] > b.v[i] ? a.v[i] : b.v[i]); }
inline F32x16 to_float(I32x16 a) { BITMETAL_LANES(F32x16, static_cast<float>(a.v[i])); }
inline I32x16 magnitude_bits(F32x16 a) {
  BITMETAL_LANES(I32x16, std::bit_cast<int32_t>(a.v[i]) & 0x7fffffff);
}
// To nearest, ties to even; |a| is below 2^22, where adding 1.5 * 2^23 leaves no fraction bits.
inline I32x16 round_to_int(F32x16 a) {
  BITMETAL_LANES(I32x16, std::bit_cast<int32_t>(a.v[i] + 12582912.0f) - 0x4b400000);
}
inline void store_int8(int8_t* p, I32x16 a) {  // each is in range
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(a.v[i]);
}
inline int32_t sum_lanes(I32x16 a) {
  int32_t sum = 0;
  for (int i = 0; i < 16; ++i) sum += a.v[i];
  return sum;
}
inline int32_t max_lane(I32x16 a) {
  int32_t largest = a.v[0];
  for (int i = 1; i < 16; ++i) largest = a.v[i] > largest ? a.v[i] : largest;
  return largest;
}
// Always inline: g++ 12 drops calls of a function that does nothing but prefetch.
[[gnu::always_inline]] inline void prefetch(const void* p) { __builtin_prefetch(p); }

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
