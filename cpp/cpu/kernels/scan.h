// Running sums and products.
#pragma once

#include "cpu/kernels/reduce.h"

namespace bitmetal::cpu {

// For one element type. The results have the type itself where it is a floating one, which are
// accumulated in double; else they are int64 (modulo 2^64).
struct ScanTypeKernels {
  // out[i] = start, in[0], ... and in[i] joined; returns the last before it is rounded.
  Sum (*run)(bool product, const void* in, int64_t n, Sum start, void* out);
  // totals[i] is joined with in[i] and written to out[i].
  void (*row)(bool product, const void* in, int64_t n, Sum* totals, void* out);
};

struct ScanKernels {
  ScanTypeKernels type[std::size(kDTypes)];

  const ScanTypeKernels& of(DType dtype) const { return type[static_cast<int>(dtype)]; }
};

}  // namespace bitmetal::cpu
