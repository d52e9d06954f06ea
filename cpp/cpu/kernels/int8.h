// Products of int8 matrices.
#pragma once

#include <cstdint>

namespace bitmetal::cpu {

struct Int8Kernels {
  // out[i * stride + j] = the product of row i of a and row j of b, k elements each, modulo 2^32.
  void (*multiply)(const int8_t* a, int64_t m, const int8_t* b, int64_t n, int64_t k, int32_t* out,
                   int64_t stride);
};

}  // namespace bitmetal::cpu
