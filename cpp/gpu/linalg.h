// Views of [batch, rows, columns] arrays for the blocked algorithms of linear algebra.
#pragma once

#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

inline Array block(const Array& a, int64_t row, int64_t column, int64_t rows, int64_t columns) {
  return a.with({a.shape(0), rows, columns}, a.strides(), row * a.stride(1) + column * a.stride(2));
}

inline Array transposed(const Array& a) {
  return a.with({a.shape(0), a.shape(2), a.shape(1)}, {a.stride(0), a.stride(2), a.stride(1)});
}

inline uint32_t side(int64_t n) { return static_cast<uint32_t>(n); }

}  // namespace bitmetal::gpu
