// Vectors of float and double, on top of what isa/vector_*.h supplies for the instruction set:
//   kVectorBytes                  length of a register
//   fma(a, b, c)                  a * b + c on Floats or Doubles, fused where the machine can
//   widen(const float16*)         Floats from as many halves
//   narrow(Floats, float16*)      rounded to nearest even
//   lower_half, upper_half        of Floats, as Doubles
//   times_power(x, n)             x * 2^n, where the machine can; exp.inl has it for the others
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

constexpr int kFloats = kVectorBytes / sizeof(float);
constexpr int kDoubles = kVectorBytes / sizeof(double);

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

inline Floats widen(const bfloat16* p) {
  typedef uint16_t Halves __attribute__((vector_size(kVectorBytes / 2)));
  return (Floats)(__builtin_convertvector(load<Halves>(p), Words) << 16);
}
inline void narrow(Floats v, bfloat16* p) {
  typedef uint16_t Halves __attribute__((vector_size(kVectorBytes / 2)));
  const Words u = (Words)v;
  const Words rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16;
  const Words quiet = u >> 16 | 0x40;
  store(__builtin_convertvector((u & 0x7fffffff) > 0x7f800000 ? quiet : rounded, Halves), p);
}

inline Doubles widen(const double* p) { return load<Doubles>(p); }
inline void narrow(Doubles v, double* p) { store(v, p); }

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
  for (int64_t i = 0; i < n; ++i) p[i] = part[i];
}
