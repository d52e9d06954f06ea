#include "ops/linalg.h"

#include "ops/perform.h"

namespace bitmetal {
namespace {

const Array* pointer(const OptionalArray& a) { return a ? &*a : nullptr; }

}  // namespace

Array cholesky(const Array& a_in, bool upper) {
  const char* op = "linalg.cholesky";
  const Array a = as_square_matrices(op, "a", a_in);
  const Array out(a.shape(), a.dtype(), a.device());
  if (a.size() > 0) {
    const Array info = new_info(a);
    perform<&Backend::cholesky>(a.device(), stacked(a), upper, stacked(out), info);
    require_success(op, info, batch_of(a), [](int order) {
      return cat("it is not positive definite: the leading minor of order ", order,
                 " is not positive");
    });
  }
  return out;
}

Qr qr(const Array& a_in, QrMode mode) {
  const char* op = "linalg.qr";
  const Array a = as_matrices(op, "a", a_in);
  const Dims batch = batch_of(a);
  const int64_t m = a.shape(-2), n = a.shape(-1);
  const int64_t k = mode == QrMode::complete ? m : std::min(m, n);
  Array r(with(batch, {k, n}), a.dtype(), a.device());
  if (a.size() == 0) {
    if (mode == QrMode::r) return {std::nullopt, r};
    // Without columns any orthogonal factor does.
    return {k == m ? identity(batch, m, a.dtype(), a.device())
                   : Array(with(batch, {m, k}), a.dtype(), a.device()),
            r};
  }
  OptionalArray q, all_q;
  if (mode != QrMode::r) {
    q.emplace(with(batch, {m, k}), a.dtype(), a.device());
    all_q = stacked(*q);
  }
  perform<&Backend::qr>(a.device(), stacked(a), pointer(all_q), stacked(r));
  return {q, r};
}

Svd svd(const Array& a_in, bool full_matrices, bool vectors) {
  const char* op = "linalg.svd";
  const Array a = as_matrices(op, "a", a_in);
  const Dims batch = batch_of(a);
  const int64_t m = a.shape(-2), n = a.shape(-1), k = std::min(m, n);
  const Array s(with(batch, {k}), a.dtype(), a.device());
  OptionalArray u, vt, all_u, all_vt;
  if (vectors) {
    const auto factor = [&](int64_t rows, int64_t columns) {
      return a.size() == 0 && rows == columns
                 ? identity(batch, rows, a.dtype(), a.device())
                 : Array(with(batch, {rows, columns}), a.dtype(), a.device());
    };
    u = factor(m, full_matrices ? m : k);
    vt = factor(full_matrices ? n : k, n);
    all_u = stacked(*u);
    all_vt = stacked(*vt);
  }
  if (a.size() > 0) {
    const Array info = new_info(a);
    perform<&Backend::svd>(a.device(), stacked(a), pointer(all_u), stacked(s, 1), pointer(all_vt),
                           info);
    require_success(op, info, batch, not_converged);
  }
  return {u, s, vt};
}

Eigh eigh(const Array& a_in, bool upper, bool vectors) {
  const char* op = "linalg.eigh";
  const Array a = as_square_matrices(op, "a", a_in);
  const Dims batch = batch_of(a);
  const Array w(with(batch, {a.shape(-1)}), a.dtype(), a.device());
  OptionalArray v, all_v;
  if (vectors) {
    v.emplace(a.shape(), a.dtype(), a.device());
    all_v = stacked(*v);
  }
  if (a.size() > 0) {
    const Array info = new_info(a);
    perform<&Backend::eigh>(a.device(), stacked(a), upper, stacked(w, 1), pointer(all_v), info);
    require_success(op, info, batch, not_converged);
  }
  return {w, v};
}

}  // namespace bitmetal
