#pragma once

#include "cpu/kernels/rows.inl"

template <class T>
void normalize_row(const void* in_bytes, int64_t n, double factor_value, const void* weight_bytes,
                   void* out_bytes) {
  using C = Compute<T>;
  const T* in = static_cast<const T*>(in_bytes);
  const T* weight = static_cast<const T*>(weight_bytes);
  T* out = static_cast<T*>(out_bytes);
  const C factor = static_cast<C>(factor_value);
  if (weight) {
    write_row(out, n, [&](int64_t i, int64_t left) {
      return widen_up_to(in + i, left) * factor * widen_up_to(weight + i, left);
    });
  } else {
    write_row(out, n, [&](int64_t i, int64_t left) { return widen_up_to(in + i, left) * factor; });
  }
}

template <class... T>
constexpr RmsNormKernels rms_norm_kernels() {
  return {{{normalize_row<T>}...}};
}

constexpr RmsNormKernels kRmsNormKernels = rms_norm_kernels<float, float16, bfloat16, double>();
