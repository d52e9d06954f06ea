#include <cmath>

#include "cpu/backend.h"
#include "cpu/convert.h"

namespace bitmetal::cpu {
namespace {

template <class T, class W>
void rms_norm_row(const T* in, const W* weight, double eps, T* out, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(in[i]);
    sum += x * x;
  }
  const double scale = 1 / std::sqrt(sum / static_cast<double>(n) + eps);
  for (int64_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(in[i]) * scale;
    out[i] = convert<T>(weight ? x * static_cast<double>(weight[i]) : x);
  }
}

}  // namespace

void CpuBackend::rms_norm(const Array& in, const Array* weight, float eps, const Array& out) {
  const auto run = [&](auto type) {
    using T = typename decltype(type)::type;
    const auto rows = [&](auto weight_type) {
      using W = typename decltype(weight_type)::type;
      const int64_t n = in.shape(1);
      for (int64_t row = 0; row < in.shape(0); ++row) {
        rms_norm_row(in.data_as<T>() + row * n, weight ? weight->data_as<W>() : nullptr, eps,
                     out.data_as<T>() + row * n, n);
      }
    };
    if (weight && weight->dtype() != in.dtype()) return rows(std::type_identity<float>{});
    rows(type);
  };
  if (in.dtype() == DType::f64) return run(std::type_identity<double>{});
  visit_half_or_float(in.dtype(), run);
}

}  // namespace bitmetal::cpu
