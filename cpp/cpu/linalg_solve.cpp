#include "cpu/backend.h"
#include "cpu/linalg.h"

namespace bitmetal::cpu {
namespace {

// x = op(a)^-1 x for a triangle of a row-major `a`.
template <class T>
void substitute(const Lapack<T>& routines, const T* a, int n, bool upper, bool transposed,
                bool unit_diagonal, T* x, int columns) {
  const int triangle = upper ? Lapack<T>::kUpper : Lapack<T>::kLower;
  const int turned = transposed ? Blas::kTransposed : Blas::kAsIs;
  const int diagonal = unit_diagonal ? Lapack<T>::kUnit : Lapack<T>::kNonUnit;
  if (columns == 1) {
    routines.trsv(Blas::kRowMajor, triangle, turned, diagonal, n, a, n, x, 1);
  } else {
    routines.trsm(Blas::kRowMajor, Lapack<T>::kLeft, triangle, turned, diagonal, n, columns, 1, a,
                  n, x, columns);
  }
}

template <class T>
void triangular(const Array& a, const Array& b, bool upper, bool transposed, bool unit_diagonal,
                const Array& out, const Array& info) {
  const Lapack<T>& routines = lapack<T>("solve_triangular");
  const int64_t n = a.shape(-1);
  const int order = to_int("solve_triangular", n);
  const int columns = to_int("solve_triangular", b.shape(-1));
  const double work = static_cast<double>(n) * order * columns / 2;
  each_matrix(a, work, [&](int64_t i) {
    const T* matrix = a.data_as<T>() + i * n * n;
    int32_t& failed = info.data_as<int32_t>()[i];
    failed = 0;
    for (int64_t j = 0; j < n && !unit_diagonal && !failed; ++j) {
      if (matrix[j * n + j] == 0) failed = static_cast<int32_t>(j + 1);
    }
    T* x = out.data_as<T>() + i * n * columns;
    std::copy_n(b.data_as<T>() + i * n * columns, n * columns, x);
    if (!failed) substitute(routines, matrix, order, upper, transposed, unit_diagonal, x, columns);
  });
}

template <class T>
void solve(const Array& a, const Array& b, const Array& out, const Array& info) {
  const Lapack<T>& routines = lapack<T>("solve");
  const int64_t n = a.shape(-1);
  const int order = to_int("solve", n), columns = to_int("solve", b.shape(-1));
  const double work = static_cast<double>(n) * order * (order / 3.0 + columns);
  each_matrix(a, work, [&](int64_t i) {
    Pieces pieces(Pieces::bytes<T>(n * n) + Pieces::bytes<int>(n) + Pieces::bytes<int64_t>(n));
    T* lu = pieces.take<T>(n * n);  // by columns
    int* swaps = pieces.take<int>(n);
    int64_t* source = pieces.take<int64_t>(n);
    int32_t& failed = info.data_as<int32_t>()[i];
    turn(a.data_as<T>() + i * n * n, n, n, lu);
    routines.getrf(&order, &order, lu, &order, swaps, &failed);
    if (failed) return;
    for (int64_t row = 0; row < n; ++row) source[row] = row;
    for (int64_t row = 0; row < n; ++row) std::swap(source[row], source[swaps[row] - 1]);
    const T* from = b.data_as<T>() + i * n * columns;
    T* x = out.data_as<T>() + i * n * columns;
    for (int64_t row = 0; row < n; ++row) {
      std::copy_n(from + source[row] * columns, columns, x + row * columns);
    }
    // Seen by rows, L and U stand transposed.
    substitute(routines, lu, order, true, true, true, x, columns);
    substitute(routines, lu, order, false, true, false, x, columns);
  });
}

template <class T>
void pivots(const Array& a, const Array& out) {
  const Lapack<T>& routines = lapack<T>("det");
  const int64_t n = a.shape(-1);
  const int order = to_int("det", n);
  each_matrix(a, static_cast<double>(n) * order * order / 3, [&](int64_t i) {
    Pieces pieces(Pieces::bytes<T>(n * n) + Pieces::bytes<int>(n));
    T* lu = pieces.take<T>(n * n);  // of the transpose, whose determinant is the same
    int* swaps = pieces.take<int>(n);
    int ignored;
    std::copy_n(a.data_as<T>() + i * n * n, n * n, lu);
    routines.getrf(&order, &order, lu, &order, swaps, &ignored);
    T* diagonal = out.data_as<T>() + i * n;
    bool odd = false;
    for (int64_t j = 0; j < n; ++j) {
      diagonal[j] = lu[j * n + j];
      odd ^= swaps[j] != j + 1;
    }
    if (odd) diagonal[0] = -diagonal[0];
  });
}

}  // namespace

void CpuBackend::solve_triangular(const Array& a, const Array& b, bool upper, bool transposed,
                                  bool unit_diagonal, const Array& out, const Array& info) {
  by_type(a, [&](auto zero) {
    triangular<decltype(zero)>(a, b, upper, transposed, unit_diagonal, out, info);
  });
}

void CpuBackend::solve(const Array& a, const Array& b, const Array& out, const Array& info) {
  by_type(a, [&](auto zero) { cpu::solve<decltype(zero)>(a, b, out, info); });
}

void CpuBackend::pivots(const Array& a, const Array& out) {
  by_type(a, [&](auto zero) { cpu::pivots<decltype(zero)>(a, out); });
}

}  // namespace bitmetal::cpu
