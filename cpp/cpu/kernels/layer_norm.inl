#pragma once

#include "cpu/kernels/rows.inl"

template <class T>
void layer_normalize(const void* in_bytes, int64_t n, double mean_value, double factor_value,
                     const void* weight_bytes, const void* bias_bytes, void* out_bytes) {
  using C = Compute<T>;
  const T* in = static_cast<const T*>(in_bytes);
  const T* weight = static_cast<const T*>(weight_bytes);
  const T* bias = static_cast<const T*>(bias_bytes);
  // The part of the mean that its own type drops matters where the row differs little from it.
  const C mean = static_cast<C>(mean_value);
  const C rest = static_cast<C>(mean_value - static_cast<double>(mean));
  const C factor = static_cast<C>(factor_value);
  const auto row = [&](auto has_weight, auto has_bias) {
    write_row(static_cast<T*>(out_bytes), n, [&](int64_t i, int64_t left) {
      ComputeVector<T> x = ((widen_up_to(in + i, left) - mean) - rest) * factor;
      if constexpr (has_weight) x *= widen_up_to(weight + i, left);
      if constexpr (has_bias) x += widen_up_to(bias + i, left);
      return x;
    });
  };
  constexpr std::true_type kYes;
  constexpr std::false_type kNo;
  if (weight) {
    bias ? row(kYes, kYes) : row(kYes, kNo);
  } else {
    bias ? row(kNo, kYes) : row(kNo, kNo);
  }
}

template <class... T>
constexpr LayerNormKernels layer_norm_kernels() {
  return {{{layer_normalize<T>}...}};
}

constexpr LayerNormKernels kLayerNormKernels =
    layer_norm_kernels<float, float16, bfloat16, double>();
