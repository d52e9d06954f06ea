// Matrix products on one pair of matrices.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bitmetal/dtype.h"

namespace bitmetal::cpu {

// Strides are in elements.
struct Matrix {
  const std::byte* data;
  DType dtype;
  int64_t rows, columns;
  int64_t row_stride, column_stride;

  Matrix transposed() const { return {data, dtype, columns, rows, column_stride, row_stride}; }
  const std::byte* at(int64_t row, int64_t column) const {
    return data +
           (row * row_stride + column * column_stride) * static_cast<int64_t>(size_of(dtype));
  }
};

// All compute out = a @ b into a row-major `out` of the same type. The elements of a's rows or of
// its columns follow one another, and so do those of b.
// f32, f16, bf16, f64; i8 with rows of a and columns of b contiguous, into i32, modulo 2^32.
void gemm(const Matrix& a, const Matrix& b, std::byte* out);
void gemm_blas(const Matrix& a, const Matrix& b, std::byte* out);
void gemv(const Matrix& a, const std::byte* x, int64_t x_stride, std::byte* out);  // a @ x

}  // namespace bitmetal::cpu
