// The last step of a layer norm over a row.
#pragma once

#include <cstdint>

#include "bitmetal/dtype.h"

namespace bitmetal::cpu {

struct LayerNormTypeKernels {
  // out[i] = (in[i] - mean) * factor * weight[i] + bias[i]; `weight` and `bias` are of the type of
  // `in`, or null.
  void (*normalize)(const void* in, int64_t n, double mean, double factor, const void* weight,
                    const void* bias, void* out);
};

struct LayerNormKernels {
  LayerNormTypeKernels type[4];  // f32, f16, bf16, f64

  const LayerNormTypeKernels& of(DType dtype) const { return type[static_cast<int>(dtype)]; }
};

}  // namespace bitmetal::cpu
