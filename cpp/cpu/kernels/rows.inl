// Element-wise work along a row, in vectors of the type that it is computed in.
#pragma once

#include "cpu/kernels/vector.inl"

// out[i] = value(i) for vectors of elements that start at i.
template <class T, class Value>
inline void write_row(T* out, int64_t n, Value value) {
  using V = ComputeVector<T>;
  int64_t i = 0;
  for (; i + kLength<V> <= n; i += kLength<V>) narrow(value(i, kLength<V>), out + i);
  if (i < n) narrow_part<T>(value(i, n - i), out + i, n - i);
}

// A vector of the elements from p on, of which `left` are there.
template <class T>
inline ComputeVector<T> widen_up_to(const T* p, int64_t left) {
  if (left >= kLength<ComputeVector<T>>) return widen(p);
  return widen_part(p, left, T(0.0f));
}
