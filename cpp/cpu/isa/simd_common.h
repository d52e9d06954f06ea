// Primitives that every set builds from its own.
#pragma once

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

// Calls body with the constants 0 to n - 1. An array of vectors that only they index lives in
// registers; of loops over one, g++ 12 leaves some in memory. The bodies must be BITMETAL_INLINE.
template <int n, class Body>
BITMETAL_INLINE inline void unroll(Body body) {
  [&]<int... i>(std::integer_sequence<int, i...>) BITMETAL_INLINE {
    (body(std::integral_constant<int, i>{}), ...);
  }(std::make_integer_sequence<int, n>{});
}
