// Vectors of float and double, on top of what isa/vector_*.h supplies for the instruction set:
//   kVectorBytes                  length of a register
//   fma(a, b, c)                  a * b + c on Floats or Doubles, fused where kFused says so
//   widen(const float16*)         Floats from as many halves
//   narrow(Floats, float16*)      rounded to nearest even
//   narrow(Floats, bfloat16*)     the same, where the machine has a way of its own
//   with_sign_of(x, sign)         likewise; exp.inl has it for the others
//   lower_half, upper_half        of Floats, as Doubles
//   truncated(Floats)             int32 as element.inl has it, where the machine can
//   times_power(x, n)             x * 2^n, where the machine can; exp.inl has it for the others
//   min(a, b), max(a, b)          where the machine has them; below for the others
//   IntegerRegister               32-bit integers as the intrinsics name them
//   low_bytes(registers)          of 16 such integers
//   store_low_halves(p, registers)  the same, where the machine can do it for all at once
//   any_bit(register)             whether one is set in an IntegerRegister
//   lookup(table, places)         of 16 doubles, by the lowest four bits of every 64-bit integer
//   stream_part(p, v)             stores past the caches, where the machine can
//   kTileRows, kTileVectors       the tile of a matrix product that fits the registers
// Arithmetic, comparison and selection are the operators of the compilers' vector extension.
#pragma once

template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(kVectorBytes)));
};
using Floats = VectorOf<float>::type;
using Doubles = VectorOf<double>::type;
using Words = VectorOf<uint32_t>::type;
using Integers = VectorOf<int32_t>::type;

constexpr int kFloats = kVectorBytes / sizeof(float);
constexpr int kDoubles = kVectorBytes / sizeof(double);

// Calls body with the constants 0 to n - 1. An array of vectors that only they index lives in
// registers; of loops over one, g++ 12 leaves some in memory. The bodies must be BITMETAL_INLINE.
template <int n, class Body>
BITMETAL_INLINE inline void unroll(Body body) {
  [&]<int... i>(std::integer_sequence<int, i...>) BITMETAL_INLINE {
    (body(std::integral_constant<int, i>{}), ...);
  }(std::make_integer_sequence<int, n>{});
}

// Always inline: g++ 12 drops calls of a function that does nothing but prefetch.
[[gnu::always_inline]] inline void prefetch(const void* p) { __builtin_prefetch(p); }
// What comes two pages on: the processor's own prefetching ends with a page.
[[gnu::always_inline]] inline void prefetch_ahead(const void* p) {
  prefetch(static_cast<const uint8_t*>(p) + 8192);
}
// A row of columns. Rows that follow are fetched ahead: memory's own prefetching ends with a run of
// neighbours.
constexpr int64_t kRowsAhead = 4;
template <class T>
inline void fetch_row(const T* row, int64_t columns) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t c = 0; c < columns; c += kLine) prefetch(row + c);
}

template <class V, class T>
inline V load(const T* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof(V));
  return v;
}

template <class V, class T>
inline void store(V v, T* p) {
  __builtin_memcpy(p, &v, sizeof(V));
}

inline Floats widen(const float* p) { return load<Floats>(p); }
inline void narrow(Floats v, float* p) { store(v, p); }

// A template, so that a set's own is chosen before it.
template <class T>
  requires std::is_same_v<T, bfloat16>
inline Floats widen(const T* p) {
  typedef uint16_t Halves __attribute__((vector_size(kVectorBytes / 2)));
  return (Floats)(__builtin_convertvector(load<Halves>(p), Words) << 16);
}
// Rounded to bfloat16, in the lower halves.
inline Words round_to_bfloat16(Floats v) {
  const Words u = (Words)v;
  const Words rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16;
  const Words quiet = u >> 16 | 0x40;
  return v != v ? quiet : rounded;
}
template <class T>
  requires std::is_same_v<T, bfloat16>
inline void narrow(Floats v, T* p) {
  typedef uint16_t Halves __attribute__((vector_size(kVectorBytes / 2)));
  store(__builtin_convertvector(round_to_bfloat16(v), Halves), p);
}

