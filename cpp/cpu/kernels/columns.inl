// Vectors of a row of columns.
#pragma once

#include "cpu/kernels/reduce_columns.inl"

// Calls body(c, left) for the vectors of a row of `width` elements; `left` are in the last one.
template <class T, class Body>
BITMETAL_INLINE inline void each_vector(int64_t width, Body body) {
  constexpr int64_t kStep = kLength<ComputeVector<T>>;
  int64_t c = 0;
  for (; c + kStep <= width; c += kStep) body(c, kStep);
  if (c < width) body(c, width - c);
}

// The vector from column c on of row r of a block whose first row begins at `in`; what the last one
// has beyond the `left` elements means nothing.
template <class T>
BITMETAL_INLINE inline ComputeVector<T> columns_of(const T* in, int64_t rows, int64_t stride,
                                                   int64_t width, int64_t r, int64_t c,
                                                   int64_t left) {
  return widen_first(in + r * stride + c, left, (rows - 1 - r) * stride + width - c);
}

// `columns` and what fills up their last vector.
constexpr int64_t filled_up(int64_t columns) { return (columns + 15) / 16 * 16; }
