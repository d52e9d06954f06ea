#include "ops/linalg.h"

namespace bitmetal {
Array as_matrices(const char* op, const char* name, const Array& a, std::optional<DType> dtype) {
  if (a.dtype() == DType::f16 || a.dtype() == DType::bf16) {
    fail<TypeError>(op, ": ", name, " is ", name_of(a.dtype()),
                    ", expected float32, float64 (on the cpu device) or an integer type");
  }
  if (a.rank() < 2) {
    fail<ValueError>(op, ": ", name, " has shape ", a.shape(), ", expected at least 2 dimensions");
  }
  const DType wanted = dtype.value_or(a.dtype() == DType::f64 ? DType::f64 : DType::f32);
  return a.dtype() == wanted ? contiguous(a) : astype(a, wanted);
}

Array as_square_matrices(const char* op, const char* name, const Array& a) {
  if (a.rank() >= 2 && a.shape(-1) != a.shape(-2)) {
    fail<ValueError>(op, ": ", name, " has shape ", a.shape(), ", expected square matrices");
  }
  return as_matrices(op, name, a);
}

DType common_type(const Array& a, const Array& b) {
  return a.dtype() == DType::f64 || b.dtype() == DType::f64 ? DType::f64 : DType::f32;
}

Dims batch_of(const Array& a) {
  Dims batch = a.shape();
  batch.pop_back();
  batch.pop_back();
  return batch;
}

Dims with(Dims batch, std::initializer_list<int64_t> sizes) {
  for (int64_t size : sizes) batch.push_back(size);
  return batch;
}

Array stacked(const Array& a, int rank) {
  int64_t count = 1;
  Dims shape;
  for (int i = 0; i < a.rank(); ++i) {
    if (i < a.rank() - rank) {
      count *= a.shape(i);
    } else {
      shape.push_back(a.shape(i));
    }
  }
  shape.insert(0, count);
  return a.with(shape, row_major_strides(shape));
}

Array identity(const Dims& batch, int64_t n, DType dtype, Device& device) {
  const Array out(with(batch, {n, n}), dtype, host_side(device));
  const auto set = [&](auto one) {
    auto* values = write_on_host<decltype(one)>(out);
    std::fill_n(values, out.size(), 0);
    for (int64_t first = 0; first < out.size(); first += n * n) {
      for (int64_t i = 0; i < n; ++i) values[first + i * (n + 1)] = one;
    }
  };
  dtype == DType::f64 ? set(1.0) : set(1.0f);
  return to_device(out, device);
}

Array new_info(const Array& a) { return Array(Dims{stacked(a).shape(0)}, DType::i32, a.device()); }

void require_success(const char* op, const Array& info, const Dims& batch,
                     std::string (*say)(int info)) {
  const Array near = on_host(info);
  const auto* codes = read_on_host<int32_t>(near);
  const auto* failed = std::find_if(codes, codes + info.size(), [](int code) { return code != 0; });
  if (failed == codes + info.size()) return;
  Dims matrix = batch;
  int64_t rest = failed - codes;
  for (int axis = batch.size() - 1; axis >= 0; --axis) {
    matrix[axis] = rest % batch[axis];
    rest /= batch[axis];
  }
  throw LinAlgError(batch.empty() ? cat(op, ": ", say(*failed))
                                  : cat(op, ": matrix ", matrix, ": ", say(*failed)),
                    std::vector<int64_t>(matrix.begin(), matrix.end()), std::max(*failed, 0));
}

std::string not_converged(int info) {
  return info < 0 ? "it holds NaN or infinity" : "the iteration did not converge";
}

std::string zero_pivot(int info) {
  return cat("it is singular: pivot ", info, " (counted from 1) is zero");
}

}  // namespace bitmetal
