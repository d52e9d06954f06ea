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
