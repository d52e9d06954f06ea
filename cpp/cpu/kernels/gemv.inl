#pragma once

#include "cpu/kernels/rows.inl"

template <class V>
inline auto add_elements(V v) {
  auto total = v[0];
  for (int i = 1; i < kLength<V>; ++i) total += v[i];
  return total;
}

// `kRows` rows at once share what is loaded of x; two sums a row hide the latency of adding.
template <int kRows, class T>
inline void dot(const T* a, int64_t stride, int64_t columns, const Compute<T>* x, Compute<T>* y) {
  using V = ComputeVector<T>;
  constexpr int kSums = 2;
  V sum[kRows][kSums] = {};
  int64_t c = 0;
  for (; c + kSums * kLength<V> <= columns; c += kSums * kLength<V>) {
    for (int s = 0; s < kSums; ++s) {
      const int64_t at = c + s * kLength<V>;
      const V factor = widen(x + at);
      for (int r = 0; r < kRows; ++r) {
        sum[r][s] = fma(widen(a + r * stride + at), factor, sum[r][s]);
      }
    }
  }
  for (; c < columns; c += kLength<V>) {
    const V factor = widen_up_to(x + c, columns - c);
    for (int r = 0; r < kRows; ++r) {
      sum[r][0] = fma(widen_up_to(a + r * stride + c, columns - c), factor, sum[r][0]);
    }
  }
  for (int r = 0; r < kRows; ++r) y[r] = add_elements(sum[r][0] + sum[r][1]);
}

template <class T>
void dot_rows(const void* a_bytes, int64_t stride, int64_t rows, int64_t columns,
              const void* x_bytes, void* y_bytes) {
  const T* a = static_cast<const T*>(a_bytes);
  const auto* x = static_cast<const Compute<T>*>(x_bytes);
  auto* y = static_cast<Compute<T>*>(y_bytes);
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) dot<4>(a + r * stride, stride, columns, x, y + r);
  for (; r < rows; ++r) dot<1>(a + r * stride, stride, columns, x, y + r);
}

template <int kRows, class T>
inline void add_scaled(const T* a, int64_t stride, int64_t columns, const Compute<T>* x,
                       Compute<T>* y) {
  using V = ComputeVector<T>;
  V factor[kRows];
  for (int r = 0; r < kRows; ++r) factor[r] = V{} + x[r];
  write_row(y, columns, [&](int64_t c, int64_t left) {
    V sum = widen_up_to(y + c, left);
    for (int r = 0; r < kRows; ++r) {
      sum = fma(widen_up_to(a + r * stride + c, left), factor[r], sum);
    }
    return sum;
  });
}

template <class T>
void add_rows(const void* a_bytes, int64_t stride, int64_t rows, int64_t columns,
              const void* x_bytes, void* y_bytes) {
  const T* a = static_cast<const T*>(a_bytes);
  const auto* x = static_cast<const Compute<T>*>(x_bytes);
  auto* y = static_cast<Compute<T>*>(y_bytes);
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) add_scaled<8>(a + r * stride, stride, columns, x + r, y);
  for (; r < rows; ++r) add_scaled<1>(a + r * stride, stride, columns, x + r, y);
}

template <class... T>
constexpr GemvKernels gemv_kernels() {
  return {{{dot_rows<T>, add_rows<T>}...}};
}

constexpr GemvKernels kGemvKernels = gemv_kernels<float, float16, bfloat16, double>();
