#include <algorithm>
#include <cstring>
#include <limits>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/blas.h"
#include "cpu/matrix.h"

namespace bitmetal::cpu {
namespace {

// Multiplications that are worth a thread: 10 microseconds of them.
constexpr int64_t kGrainWork = 1 << 20;
// What one product costs beside its multiplications, 20 nanoseconds, in terms of them.
constexpr int64_t kCallWork = 2048;

bool fits_blas(const Matrix& a) {
  const auto fits = [](int64_t n) { return n <= std::numeric_limits<int>::max(); };
  return fits(a.rows) && fits(a.columns) && fits(a.row_stride) && fits(a.column_stride);
}

void multiply(const Matrix& a, const Matrix& b, std::byte* out) {
  if (b.columns == 1) return gemv(a, b.data, b.row_stride, out);
  if (a.rows == 1) return gemv(b.transposed(), a.data, a.column_stride, out);
  const bool in_blas = a.dtype == DType::f32 || a.dtype == DType::f64;
  if (in_blas && blas() && fits_blas(a) && fits_blas(b)) return gemm_blas(a, b, out);
  gemm(a, b, out);
}

// A stack of matrices whose rows or whose columns are contiguous, and do not overlap. A copy is
// made where that is not so; what is broadcast is copied once.
Array packed(const Array& a, CpuBackend& backend) {
  const int64_t rows = a.shape(-2), columns = a.shape(-1);
  const bool by_rows =
      (a.stride(-1) == 1 || columns == 1) && (a.stride(-2) >= columns || rows == 1);
  const bool by_columns =
      (a.stride(-2) == 1 || rows == 1) && (a.stride(-1) >= rows || columns == 1);
  if (by_rows || by_columns) return a;
  Dims shape = a.shape();
  for (int i = 0; i < a.rank() - 2; ++i) {
    if (a.stride(i) == 0) shape[i] = 1;
  }
  Array copied(shape, a.dtype(), a.device());
  backend.copy(a.with(shape, a.strides()), copied);
  Dims strides = copied.strides();
  for (int i = 0; i < a.rank() - 2; ++i) {
    if (shape[i] == 1) strides[i] = 0;
  }
  return copied.with(a.shape(), strides);
}

// With the stride of a dimension of length 1 set to what makes the matrix look contiguous.
Matrix matrix_of(const Array& a) {
  const int64_t rows = a.shape(-2), columns = a.shape(-1);
  int64_t row_stride = a.stride(-2), column_stride = a.stride(-1);
  if (columns == 1 && row_stride != 1) column_stride = 1;
  if (rows == 1 && column_stride != 1) row_stride = 1;
  return {a.data(), a.dtype(), rows, columns, row_stride, column_stride};
}

}  // namespace

void CpuBackend::matmul(const Array& a_in, const Array& b_in, const Array& out) {
  if (a_in.shape(-1) == 0) {
    std::memset(out.data(), 0, out.bytes());
    return;
  }
  const Array a = packed(a_in, *this), b = packed(b_in, *this);
  Matrix of_a = matrix_of(a), of_b = matrix_of(b);

  // Batch dimensions over which b is the same and a goes on are more rows of a.
  int rank = a.rank() - 2;
  for (; rank > 0 && of_a.column_stride == 1 && b.stride(rank - 1) == 0; --rank) {
    const int64_t step = a.stride(rank - 1);
    if (of_a.rows == 1 && step >= of_a.columns) of_a.row_stride = step;
    if (step != of_a.rows * of_a.row_stride) break;
    of_a.rows *= a.shape(rank - 1);
  }

  int64_t count = 1;
  for (int i = 0; i < rank; ++i) count *= a.shape(i);
  const int64_t work = of_a.rows * of_a.columns * of_b.columns;
  const int64_t size = size_of(out.dtype()), result = of_a.rows * of_b.columns * size;
  const auto products = [&](int64_t begin, int64_t end) {
    int64_t index[kMaxRank], at_a = 0, at_b = 0;
    for (int64_t axis = rank - 1, rest = begin; axis >= 0; --axis) {
      index[axis] = rest % a.shape(axis);
      rest /= a.shape(axis);
      at_a += index[axis] * a.stride(axis);
      at_b += index[axis] * b.stride(axis);
    }
    for (int64_t i = begin; i < end; ++i) {
      Matrix left = of_a, right = of_b;
      left.data += at_a * size;
      right.data += at_b * size;
      multiply(left, right, out.data() + i * result);
      for (int axis = rank - 1; axis >= 0; --axis) {
        at_a += a.stride(axis);
        at_b += b.stride(axis);
        if (++index[axis] < a.shape(axis)) break;
        at_a -= index[axis] * a.stride(axis);
        at_b -= index[axis] * b.stride(axis);
        index[axis] = 0;
      }
    }
  };
  // Enough products keep all threads busy, each with its own; of a few every one is split.
  if (count >= 4 * thread_count() || work < kGrainWork) {
    parallel_for(count, std::max<int64_t>(1, kGrainWork / (work + kCallWork)), products);
  } else {
    products(0, count);
  }
}

}  // namespace bitmetal::cpu
