// The parts of softmax over a row, or over a chunk of a long one.
#pragma once

#include <cstdint>

#include "bitmetal/dtype.h"

namespace bitmetal::cpu {

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
};

struct SoftmaxKernels {
  SoftmaxTypeKernels type[4];  // f32, f16, bf16, f64

  const SoftmaxTypeKernels& of(DType dtype) const { return type[static_cast<int>(dtype)]; }
};

}  // namespace bitmetal::cpu
