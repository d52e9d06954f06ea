#pragma once

#include "cpu/kernels/exp.inl"
#include "cpu/kernels/lanes.inl"
#include "cpu/kernels/reduce.inl"
#include "cpu/kernels/rows.inl"

template <class T>
double exponentials(const void* in_bytes, int64_t n, double top_value, void* e_bytes) {
  using C = Compute<T>;
  using V = ComputeVector<T>;
  const T* in = static_cast<const T*>(in_bytes);
  C* e = static_cast<C*>(e_bytes);
  const C top = static_cast<C>(top_value);
  Lanes lanes;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    fetch_row(in + n + i, kLanes);  // what follows the row, while the processor computes
    for (int v = 0; v < kLanes / kLength<V>; ++v) {
      const int64_t at = i + v * kLength<V>;
      const V x = exp_nonpositive(widen(in + at) - top);
      if (e) narrow(x, e + at);
      lanes.add(x, v, Identity{});
    }
  }
  C tail[kLanes];
  for (int j = 0; i + j < n; j += kLength<V>) {
    const int64_t left = n - i - j;
    const V x = exp_nonpositive(widen_part(in + i + j, left, T(0.0f)) - top);
    narrow(x, tail + j);
    if (e) narrow_part<C>(x, e + i + j, left < kLength<V> ? left : kLength<V>);
  }
  return lanes.total(tail, n - i, kLanes, Identity{});
}

template <class T>
void scale_row(const void* e_bytes, int64_t n, double factor_value, void* out) {
  using C = Compute<T>;
  const C* e = static_cast<const C*>(e_bytes);
  const C factor = static_cast<C>(factor_value);
  write_row(static_cast<T*>(out), n,
            [&](int64_t i, int64_t left) { return widen_up_to(e + i, left) * factor; });
}

template <class T>
void scaled_exponentials(const void* in_bytes, int64_t n, double top_value, double factor_value,
                         void* out) {
  using C = Compute<T>;
  const T* in = static_cast<const T*>(in_bytes);
  const C top = static_cast<C>(top_value), factor = static_cast<C>(factor_value);
  write_row(static_cast<T*>(out), n, [&](int64_t i, int64_t left) {
    return exp_nonpositive(widen_up_to(in + i, left) - top) * factor;
  });
}

struct Most {
  template <class V>
  static V of(V a, V b) {
    return max(a, b);
  }
};

// Rows of at most kLanes elements stay in registers.
template <class T>
void softmax_short_rows(const T* in, int64_t rows, int64_t n, T* out) {
  using C = Compute<T>;
  using V = ComputeVector<T>;
  constexpr int kStep = kLength<V>;
  constexpr C kNone = -std::numeric_limits<C>::infinity();
  for (int64_t r = 0; r < rows; ++r, in += n, out += n) {
    V x[kLanes / kStep] = {}, top = V{} + kNone;
    for (int v = 0; v * kStep < n; ++v) {
      const int64_t at = v * kStep;
      const V given = widen_first(in + at, n - at, (rows - r) * n - at);
      x[v] = first_places(given, n - at, V{} + kNone);
      top = max(x[v], top);  // a NaN comes back from e^x
    }
    const C greatest = join_vector<kStep / 2, Most>(top);
    Lanes lanes;
    for (int v = 0; v * kStep < n; ++v) {
      x[v] = exp_nonpositive(x[v] - greatest);
      lanes.add_first(x[v], v, n - v * kStep, Identity{});
    }
    const C factor = static_cast<C>(1 / join_vectors<Plus>(lanes.part));
    for (int v = 0; v * kStep < n; ++v) {
      const int64_t at = v * kStep;
      if (n - at >= kStep) {
        narrow(x[v] * factor, out + at);
      } else {
        narrow_part<T>(x[v] * factor, out + at, n - at);
      }
    }
  }
}

template <class T>
void softmax_rows(const void* in_bytes, int64_t rows, int64_t n, void* e, void* out_bytes) {
  const T* in = static_cast<const T*>(in_bytes);
  T* out = static_cast<T*>(out_bytes);
  if (n <= kLanes) return softmax_short_rows(in, rows, n, out);
  for (int64_t r = 0; r < rows; ++r, in += n, out += n) {
    const T top = best_of<false>(in, n, (rows - r) * n);
    const double sum = exponentials<T>(in, n, static_cast<double>(top), e);
    scale_row<T>(e, n, 1 / sum, out);
  }
}
