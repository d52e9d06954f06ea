#include <algorithm>

#include "core/thread_pool.h"
#include "cpu/blas.h"
#include "cpu/matrix.h"

namespace bitmetal::cpu {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Below this many multiplications, 10 microseconds of them, one thread does all.
constexpr int64_t kParallelWork = 1 << 20;
// Parts are multiples of this on each side, which every micro-kernel's tile divides.
constexpr int64_t kSide = 16;

struct Layout {
  int transpose;
  int leading;
};
// A leading dimension must not be shorter than a row even where there is only one.
Layout layout(const Matrix& a) {
  if (a.column_stride == 1 && (a.rows == 1 || a.row_stride >= a.columns)) {
    return {Blas::kAsIs, static_cast<int>(std::max(a.rows == 1 ? 1 : a.row_stride, a.columns))};
  }
  return {Blas::kTransposed,
          static_cast<int>(std::max(a.columns == 1 ? 1 : a.column_stride, a.rows))};
}

template <class T>
void multiply(const Matrix& a, const Matrix& b, T* out) {
  const Blas::Gemm<T> gemm = blas()->gemm(T{});
  const Layout in_a = layout(a), in_b = layout(b);
  const int64_t m = a.rows, n = b.columns, k = a.columns;
  const auto part = [&](int64_t row, int64_t rows, int64_t column, int64_t columns) {
    gemm(Blas::kRowMajor, in_a.transpose, in_b.transpose, static_cast<int>(rows),
         static_cast<int>(columns), static_cast<int>(k), 1,
         reinterpret_cast<const T*>(a.at(row, 0)), in_a.leading,
         reinterpret_cast<const T*>(b.at(0, column)), in_b.leading, 0, out + row * n + column,
         static_cast<int>(n));
  };
  const int64_t threads = m * n * k < kParallelWork ? 1 : thread_count();
  if (threads == 1) return part(0, m, 0, n);

  // The longer side is cut, so that less is packed twice.
  int64_t down = 1, across = 1;
  while (down * across < threads) (m / down >= n / across ? down : across) *= 2;
  const int64_t rows = ceil_div(ceil_div(m, down), kSide) * kSide;
  const int64_t columns = ceil_div(ceil_div(n, across), kSide) * kSide;
  const int64_t parts_across = ceil_div(n, columns);
  parallel_for(ceil_div(m, rows) * parts_across, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / parts_across * rows, column = i % parts_across * columns;
      part(row, std::min(rows, m - row), column, std::min(columns, n - column));
    }
  });
}

}  // namespace

void gemm_blas(const Matrix& a, const Matrix& b, std::byte* out) {
  if (a.dtype == DType::f64) {
    multiply(a, b, reinterpret_cast<double*>(out));
  } else {
    multiply(a, b, reinterpret_cast<float*>(out));
  }
}

}  // namespace bitmetal::cpu
