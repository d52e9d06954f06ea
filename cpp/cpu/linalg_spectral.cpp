#include "cpu/backend.h"
#include "cpu/linalg.h"

namespace bitmetal::cpu {
namespace {

template <class T>
class Decompose {
 public:
  Decompose(const Array& a, const Array* u, const Array& s, const Array* vt, const Array& info)
      : m_(a.shape(-2)),
        n_(a.shape(-1)),
        k_(std::min(m_, n_)),
        // LAPACK is faster on tall matrices: the transpose of a wide one, a copy of a tall one.
        turned_(m_ > n_),
        u_columns_(u ? u->shape(-1) : 0),
        vt_rows_(vt ? vt->shape(-2) : 0),
        rows_(to_int("svd", std::max(m_, n_))),
        columns_(to_int("svd", k_)),
        // Left of the tall matrix stand columns of V^T, or of U where it is a copy.
        left_(turned_ ? to_int("svd", u_columns_) : to_int("svd", vt_rows_)),
        routines_(lapack<T>("svd")),
        a_(a.data_as<T>()),
        u_(u ? u->data_as<T>() : nullptr),
        s_(s.data_as<T>()),
        vt_(vt ? vt->data_as<T>() : nullptr),
        info_(info.data_as<int32_t>()) {
    job_ = !u ? "N" : left_ == rows_ ? "A" : "S";
    const int ask = -1;
    int ignored, info_code;
    T best = 0;
    routines_.gesdd(job_, &rows_, &columns_, nullptr, &rows_, nullptr, nullptr, &rows_, nullptr,
                    &columns_, &best, &ask, &ignored, &info_code, 1);
    work_ = workspace("svd", best);
    routines_.gesvd(job_, job_, &rows_, &columns_, nullptr, &rows_, nullptr, nullptr, &rows_,
                    nullptr, &columns_, &best, &ask, &info_code, 1, 1);
    work_ = std::max(work_, workspace("svd", best));
  }

  void operator()(int64_t i) const {
    const T* from = a_ + i * m_ * n_;
    if (!all_finite(from, m_ * n_)) {
      info_[i] = -1;
      return;
    }
    const int64_t left_size = turned_ && u_ ? int64_t{rows_} * left_ : 0;
    const int64_t right_size = turned_ && u_ ? int64_t{columns_} * columns_ : 0;
    Pieces pieces(Pieces::bytes<T>(m_ * n_) + Pieces::bytes<T>(work_) + Pieces::bytes<int>(8 * k_) +
                  Pieces::bytes<T>(left_size) + Pieces::bytes<T>(right_size));
    T* a = pieces.template take<T>(m_ * n_);
    T* work = pieces.template take<T>(work_);
    int* integers = pieces.template take<int>(8 * k_);
    T *u = nullptr, *vt = nullptr, *left = nullptr, *right = nullptr;
    if (u_) {
      u = u_ + i * m_ * u_columns_;
      vt = vt_ + i * vt_rows_ * n_;
      left = turned_ ? pieces.template take<T>(left_size) : vt;
      right = turned_ ? pieces.template take<T>(right_size) : u;
    }
    T* s = s_ + i * k_;
    int failed;
    load(from, a);
    routines_.gesdd(job_, &rows_, &columns_, a, &rows_, s, left, &rows_, right, &columns_, work,
                    &work_, integers, &failed, 1);
    if (failed > 0) {  // slower, and converges where divide and conquer does not
      load(from, a);
      routines_.gesvd(job_, job_, &rows_, &columns_, a, &rows_, s, left, &rows_, right, &columns_,
                      work, &work_, &failed, 1, 1);
    }
    info_[i] = failed;
    if (turned_ && u_) {
      turn(left, left_, rows_, u);
      turn(right, columns_, columns_, vt);
    }
  }

 private:
  void load(const T* from, T* a) const {
    if (turned_) {
      turn(from, m_, n_, a);
    } else {
      std::copy_n(from, m_ * n_, a);
    }
  }

  const int64_t m_, n_, k_;
  const bool turned_;
  const int64_t u_columns_, vt_rows_;
  const int rows_, columns_, left_;
  const Lapack<T>& routines_;
  const T* const a_;
  T* const u_;
  T* const s_;
  T* const vt_;
  int32_t* const info_;
  const char* job_;
  int work_;
};

template <class T>
class Symmetric {
 public:
  Symmetric(const Array& a, bool upper, const Array& w, const Array* v, const Array& info)
      : n_(a.shape(-1)),
        order_(to_int("eigh", n_)),
        routines_(lapack<T>("eigh")),
        upper_(upper),
        a_(a.data_as<T>()),
        w_(w.data_as<T>()),
        v_(v ? v->data_as<T>() : nullptr),
        info_(info.data_as<int32_t>()) {
    const int ask = -1;
    int info_code;
    T best = 0;
    routines_.syevd(job(), triangle(), &order_, nullptr, &order_, nullptr, &best, &ask, &integers_,
                    &ask, &info_code, 1, 1);
    work_ = workspace("eigh", best);
  }

  void operator()(int64_t i) const {
    const T* from = a_ + i * n_ * n_;
    bool finite = true;
    for (int64_t row = 0; row < n_; ++row) {
      finite &= upper_ ? all_finite(from + row * n_ + row, n_ - row)
                       : all_finite(from + row * n_, row + 1);
    }
    if (!finite) {
      info_[i] = -1;
      return;
    }
    Pieces pieces(Pieces::bytes<T>(n_ * n_) + Pieces::bytes<T>(work_) +
                  Pieces::bytes<int>(integers_));
    T* a = pieces.template take<T>(n_ * n_);
    T* work = pieces.template take<T>(work_);
    int* integers = pieces.template take<int>(integers_);
    std::copy_n(from, n_ * n_, a);
    routines_.syevd(job(), triangle(), &order_, a, &order_, w_ + i * n_, work, &work_, integers,
                    &integers_, &info_[i], 1, 1);
    if (v_) turn(a, n_, n_, v_ + i * n_ * n_);
  }

 private:
  const char* job() const { return v_ ? "V" : "N"; }
  const char* triangle() const { return upper_ ? "L" : "U"; }  // of the transpose

  const int64_t n_;
  const int order_;
  const Lapack<T>& routines_;
  const bool upper_;
  const T* const a_;
  T* const w_;
  T* const v_;
  int32_t* const info_;
  int work_, integers_;
};

}  // namespace

void CpuBackend::svd(const Array& a, const Array* u, const Array& s, const Array* vt,
                     const Array& info) {
  by_type(a, [&](auto zero) {
    const auto m = static_cast<double>(a.shape(-2)), n = static_cast<double>(a.shape(-1));
    each_matrix(a, 8 * m * n * std::min(m, n), Decompose<decltype(zero)>(a, u, s, vt, info));
  });
}

void CpuBackend::eigh(const Array& a, bool upper, const Array& w, const Array* v,
                      const Array& info) {
  by_type(a, [&](auto zero) {
    const auto n = static_cast<double>(a.shape(-1));
    each_matrix(a, 4 * n * n * n, Symmetric<decltype(zero)>(a, upper, w, v, info));
  });
}

}  // namespace bitmetal::cpu
