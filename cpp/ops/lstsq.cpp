#include <limits>

#include "ops/linalg.h"

namespace bitmetal {
namespace {

double tolerance(std::optional<double> rcond, const Array& a) {
  const double eps = a.dtype() == DType::f64 ? std::numeric_limits<double>::epsilon()
                                             : std::numeric_limits<float>::epsilon();
  return rcond.value_or(eps * static_cast<double>(std::max(a.shape(-1), a.shape(-2))));
}

// A^+ = V S^+ U^T: divides row i of a matrix of [batch, k, columns] by singular value i, and clears
// the rows of those that count as 0. Writes how many others there are.
template <class T>
void apply_inverse(const Array& s, double rcond, const Array& rows, int32_t* ranks) {
  const T* values = read_on_host<T>(s);
  read_on_host<T>(rows);
  T* out = write_on_host<T>(rows);
  const int64_t k = rows.shape(1), columns = rows.shape(2);
  for (int64_t i = 0; i < rows.shape(0); ++i, values += k) {
    const double least = k ? rcond * static_cast<double>(values[0]) : 0;
    int32_t rank = 0;
    for (int64_t j = 0; j < k; ++j, out += columns) {
      if (static_cast<double>(values[j]) > least) {
        for (int64_t c = 0; c < columns; ++c) out[c] /= values[j];
        ++rank;
      } else {
        std::fill(out, out + columns, T(0));
      }
    }
    if (ranks) ranks[i] = rank;
  }
}

void apply_inverse(const Array& s, double rcond, const Array& rows, int32_t* ranks) {
  if (s.dtype() == DType::f64) {
    apply_inverse<double>(s, rcond, rows, ranks);
  } else {
    apply_inverse<float>(s, rcond, rows, ranks);
  }
}

Array turned(const Array& a) {
  Dims axes;
  for (int i = 0; i < a.rank(); ++i) axes.push_back(i);
  std::swap(axes[a.rank() - 1], axes[a.rank() - 2]);
  return permute(a, axes);
}

// Of each column of b - a x, on the host.
template <class T>
void squares(const Array& ax, const Array& b, const Array& out) {
  const T *product = read_on_host<T>(ax), *given = read_on_host<T>(b);
  T* sums = write_on_host<T>(out);
  const int64_t rows = b.shape(1), columns = b.shape(2);
  std::vector<double> sum(columns);
  for (int64_t i = 0; i < b.shape(0); ++i, sums += columns) {
    std::fill(sum.begin(), sum.end(), 0);
    for (int64_t r = 0; r < rows; ++r, product += columns, given += columns) {
      for (int64_t c = 0; c < columns; ++c) {
        const double difference = static_cast<double>(given[c]) - static_cast<double>(product[c]);
        sum[c] += difference * difference;
      }
    }
    for (int64_t c = 0; c < columns; ++c) sums[c] = static_cast<T>(sum[c]);
  }
}

}  // namespace

Lstsq lstsq(const Array& a_in, const Array& b_in, std::optional<double> rcond) {
  const char* op = "linalg.lstsq";
  Device& device = common_device(op, {{"a", &a_in}, {"b", &b_in}});
  const DType dtype = common_type(a_in, b_in);
  const bool vector = b_in.rank() == 1;
  const Array a = as_matrices(op, "a", a_in, dtype);
  const Array b = as_matrices(op, "b", vector ? reshape(b_in, {b_in.shape(0), 1}) : b_in, dtype);
  const Dims batch = batch_of(a);
  const int64_t m = a.shape(-2), n = a.shape(-1), columns = b.shape(-1);
  require_shape(op, "b", b, with(batch, {m, columns}));

  const Svd f = svd(a, false, true);
  const Array ranks = full(batch, 0, DType::i32, host_side(device));
  const Array c = on_host(matmul(turned(*f.u), b));
  apply_inverse(stacked(on_host(f.s), 1), tolerance(rcond, a), stacked(c),
                write_on_host<int32_t>(ranks));
  const Array x = matmul(turned(*f.vt), to_device(c, device));

  // As NumPy's: only where the solution is unique and equations are left over.
  const auto* rank = read_on_host<int32_t>(ranks);
  const bool unique = std::all_of(rank, rank + ranks.size(), [&](int32_t r) { return r == n; });
  Array residuals(unique && m > n ? with(batch, {columns}) : Dims{0}, dtype, host_side(device));
  if (unique && m > n && b.size() > 0) {
    const Array ax = on_host(matmul(a, x)), near = on_host(b);
    if (dtype == DType::f64) {
      squares<double>(stacked(ax), stacked(near), residuals);
    } else {
      squares<float>(stacked(ax), stacked(near), residuals);
    }
  }
  return {vector ? reshape(x, with(batch, {n})) : x, to_device(residuals, device),
          to_device(ranks, device), f.s};
}

Array pinv(const Array& a_in, std::optional<double> rcond) {
  const Array a = as_matrices("linalg.pinv", "a", a_in);
  const Svd f = svd(a, false, true);
  const Array vt = on_host(*f.vt);
  apply_inverse(stacked(on_host(f.s), 1), tolerance(rcond, a), stacked(vt), nullptr);
  return matmul(turned(to_device(vt, a.device())), turned(*f.u));
}

}  // namespace bitmetal