template <class V, class C>
inline V broadcast(C x) {
  return x - V{};  // and not x + V{}, which turns -0 into 0
}

// Where one is NaN, b.
template <class V>
inline V min(V a, V b) {
  return a < b ? a : b;
}
template <class V>
inline V max(V a, V b) {
  return a > b ? a : b;
}

// x within a bound; NaN stays.
template <class V, class C>
inline V at_least(V x, C bound) {
  return max(V{} + bound, x);
}
template <class V, class C>
inline V at_most(V x, C bound) {
  return min(V{} + bound, x);
}

// Of the lanes of a comparison.
template <class V>
inline bool any(V mask) {
  return any_bit((IntegerRegister)mask);
}

template <class V>
inline void stream_part(void* p, V v) {
  __builtin_memcpy(p, &v, sizeof v);
}

template <class V, class C, int kCount>
inline V polynomial(V x, const C (&coefficients)[kCount]) {
  V sum = V{} + coefficients[kCount - 1];
  for (int i = kCount - 2; i >= 0; --i) sum = fma(sum, x, V{} + coefficients[i]);
  return sum;
}

// The same by its even and its odd powers, which do not wait for each other.
template <class V, class C, int kCount>
inline V long_polynomial(V x, const C (&coefficients)[kCount]) {
  const V square = x * x;
  V part[2] = {V{} + coefficients[(kCount - 1) & ~1], V{} + coefficients[(kCount - 2) | 1]};
  for (int i = kCount - 3; i >= 0; --i)
    part[i & 1] = fma(part[i & 1], square, V{} + coefficients[i]);
  return fma(part[1], x, part[0]);
}

// Two vectors of doubles as one of floats, rounded.
template <int... i>
inline Floats join(Doubles lower, Doubles upper, std::integer_sequence<int, i...>) {
  typedef float Half __attribute__((vector_size(kVectorBytes / 2)));
  const Half low = __builtin_convertvector(lower, Half),
             high = __builtin_convertvector(upper, Half);
  return __builtin_shufflevector(low, high, i...);
}
inline Floats join(Doubles lower, Doubles upper) {
  return join(lower, upper, std::make_integer_sequence<int, kFloats>{});
}

// a * b - product: what a product lost in rounding.
inline Floats product_rest(Floats a, Floats b, Floats product) {
  if constexpr (kFused) {
    return fma(a, b, -product);
  } else {
    return join(lower_half(a) * lower_half(b) - lower_half(product),
                upper_half(a) * upper_half(b) - upper_half(product));
  }
}

inline Doubles widen(const double* p) { return load<Doubles>(p); }
inline void narrow(Doubles v, double* p) { store(v, p); }

// Without rounding: the elements are such numbers.
template <class V, class T>
inline void narrow_exact(V v, T* p) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    typedef uint16_t Halves __attribute__((vector_size(kVectorBytes / 2)));
    store(__builtin_convertvector((Words)v >> 16, Halves), p);
  } else {
    narrow(v, p);
  }
}

// What a type is computed in, and the vector of that.
template <class T>
using Compute = std::conditional_t<std::is_same_v<T, double>, double, float>;
template <class T>
using ComputeVector = typename VectorOf<Compute<T>>::type;

template <class V>
inline constexpr int kLength = sizeof(V) / sizeof(V{}[0]);

// Fewer elements than a vector has; what is past the end reads as `fill`.
template <class T>
inline ComputeVector<T> widen_part(const T* p, int64_t n, T fill) {
  T part[kLength<ComputeVector<T>>];
  for (int i = 0; i < kLength<ComputeVector<T>>; ++i) part[i] = i < n ? p[i] : fill;
  return widen(part);
}
template <class T>
inline void narrow_part(ComputeVector<T> v, T* p, int64_t n) {
  T part[kLength<ComputeVector<T>>];
  narrow(v, part);
  __builtin_memcpy(p, part, static_cast<size_t>(n) * sizeof(T));
}
