// Sixteen lanes, in as many registers as they take: for what is defined on 16 of them, whatever the
// machine's width. A panel of ternary weights has 16 rows, and sums over lanes come out alike.
#pragma once

#include "cpu/kernels/vector.inl"

constexpr int kParts = 16 / kFloats;

struct F32x16 {
  Floats v[kParts];
};
struct I32x16 {
  IntegerRegister v[kParts];
};
struct F64x16 {
  Doubles v[2 * kParts];
};

#define BITMETAL_PARTS(Result, expression)                                             \
  do {                                                                                 \
    Result r;                                                                          \
    for (int i = 0; i < int(sizeof(r.v) / sizeof(r.v[0])); ++i) r.v[i] = (expression); \
    return r;                                                                          \
  } while (false)
#define BITMETAL_INTEGERS(expression) BITMETAL_PARTS(I32x16, (IntegerRegister)(expression))

// float, float16 and bfloat16 in memory.
template <class T>
inline F32x16 load(const T* p) {
  BITMETAL_PARTS(F32x16, widen(p + i * kFloats));
}
template <class T>
inline void store(T* p, F32x16 a) {
  for (int i = 0; i < kParts; ++i) narrow(a.v[i], p + i * kFloats);
}
template <int n>
inline void store_low_halves(void* p, const IntegerRegister (&v)[n]) {
  auto* to = static_cast<uint16_t*>(p);
  if constexpr (kVectorBytes == 16) {
    typedef uint16_t Halves __attribute__((vector_size(16)));
    for (int i = 0; i < n; i += 2, to += 8) {
      store(__builtin_shufflevector((Halves)v[i], (Halves)v[i + 1], 0, 2, 4, 6, 8, 10, 12, 14), to);
    }
  } else {
    typedef uint16_t Halves __attribute__((vector_size(kVectorBytes / 2)));
    for (int i = 0; i < n; ++i, to += kFloats) {
      store(__builtin_convertvector((Words)v[i], Halves), to);
    }
  }
}
inline void store(bfloat16* p, F32x16 a) {
  IntegerRegister words[kParts];
  for (int i = 0; i < kParts; ++i) words[i] = (IntegerRegister)round_to_bfloat16(a.v[i]);
  store_low_halves(p, words);
}
inline I32x16 load(const int32_t* p) { BITMETAL_INTEGERS(load<Integers>(p + i * kFloats)); }
inline void store(int32_t* p, I32x16 a) { std::memcpy(p, a.v, sizeof a.v); }
// The lanes' low bytes.
inline void store_bytes(void* p, I32x16 a) {
  const auto bytes = low_bytes(a.v);
  std::memcpy(p, &bytes, sizeof bytes);
}

// The first n < 16 elements, then zeros.
template <class T>
inline F32x16 load_partial(const T* p, int64_t n) {
  T padded[16] = {};
  std::memcpy(padded, p, static_cast<size_t>(n) * sizeof(T));
  return load(padded);
}
template <class T>
inline void store_partial(T* p, F32x16 a, int64_t n) {
  T padded[16];
  store(padded, a);
  std::memcpy(p, padded, static_cast<size_t>(n) * sizeof(T));
}

// Stores past the caches; p is aligned to 64 bytes.
inline void stream(float* p, F32x16 a) {
  for (int i = 0; i < kParts; ++i) stream_part(p + i * kFloats, a.v[i]);
}
template <class T>
inline void stream(T* p, F32x16 a) {
  constexpr int kBytes = 16 * sizeof(T) < kVectorBytes ? 16 * sizeof(T) : kVectorBytes;
  typedef float Part __attribute__((vector_size(kBytes)));
  T narrowed[16];
  store(narrowed, a);
  for (int i = 0; i < 16; i += kBytes / sizeof(T)) stream_part(p + i, load<Part>(narrowed + i));
}

inline F32x16 broadcast(float x) { BITMETAL_PARTS(F32x16, broadcast<Floats>(x)); }
inline F32x16 add(F32x16 a, F32x16 b) { BITMETAL_PARTS(F32x16, a.v[i] + b.v[i]); }
inline F32x16 mul(F32x16 a, F32x16 b) { BITMETAL_PARTS(F32x16, a.v[i] * b.v[i]); }
inline F32x16 div(F32x16 a, F32x16 b) { BITMETAL_PARTS(F32x16, a.v[i] / b.v[i]); }
inline F32x16 min(F32x16 a, F32x16 b) { BITMETAL_PARTS(F32x16, min(a.v[i], b.v[i])); }
inline F32x16 max(F32x16 a, F32x16 b) { BITMETAL_PARTS(F32x16, max(a.v[i], b.v[i])); }
inline F32x16 mul_add(F32x16 a, F32x16 b, F32x16 c) {
  BITMETAL_PARTS(F32x16, fma(a.v[i], b.v[i], c.v[i]));
}

