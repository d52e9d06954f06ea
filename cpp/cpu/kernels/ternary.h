// The functions that an instruction set provides for ternary matrices.
#pragma once

#include <cstdint>

#include "core/half.h"

namespace bitmetal::cpu {

// Those that read or write floating-point values of type T.
template <class T>
struct TernaryTypeKernels {
  // Sum of |w[i]| in double. NaN or infinity where w holds one.
  double (*sum_of_magnitudes)(const T* w, int64_t n);
};

struct TernaryKernels {
  TernaryTypeKernels<float> f32;
  TernaryTypeKernels<float16> f16;
  TernaryTypeKernels<bfloat16> bf16;

  const TernaryTypeKernels<float>& of(const float*) const { return f32; }
  const TernaryTypeKernels<float16>& of(const float16*) const { return f16; }
  const TernaryTypeKernels<bfloat16>& of(const bfloat16*) const { return bf16; }
};

}  // namespace bitmetal::cpu
