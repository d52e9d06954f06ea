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
template <class T>
double sum_of_squares_about(const void* in, int64_t n, double center) {
  return sum_of_terms<T>(in, n, SquareAbout<double>{center});
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
  return {{{sum_of_magnitudes<T>, sum_of_squares<T>, sum_of_squares_about<T>,
            moments_of_columns<T>}...}};
}

constexpr MomentKernels kMomentKernels = moment_kernels<float, float16, bfloat16, double>();
