// The parts of softmax over a row, or over a chunk of a long one.
#pragma once

#include <cmath>
#include <cstdint>

#include "bitmetal/dtype.h"

namespace bitmetal::cpu {

// The sum of e^(x - top) over some elements x, the greatest of which is at most 1 above `top`. A
// NaN among them makes both NaN; where top is an infinity, the sum means nothing.
struct ExponentialSum {
  double top, sum;
};
inline ExponentialSum join_sums(const ExponentialSum& a, const ExponentialSum& b) {
  if (std::isnan(a.top) || std::isnan(b.top)) return {NAN, NAN};
  const ExponentialSum& high = a.top < b.top ? b : a;
  const ExponentialSum& low = a.top < b.top ? a : b;
  if (std::isinf(high.top) || std::isinf(low.top)) return high;
  return {high.top, high.sum + low.sum * std::exp(low.top - high.top)};
}
// log of the sum of e^x.
inline double log_of(const ExponentialSum& s) {
  return std::isinf(s.top) ? s.top : s.top + std::log(s.sum);
}

// Values are computed in float64 for float64 and in float32 for the other types; `e` is an array of
// that type.
struct SoftmaxTypeKernels {
  // Whole rows; `e` has place for one.
  void (*rows)(const void* in, int64_t rows, int64_t n, void* e, void* out);
  // e[i] = exp(in[i] - top); the sum of all. n <= kChunk. `e` may be null.
  double (*exponentials)(const void* in, int64_t n, double top, void* e);
  // out[i] = e[i] * factor
  void (*scale)(const void* e, int64_t n, double factor, void* out);
  // out[i] = exp(in[i] - top) * factor
  void (*scaled_exponentials)(const void* in, int64_t n, double top, double factor, void* out);
  // Down columns; row r begins at in + r * stride.
  void (*column_sums)(const void* in, int64_t rows, int64_t stride, int64_t columns,
                      ExponentialSum* sums);
  // e^(in - top) * factor of the column; row r is written to out + r * out_stride.
  void (*columns)(const void* in, int64_t rows, int64_t stride, int64_t columns, const double* tops,
                  const double* factors, void* out, int64_t out_stride);
};

struct SoftmaxKernels {
  SoftmaxTypeKernels type[4];  // f32, f16, bf16, f64

  const SoftmaxTypeKernels& of(DType dtype) const { return type[static_cast<int>(dtype)]; }
};

}  // namespace bitmetal::cpu
