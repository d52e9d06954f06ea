#pragma once

#include "cpu/kernels/lanes.inl"
#include "cpu/kernels/reduce.inl"

template <class T, class Term>
inline double sum_of_terms(const void* in, int64_t n, Term term) {
  const T* p = static_cast<const T*>(in);
  if constexpr (std::is_same_v<T, double>) {
    return sum_lanes_pairwise(p, n, term);
  } else {
    return sum_lanes(p, n, term);
  }
}

template <class T>
double sum_of_magnitudes(const void* in, int64_t n) {
  return sum_of_terms<T>(in, n, Magnitude{});
}
template <class T>
double sum_of_squares(const void* in, int64_t n) {
  return sum_of_terms<T>(in, n, Square{});
}

// In one pass about the first element: no further from the mean than n times the variance in
// square, so that the difference loses no more than a factor of n. Doubles, which have no digits to
// spare for that, are read twice.
template <class T>
Moments moments_of(const void* bytes, int64_t n) {
  const T* in = static_cast<const T*>(bytes);
  const auto count = static_cast<double>(n);
  if constexpr (std::is_same_v<T, double>) {
    const double mean = sum_of_terms<T>(in, n, Identity{}) / count;
    return {mean, sum_of_terms<T>(in, n, SquareAbout<double>{mean})};
  } else {
    const auto center = static_cast<double>(in[0]);
    Lanes sums, squares;
    const auto add = [&](Doubles x, int at) BITMETAL_INLINE {
      const Doubles distance = x - center;
      sums.part[at] += distance;
      squares.part[at] = fma(distance, distance, squares.part[at]);
    };
    constexpr int kStep = kLength<Floats>;
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
      unroll<kLanes / kStep>([&](auto v) BITMETAL_INLINE {
        const Floats x = widen(in + i + v * kStep);
        add(lower_half(x), 2 * v);
        add(upper_half(x), 2 * v + 1);
      });
    }
    if (i < n) {
      T last[kLanes];  // the rest, filled up with what adds nothing
      for (int l = 0; l < kLanes; ++l) last[l] = i + l < n ? in[i + l] : in[0];
      for (int v = 0; v < kLanes / kStep; ++v) {
        const Floats x = widen(last + v * kStep);
        add(lower_half(x), 2 * v);
        add(upper_half(x), 2 * v + 1);
      }
    }
    const double sum = join_vectors<Plus>(sums.part), square = join_vectors<Plus>(squares.part);
    return {center + sum / count, square - sum * (sum / count)};
  }
}

// Blocks of rows that a cache holds are read twice, for their mean and for the squares about it,
// and joined by T. F. Chan's formula: no difference of large sums.
template <class T>
void moments_of_columns(const void* bytes, int64_t rows, int64_t stride, int64_t columns,
                        double* means, double* squares) {
  constexpr int64_t kRows = 32;  // 64 KiB of float32 rows
  using C = Widened<T>;
  for (int64_t at = 0; at < columns; at += kWidenBlock) {
    const int64_t width = columns - at < kWidenBlock ? columns - at : kWidenBlock;
    const T* in = static_cast<const T*>(bytes) + at;
    double mean[kWidenBlock] = {}, square[kWidenBlock] = {};
    C buffer[kWidenBlock];
    for (int64_t first = 0; first < rows; first += kRows) {
      const int64_t count = rows - first < kRows ? rows - first : kRows;
      double block_mean[kWidenBlock] = {}, block_square[kWidenBlock] = {};
      for (int64_t r = first; r < first + count; ++r) {
        fetch_row(in + (r + kRowsAhead) * stride, width);
        const C* row = widened(in + r * stride, width, buffer);
        for (int64_t c = 0; c < width; ++c) block_mean[c] += static_cast<double>(row[c]);
      }
      for (int64_t c = 0; c < width; ++c) block_mean[c] /= static_cast<double>(count);
      for (int64_t r = first; r < first + count; ++r) {
        const C* row = widened(in + r * stride, width, buffer);
        for (int64_t c = 0; c < width; ++c) {
          const double distance = static_cast<double>(row[c]) - block_mean[c];
          block_square[c] += distance * distance;
        }
      }
      const double share = static_cast<double>(count) / static_cast<double>(first + count);
      for (int64_t c = 0; c < width; ++c) {
        const double distance = block_mean[c] - mean[c];
        mean[c] += distance * share;
        square[c] += block_square[c] + distance * distance * share * static_cast<double>(first);
      }
    }
    std::memcpy(means + at, mean, static_cast<size_t>(width) * sizeof(double));
    std::memcpy(squares + at, square, static_cast<size_t>(width) * sizeof(double));
  }
}

template <class... T>
constexpr MomentKernels moment_kernels() {
  return {{{sum_of_magnitudes<T>, sum_of_squares<T>, moments_of<T>, moments_of_columns<T>}...}};
}

constexpr MomentKernels kMomentKernels = moment_kernels<float, float16, bfloat16, double>();
