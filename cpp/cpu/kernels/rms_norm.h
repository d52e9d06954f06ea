// The parts of an RMS norm over a row, or over a chunk of a long one.
#pragma once

#include <cstdint>

#include "bitmetal/dtype.h"

namespace bitmetal::cpu {

struct RmsNormTypeKernels {
  // out[i] = in[i] * factor * weight[i]; `weight` is of the type of `in`, or null.
  void (*normalize)(const void* in, int64_t n, double factor, const void* weight, void* out);
};

struct RmsNormKernels {
  RmsNormTypeKernels type[4];  // f32, f16, bf16, f64

  const RmsNormTypeKernels& of(DType dtype) const { return type[static_cast<int>(dtype)]; }
};

}  // namespace bitmetal::cpu
