// Products of a matrix and a vector.
#pragma once

#include <cstdint>

#include "bitmetal/dtype.h"

namespace bitmetal::cpu {

// For one type of matrix. The vectors are float64 for float64 and float32 for the other types.
struct GemvTypeKernels {
  // y[r] = sum over c of a[r][c] * x[c]: elements of a row follow one another.
  void (*dot_rows)(const void* a, int64_t stride, int64_t rows, int64_t columns, const void* x,
                   void* y);
  // y[c] += sum over r of a[r][c] * x[r]
  void (*add_rows)(const void* a, int64_t stride, int64_t rows, int64_t columns, const void* x,
                   void* y);
};

struct GemvKernels {
  GemvTypeKernels type[4];  // f32, f16, bf16, f64

  const GemvTypeKernels& of(DType dtype) const { return type[static_cast<int>(dtype)]; }
};

}  // namespace bitmetal::cpu
