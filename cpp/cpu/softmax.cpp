#include <algorithm>
#include <cmath>

#include "cpu/backend.h"
#include "cpu/convert.h"

namespace bitmetal::cpu {
namespace {

template <class T>
void softmax_row(const T* in, T* out, int64_t n) {
  double top = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(in[i]);
    if (!(x <= top)) top = x;
    if (top != top) break;
  }
  for (int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(in[i]) - top);
  for (int64_t i = 0; i < n; ++i) {
    out[i] = convert<T>(std::exp(static_cast<double>(in[i]) - top) / sum);
  }
}

}  // namespace

void CpuBackend::softmax(const Array& in, const Array& out) {
  const auto run = [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t n = in.shape(1);
    for (int64_t row = 0; row < in.shape(0); ++row) {
      softmax_row(in.data_as<T>() + row * n, out.data_as<T>() + row * n, n);
    }
  };
  if (in.dtype() == DType::f64) return run(std::type_identity<double>{});
  visit_half_or_float(in.dtype(), run);
}

}  // namespace bitmetal::cpu
