// Sums over one chunk of a row of a floating type: what norms and variances are made of.
#pragma once

#include <cstdint>

#include "bitmetal/dtype.h"

namespace bitmetal::cpu {

// The sum of squared distances from the mean beside that.
struct Moments {
  double mean, squares;
};

// Those of two runs of elements, by T. F. Chan's formula: no difference of large sums.
inline Moments join_moments(Moments a, double count_a, Moments b, double count_b) {
  const double share = count_b / (count_a + count_b), distance = b.mean - a.mean;
  return {a.mean + distance * share, a.squares + b.squares + distance * distance * share * count_a};
}

// All of n <= kChunk elements, in double.
struct MomentTypeKernels {
  double (*magnitudes)(const void* in, int64_t n);
  double (*squares)(const void* in, int64_t n);
  Moments (*moments)(const void* in, int64_t n);
  // Of each column of a block, whose row r starts at in + r * stride: its mean and the sum of
  // squared distances from it.
  void (*moments_columns)(const void* in, int64_t rows, int64_t stride, int64_t columns,
                          double* mean, double* squares);
};

struct MomentKernels {
  MomentTypeKernels type[4];  // f32, f16, bf16, f64

  const MomentTypeKernels& of(DType dtype) const { return type[static_cast<int>(dtype)]; }
};

}  // namespace bitmetal::cpu
