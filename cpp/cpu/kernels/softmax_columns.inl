// Softmax down columns, row after row: a column's sum is relative to about its greatest element so
// far.
#pragma once

#include "cpu/kernels/columns.inl"
#include "cpu/kernels/softmax.inl"

constexpr int64_t kSumRows = 8;  // of kWidenBlock float32 each: an L1 holds the next ones beside

// Of at most kWidenBlock columns.
template <class T>
void exponential_sums_of(const T* in, int64_t rows, int64_t stride, int64_t width,
                         ExponentialSum* sums) {
  using C = Compute<T>;
  using V = ComputeVector<T>;
  constexpr C kNone = -std::numeric_limits<C>::infinity();
  // The level follows the greatest element when that is more than 1 above it: near enough for
  // e^(x - level), and seldom. Nothing is subtracted from a level of -infinity.
  C top[kWidenBlock], level[kWidenBlock], base[kWidenBlock];
  double sum[kWidenBlock];
  for (int64_t c = 0; c < filled_up(width); ++c) {
    top[c] = level[c] = kNone;
    base[c] = 0;
    sum[c] = 0;
  }
  const auto element = [=](int64_t r, int64_t c, int64_t left) BITMETAL_INLINE {
    return columns_of(in, rows, stride, width, r, c, left);
  };
  for (int64_t first = 0; first < rows; first += kSumRows) {
    const int64_t end = rows - first < kSumRows ? rows : first + kSumRows;
    for (int64_t r = first; r < end; ++r) {
      each_vector<T>(width, [&](int64_t c, int64_t left) BITMETAL_INLINE {
        store(max(element(r, c, left), load<V>(top + c)), top + c);
      });
    }
    int rises = 0;
    for (int64_t c = 0; c < width; ++c) rises |= top[c] - level[c] > 1;
    for (int64_t c = 0; rises && c < width; c += kDoubles) {
      bool here = false;
      for (int i = 0; i < kDoubles; ++i) here |= top[c + i] - level[c + i] > 1;
      if (!here) continue;
      double fall[kDoubles];
      for (int i = 0; i < kDoubles; ++i) {
        const C old = level[c + i];
        if (top[c + i] - old > 1) level[c + i] = base[c + i] = top[c + i];
        fall[i] = static_cast<double>(old) - base[c + i];
      }
      store(load<Doubles>(sum + c) * exp_nonpositive(load<Doubles>(fall)), sum + c);
    }
    const auto add = [&](int64_t r, auto count) BITMETAL_INLINE {
      for (int i = 0; i < count; ++i) fetch_row(in + (r + i + kSumRows) * stride, width);
      each_vector<T>(width, [&](int64_t c, int64_t left) BITMETAL_INLINE {
        constexpr int kParts = sizeof(V) / sizeof(C) / kDoubles;
        const V below = load<V>(base + c);
        Doubles part[kParts];
        for (int p = 0; p < kParts; ++p) part[p] = load<Doubles>(sum + c + p * kDoubles);
        unroll<count>([&](auto i) BITMETAL_INLINE {
          const V e = exp_nonpositive(element(r + i, c, left) - below);
          if constexpr (kParts == 1) {
            part[0] += e;
          } else {
            part[0] += lower_half(e);
            part[1] += upper_half(e);
          }
        });
        for (int p = 0; p < kParts; ++p) store(part[p], sum + c + p * kDoubles);
      });
    };
    int64_t r = first;
    for (; r + kRowsTogether <= end; r += kRowsTogether)
      add(r, std::integral_constant<int, kRowsTogether>{});
    for (; r < end; ++r) add(r, std::integral_constant<int, 1>{});
  }
  for (int64_t c = 0; c < width; ++c) {
    sums[c] = {static_cast<double>(level[c]), sum[c]};
    if (sum[c] == sum[c]) continue;
    bool number = level[c] == -kNone;  // of which infinity alone was subtracted
    for (int64_t r = 0; r < rows && number; ++r) {
      const C x = static_cast<C>(in[r * stride + c]);
      number = x == x;
    }
    if (number) {
      sums[c].sum = 1;
    } else {
      sums[c].top = sum[c];
    }
  }
}

