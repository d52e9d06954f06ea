#include "cpu/backend.h"
#include "cpu/linalg.h"

namespace bitmetal::cpu {
namespace {

template <class T>
class Cholesky {
 public:
  Cholesky(const Array& a, bool upper, const Array& out, const Array& info)
      : n_(a.shape(-1)),
        order_(to_int("cholesky", n_)),
        routines_(lapack<T>("cholesky")),
        upper_(upper),
        a_(a.data_as<T>()),
        out_(out.data_as<T>()),
        info_(info.data_as<int32_t>()) {}

  void operator()(int64_t i) const {
    const T* from = a_ + i * n_ * n_;
    T* to = out_ + i * n_ * n_;
    if (!upper_) {
      lower(from, to);
      info_[i] = factor(to);
      return;
    }
    // LAPACK is half as fast on what is its other triangle: two transpositions cost less.
    Pieces pieces(Pieces::bytes<T>(n_ * n_));
    T* turned = pieces.template take<T>(n_ * n_);
    turn(from, n_, n_, turned);
    lower(turned, turned);
    info_[i] = factor(turned);
    turn(turned, n_, n_, to);
  }

 private:
  void lower(const T* from, T* to) const {
    for (int64_t row = 0; row < n_; ++row, from += n_, to += n_) {
      if (from != to) std::copy_n(from, row + 1, to);
      std::fill(to + row + 1, to + n_, T(0));
    }
  }

  // LAPACK may pass over a NaN; it stays on the diagonal.
  int factor(T* a) const {
    int failed;
    routines_.potrf("U", &order_, a, &order_, &failed, 1);
    const int64_t done = failed > 0 ? failed - 1 : n_;
    for (int64_t j = 0; j < done; ++j) {
      if (!(a[j * n_ + j] > 0)) return static_cast<int>(j + 1);
    }
    return failed;
  }

  const int64_t n_;
  const int order_;
  const Lapack<T>& routines_;
  const bool upper_;
  const T* const a_;
  T* const out_;
  int32_t* const info_;
};

// By Householder reflections.
template <class T>
class Factorize {
 public:
  Factorize(const Array& a, const Array* q, const Array& r)
      : m_(a.shape(-2)),
        n_(a.shape(-1)),
        k_(std::min(m_, n_)),
        columns_(q ? q->shape(-1) : k_),
        rows_(to_int("qr", m_)),
        routines_(lapack<T>("qr")),
        a_(a.data_as<T>()),
        q_(q ? q->data_as<T>() : nullptr),
        r_(r.data_as<T>()),
        r_rows_(r.shape(-2)) {
    const int n = to_int("qr", n_), ask = -1;
    T best = 0;
    int info;
    routines_.geqrf(&rows_, &n, nullptr, &rows_, nullptr, &best, &ask, &info);
    work_ = workspace("qr", best);
    if (!q_) return;
    const int columns = to_int("qr", columns_), k = static_cast<int>(k_);
    routines_.orgqr(&rows_, &columns, &k, nullptr, &rows_, nullptr, &best, &ask, &info);
    work_ = std::max(work_, workspace("qr", best));
  }

  void operator()(int64_t i) const {
    const int64_t held = m_ * std::max(n_, columns_);
    Pieces pieces(Pieces::bytes<T>(held) + Pieces::bytes<T>(k_) + Pieces::bytes<T>(work_));
    T* a = pieces.template take<T>(held);  // by columns
    T* factors = pieces.template take<T>(k_);
    T* work = pieces.template take<T>(work_);
    const int n = static_cast<int>(n_), k = static_cast<int>(k_),
              columns = static_cast<int>(columns_);
    int info;
    turn(a_ + i * m_ * n_, m_, n_, a);
    routines_.geqrf(&rows_, &n, a, &rows_, factors, work, &work_, &info);
    T* r = r_ + i * r_rows_ * n_;
    for (int64_t row = 0; row < r_rows_; ++row, r += n_) {
      const int64_t zeros = std::min(row, n_);
      std::fill(r, r + zeros, T(0));
      for (int64_t j = zeros; j < n_; ++j) r[j] = a[j * m_ + row];
    }
    if (!q_) return;
    routines_.orgqr(&rows_, &columns, &k, a, &rows_, factors, work, &work_, &info);
    turn(a, columns_, m_, q_ + i * m_ * columns_);
  }

 private:
  const int64_t m_, n_, k_, columns_;
  const int rows_;
  const Lapack<T>& routines_;
  const T* const a_;
  T* const q_;
  T* const r_;
  const int64_t r_rows_;
  int work_;
};

}  // namespace

void CpuBackend::cholesky(const Array& a, bool upper, const Array& out, const Array& info) {
  by_type(a, [&](auto zero) {
    const auto n = static_cast<double>(a.shape(-1));
    each_matrix(a, n * n * n / 6, Cholesky<decltype(zero)>(a, upper, out, info));
  });
}

void CpuBackend::qr(const Array& a, const Array* q, const Array& r) {
  by_type(a, [&](auto zero) {
    const auto m = static_cast<double>(a.shape(-2)), n = static_cast<double>(a.shape(-1));
    each_matrix(a, m * n * std::min(m, n), Factorize<decltype(zero)>(a, q, r));
  });
}

}  // namespace bitmetal::cpu
