// Running sums and products.
#pragma once

#include "cpu/kernels/reduce.h"

namespace bitmetal::cpu {

constexpr int64_t kScanColumns = 512;  // totals of 4 KiB, rows of 512 bytes up

// For one element type. The results have the type itself where it is a floating one, which are
// accumulated in double; else they are int64 (modulo 2^64).
struct ScanTypeKernels {
  // out[i] = start, in[0], ... and in[i] joined; returns the last before it is rounded.
  Sum (*run)(bool product, const void* in, int64_t n, Sum start, void* out);
  // Row after row, of at most kScanColumns elements: totals[c] is joined with each in[c] and
  // written to out[c]. Row r begins at in + r * stride and at out + r * out_stride.
  void (*rows)(bool product, const void* in, int64_t rows, int64_t stride, int64_t columns,
               Sum* totals, void* out, int64_t out_stride);
};

struct ScanKernels {
  ScanTypeKernels type[std::size(kDTypes)];

  const ScanTypeKernels& of(DType dtype) const { return type[static_cast<int>(dtype)]; }
};

}  // namespace bitmetal::cpu