// Fewer columns than a vector has elements are taken several rows as one.
template <class T>
inline int64_t rows_together(int64_t rows, int64_t stride, int64_t columns) {
  const bool few = stride == columns && columns < kLength<Floats> && rows * columns >= 32 * kWide;
  return few ? kWide / columns : 1;
}

template <class T>
void exponential_sums(const void* bytes, int64_t rows, int64_t stride, int64_t columns,
                      ExponentialSum* sums) {
  const T* in = static_cast<const T*>(bytes);
  const int64_t together = rows_together<T>(rows, stride, columns);
  if (together == 1) {
    for (int64_t at = 0; at < columns; at += kWidenBlock) {
      const int64_t width = columns - at < kWidenBlock ? columns - at : kWidenBlock;
      exponential_sums_of(in + at, rows, stride, width, sums + at);
    }
    return;
  }
  const int64_t wide = together * columns, whole = rows / together;
  ExponentialSum parts[kWide];
  exponential_sums_of(in, whole, wide, wide, parts);
  for (int64_t i = 0; i < wide; ++i) {
    sums[i % columns] = i < columns ? parts[i] : join_sums(sums[i % columns], parts[i]);
  }
  const int64_t left = rows - whole * together;
  if (left == 0) return;
  exponential_sums_of(in + whole * wide, left, columns, columns, parts);
  for (int64_t c = 0; c < columns; ++c) sums[c] = join_sums(sums[c], parts[c]);
}

template <class T>
void softmax_columns(const void* bytes, int64_t rows, int64_t stride, int64_t columns,
                     const double* tops, const double* factors, void* out_bytes,
                     int64_t out_stride) {
  using C = Compute<T>;
  using V = ComputeVector<T>;
  const int64_t together = out_stride == columns ? rows_together<T>(rows, stride, columns) : 1;
  for (int64_t at = 0; at < columns; at += kWidenBlock) {
    const int64_t width = columns - at < kWidenBlock ? columns - at : kWidenBlock;
    const T* in = static_cast<const T*>(bytes) + at;
    T* out = static_cast<T*>(out_bytes) + at;
    C top[kWidenBlock], factor[kWidenBlock];
    for (int64_t i = 0; i < together; ++i) {
      for (int64_t c = 0; c < width; ++c) {
        top[i * width + c] = static_cast<C>(tops[at + c]);
        factor[i * width + c] = static_cast<C>(factors[at + c]);
      }
    }
    for (int64_t c = together * width; c < filled_up(together * width); ++c) top[c] = factor[c] = 0;
    const auto write = [&](int64_t begin, int64_t end, int64_t count, int64_t step,
                           int64_t places) BITMETAL_INLINE {
      for (int64_t r = begin; r < end; r += count) {
        const T* row = in + r * stride;
        fetch_row(row + kRowsAhead * step, places);
        each_vector<T>(places, [&](int64_t c, int64_t left) BITMETAL_INLINE {
          const int64_t readable = (rows - count - r) * stride + places - c;
          const V x = widen_first(row + c, left, readable);
          const V e = exp_nonpositive(x - load<V>(top + c)) * load<V>(factor + c);
          T* to = out + r * out_stride + c;
          left == kLength<V> ? narrow(e, to) : narrow_part<T>(e, to, left);
        });
      }
    };
    const int64_t whole = rows / together * together;
    write(0, whole, together, together * stride, together * width);
    write(whole, rows, 1, stride, width);
  }
}

template <class... T>
constexpr SoftmaxKernels softmax_kernels() {
  return {{{softmax_rows<T>, exponentials<T>, scale_row<T>, scaled_exponentials<T>,
            exponential_sums<T>, softmax_columns<T>}...}};
}

constexpr SoftmaxKernels kSoftmaxKernels = softmax_kernels<float, float16, bfloat16, double>();
