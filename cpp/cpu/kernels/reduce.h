// Reductions of one chunk of a row, or of a block of rows column by column.
#pragma once

#include <cstdint>
#include <iterator>

#include "bitmetal/dtype.h"

namespace bitmetal::cpu {

// Elements of a row that are reduced on their own; the partial results are combined in a fixed
// order, whatever the number of threads. 64 KiB of float32, which an L2 holds.
constexpr int64_t kChunk = 16384;

// The sum of a floating type is `real`, that of the others `integer` (modulo 2^64).
union Sum {
  double real;
  int64_t integer;
};

// What is added up, or multiplied, down a column.
enum class ColumnFold : uint8_t { sum, product, magnitudes, squares, nonzero };

inline void join_totals(ColumnFold fold, bool floating, Sum& total, Sum part) {
  const bool product = fold == ColumnFold::product;
  if (floating) {
    total.real = product ? total.real * part.real : total.real + part.real;
  } else {
    const auto a = static_cast<uint64_t>(total.integer), b = static_cast<uint64_t>(part.integer);
    total.integer = static_cast<int64_t>(product ? a * b : a + b);
  }
}

// For one element type, all on at most kChunk elements of a row; row r starts at in + r * stride.
// Values are passed in the type itself. "Best" is the greatest, or the least, and NaN where there
// is one.
struct ReduceTypeKernels {
  Sum (*sum)(const void* in, int64_t n);
  Sum (*product)(const void* in, int64_t n);
  void (*best)(const void* in, int64_t n, bool least, void* value);
  // The first element that equals *value (NaN: the first NaN), which must be there.
  int64_t (*find)(const void* in, int64_t n, const void* value);
  // Of rows of n elements each.
  void (*sum_rows)(const void* in, int64_t rows, int64_t stride, int64_t n, Sum* totals);
  void (*product_rows)(const void* in, int64_t rows, int64_t stride, int64_t n, Sum* totals);
  // The best values and their first places; either may be null.
  void (*best_rows)(const void* in, int64_t rows, int64_t stride, int64_t n, bool least,
                    void* values, int64_t* places);

  // Magnitudes and squares of floating types only; `nonzero` counts, in `integer`.
  void (*fold_columns)(ColumnFold fold, const void* in, int64_t rows, int64_t stride,
                       int64_t columns, Sum* totals);
  void (*best_columns)(const void* in, int64_t rows, int64_t stride, int64_t columns, bool least,
                       void* values);
  // The first row that holds the column's best value.
  void (*find_columns)(const void* in, int64_t rows, int64_t stride, int64_t columns, bool least,
                       void* values, int32_t* row);
};

struct ReduceKernels {
  ReduceTypeKernels type[std::size(kDTypes)];

  const ReduceTypeKernels& of(DType dtype) const { return type[static_cast<int>(dtype)]; }
};

}  // namespace bitmetal::cpu
