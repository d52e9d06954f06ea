#include "cpu/backend.h"
#include "cpu/convert.h"

namespace bitmetal::cpu {
namespace {

template <class T>
void multiply(const Array& a, const Array& b, const Array& out, int axis, const T* at, const T* bt,
              T*& ot) {
  const int last = a.rank() - 2;
  if (axis < last) {
    for (int64_t i = 0; i < a.shape(axis); ++i) {
      multiply(a, b, out, axis + 1, at + i * a.stride(axis), bt + i * b.stride(axis), ot);
    }
    return;
  }
  using Sum = std::conditional_t<std::is_same_v<T, double>, double, float>;
  for (int64_t i = 0; i < a.shape(-2); ++i) {
    for (int64_t j = 0; j < b.shape(-1); ++j) {
      Sum sum = 0;
      for (int64_t p = 0; p < a.shape(-1); ++p) {
        sum += static_cast<Sum>(at[i * a.stride(-2) + p * a.stride(-1)]) *
               static_cast<Sum>(bt[p * b.stride(-2) + j * b.stride(-1)]);
      }
      *ot++ = convert<T>(sum);
    }
  }
}

}  // namespace

void CpuBackend::matmul(const Array& a, const Array& b, const Array& out) {
  const auto run = [&](auto type) {
    using T = typename decltype(type)::type;
    T* at = out.data_as<T>();
    multiply(a, b, out, 0, a.data_as<T>(), b.data_as<T>(), at);
  };
  if (a.dtype() == DType::f64) return run(std::type_identity<double>{});
  visit_half_or_float(a.dtype(), run);
}

}  // namespace bitmetal::cpu
