// What the product engines hand their results to: element (row, column) of a row-major matrix.
#pragma once

#include "numeric.h"

template <typename T>
struct RowMajorStore {
  static constant constexpr bool kAlongRows = true;  // neighbours in memory differ in column
  device T* out;
  uint columns;
  template <typename Sum>
  METAL_FUNC void operator()(uint row, uint column, Sum value) const {
    out[ulong(row) * columns + column] = T(value);
  }
};

// The same, four neighbours at a time, from a column that is a multiple of four: in one store where
// these are aligned for it.
template <typename T>
struct RowMajorFours {
  static constant constexpr bool kAlongRows = true;
  device T* out;
  uint columns;
  bool vector;
  METAL_FUNC void operator()(uint row, uint column, float value) const {
    out[ulong(row) * columns + column] = T(value);
  }
  METAL_FUNC void operator()(uint row, uint column, float4 values) const {
    device T* to = out + ulong(row) * columns + column;
    vec<T, 4> four;
    for (uint i = 0; i < 4; ++i) four[i] = T(values[i]);
    if (vector) {
      *(device vec<T, 4>*)to = four;
    } else {
      for (uint i = 0; i < 4 && column + i < columns; ++i) to[i] = four[i];
    }
  }
};

template <typename Store>
constant constexpr bool kStoresFours = false;
template <typename T>
constant constexpr bool kStoresFours<RowMajorFours<T>> = true;
