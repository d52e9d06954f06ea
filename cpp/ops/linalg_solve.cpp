#include <cmath>

#include "ops/linalg.h"
#include "ops/perform.h"

namespace bitmetal {
namespace {

// Both sides of a x = b, of one type and one batch; a vector on the right has become a column.
struct Sides {
  Array a, b;
  bool vector;
};

Sides sides(const char* op, const Array& a_in, const Array& b_in) {
  common_device(op, {{"a", &a_in}, {"b", &b_in}});
  const DType dtype = common_type(a_in, b_in);
  const bool vector = b_in.rank() == 1;
  Array a = as_matrices(op, "a", a_in, dtype);
  Array b = as_matrices(op, "b", vector ? reshape(b_in, {b_in.shape(0), 1}) : b_in, dtype);
  if (a.shape(-1) != a.shape(-2)) {
    fail<ValueError>(op, ": a has shape ", a.shape(), ", expected square matrices");
  }
  if (a.shape(-1) != b.shape(-2)) {
    fail<ValueError>(op, ": a ", a_in.shape(), " has ", a.shape(-1), " columns, b ", b_in.shape(),
                     " has ", b.shape(-2), " rows");
  }
  const Dims batch = broadcast_batch(op, a, b);
  a = contiguous(broadcast_to(a, with(batch, {a.shape(-2), a.shape(-1)})));
  b = contiguous(broadcast_to(b, with(batch, {b.shape(-2), b.shape(-1)})));
  return {a, b, vector};
}

Array without_column(const Array& x, bool vector) {
  if (!vector) return x;
  Dims shape = x.shape();
  shape.pop_back();
  return reshape(x, shape);
}

Array solve_named(const char* op, const Array& a_in, const Array& b_in) {
  const auto [a, b, vector] = sides(op, a_in, b_in);
  const Array x(b.shape(), b.dtype(), b.device());
  if (x.size() > 0) {
    const Array info = new_info(a);
    perform<&Backend::solve>(a.device(), stacked(a), stacked(b), stacked(x), info);
    require_success(op, info, batch_of(a), zero_pivot);
  }
  return without_column(x, vector);
}

// Products of pivots leave the range of any floating type: m 2^e with |m| in [1/2, 1), or m = 0.
struct Scaled {
  double m = 1;
  int64_t e = 0;
};

template <class T>
Scaled product(const T* factors, int64_t n) {
  Scaled result;
  for (int64_t i = 0; i < n; ++i) {
    int exponent;
    result.m = std::frexp(result.m * static_cast<double>(factors[i]), &exponent);
    result.e += exponent;
  }
  return result;
}

// Calls write(i, determinant) for each matrix of the batch.
template <class T, class Write>
void each_determinant(const Array& pivots, Write write) {
  const Array near = on_host(pivots);
  const T* factors = read_on_host<T>(near);
  const int64_t n = pivots.shape(-1);
  for (int64_t i = 0; i < pivots.shape(0); ++i) write(i, product(factors + i * n, n));
}

template <class F>
void by_type(DType dtype, F f) {
  dtype == DType::f64 ? f(double{}) : f(float{});
}

// [batch, n], n possibly 0.
Array pivots_of(const char* op, const Array& a_in) {
  const Array a = as_square_matrices(op, "a", a_in);
  Dims shape = a.shape();
  shape.pop_back();
  const Array out = stacked(Array(shape, a.dtype(), a.device()), 1);
  if (a.size() > 0) perform<&Backend::pivots>(a.device(), stacked(a), out);
  return out;
}

}  // namespace

Array solve(const Array& a, const Array& b) { return solve_named("linalg.solve", a, b); }

Array inv(const Array& a_in) {
  const Array a = as_square_matrices("linalg.inv", "a", a_in);
  return solve_named("linalg.inv", a, identity(batch_of(a), a.shape(-1), a.dtype(), a.device()));
}

Array solve_triangular(const Array& a_in, const Array& b_in, bool upper, bool transposed,
                       bool unit_diagonal) {
  const char* op = "linalg.solve_triangular";
  const auto [a, b, vector] = sides(op, a_in, b_in);
  const Array x(b.shape(), b.dtype(), b.device());
  if (x.size() > 0) {
    const Array info = new_info(a);
    perform<&Backend::solve_triangular>(a.device(), stacked(a), stacked(b), upper, transposed,
                                        unit_diagonal, stacked(x), info);
    require_success(op, info, batch_of(a), zero_pivot);
  }
  return without_column(x, vector);
}

Slogdet slogdet(const Array& a) {
  const Array pivots = pivots_of("linalg.slogdet", a);
  const Dims batch = batch_of(a);
  Device& host = host_side(a.device());
  const Array sign(batch, pivots.dtype(), host), logdet(batch, pivots.dtype(), host);
  by_type(pivots.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *signs = write_on_host<T>(sign), *logs = write_on_host<T>(logdet);
    each_determinant<T>(pivots, [&](int64_t i, const Scaled& d) {
      signs[i] = static_cast<T>(d.m > 0 ? 1 : d.m < 0 ? -1 : d.m);
      logs[i] = static_cast<T>(std::log(std::fabs(d.m)) + static_cast<double>(d.e) * M_LN2);
    });
  });
  return {to_device(sign, a.device()), to_device(logdet, a.device())};
}

Array det(const Array& a) {
  const Array pivots = pivots_of("linalg.det", a);
  const Array out(batch_of(a), pivots.dtype(), host_side(a.device()));
  by_type(pivots.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* values = write_on_host<T>(out);
    each_determinant<T>(pivots, [&](int64_t i, const Scaled& d) {
      const auto exponent = static_cast<int>(std::clamp<int64_t>(d.e, -100000, 100000));
      values[i] = static_cast<T>(std::ldexp(d.m, exponent));
    });
  });
  return to_device(out, a.device());
}

}  // namespace bitmetal