inline I32x16 broadcast_int(int32_t x) { BITMETAL_INTEGERS(broadcast<Integers>(x)); }
// Modulo 2^32, for which C++ wants unsigned lanes.
inline I32x16 add(I32x16 a, I32x16 b) { BITMETAL_INTEGERS((Words)a.v[i] + (Words)b.v[i]); }
inline I32x16 sub(I32x16 a, I32x16 b) { BITMETAL_INTEGERS((Words)a.v[i] - (Words)b.v[i]); }
inline I32x16 div(I32x16 a, int32_t b) { BITMETAL_INTEGERS((Integers)a.v[i] / b); }
inline I32x16 max(I32x16 a, I32x16 b) {
  BITMETAL_INTEGERS(max((Integers)a.v[i], (Integers)b.v[i]));
}
inline F32x16 to_float(I32x16 a) {
  BITMETAL_PARTS(F32x16, __builtin_convertvector((Integers)a.v[i], Floats));
}
inline I32x16 magnitude_bits(F32x16 a) { BITMETAL_INTEGERS((Integers)a.v[i] & 0x7fffffff); }
inline F32x16 abs(F32x16 a) { BITMETAL_PARTS(F32x16, (Floats)((Integers)a.v[i] & 0x7fffffff)); }
// To nearest, ties to even; |a| is below 2^22, where adding 1.5 * 2^23 leaves no fraction bits.
inline I32x16 round_to_int(F32x16 a) {
  BITMETAL_INTEGERS((Integers)(a.v[i] + 12582912.0f) - 0x4b400000);
}

inline F64x16 to_double(F32x16 a) {
  BITMETAL_PARTS(F64x16, i % 2 ? upper_half(a.v[i / 2]) : lower_half(a.v[i / 2]));
}
inline F64x16 add(F64x16 a, F64x16 b) { BITMETAL_PARTS(F64x16, a.v[i] + b.v[i]); }
inline F64x16 mul(F64x16 a, F64x16 b) { BITMETAL_PARTS(F64x16, a.v[i] * b.v[i]); }

// All lanes joined, halves first: lane l with l + 8, then + 4, + 2, + 1.
template <class V, class Join>
BITMETAL_INLINE inline auto fold(V v, Join join) {
  constexpr int kHalf = kLength<V> / 2;
  if constexpr (kHalf == 1) {
    return join(v[0], v[1]);
  } else {
    return [&]<int... i>(std::integer_sequence<int, i...>) BITMETAL_INLINE {
      return fold(
          join(__builtin_shufflevector(v, v, i...), __builtin_shufflevector(v, v, (i + kHalf)...)),
          join);
    }(std::make_integer_sequence<int, kHalf>{});
  }
}
template <class V, int kCount, class Join>
BITMETAL_INLINE inline auto fold(V (&v)[kCount], Join join) {
  for (int half = kCount / 2; half; half /= 2) {
    for (int i = 0; i < half; ++i) v[i] = join(v[i], v[i + half]);
  }
  return fold(v[0], join);
}
constexpr auto kSum = [](auto a, auto b) { return a + b; };
constexpr auto kLesser = [](auto a, auto b) { return a < b ? a : b; };
constexpr auto kGreater = [](auto a, auto b) { return a > b ? a : b; };

inline float add_lanes(F32x16 a) { return fold(a.v, kSum); }
inline float min_lane(F32x16 a) { return fold(a.v, kLesser); }
inline float max_lane(F32x16 a) { return fold(a.v, kGreater); }
inline double add_lanes(F64x16 a) { return fold(a.v, kSum); }
template <class V, class Join>
inline int32_t fold_as(I32x16 a, Join join) {
  V v[kParts];
  std::memcpy(v, a.v, sizeof v);
  return static_cast<int32_t>(fold(v, join));
}
inline int32_t sum_lanes(I32x16 a) { return fold_as<Words>(a, kSum); }  // modulo 2^32
inline int32_t max_lane(I32x16 a) { return fold_as<Integers>(a, kGreater); }
