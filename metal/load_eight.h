// What kernels that quantize begin with: eight neighbours a lane, and their magnitudes.
#pragma once

#include "numeric.h"

constant bool vector_x [[function_constant(6)]];

// Magnitudes as bits are in the order of the floats, infinity and then NaN at the end.
METAL_FUNC uint magnitude(float x) { return as_type<uint>(x) & 0x7fffffffu; }

// Elements of x from `at` on, which is a multiple of 8; zeros beyond its `count`.
template <typename T>
METAL_FUNC void load_eight(device const T* x, ulong at, ulong count, thread float (&values)[8]) {
  if (vector_x && at + 8 <= count) {
    const vec<T, 4> first = *(device const vec<T, 4>*)(x + at);
    const vec<T, 4> second = *(device const vec<T, 4>*)(x + at + 4);
    for (uint i = 0; i < 4; ++i) {
      values[i] = float(first[i]);
      values[4 + i] = float(second[i]);
    }
  } else {
    for (uint i = 0; i < 8; ++i) values[i] = at + i < count ? float(x[at + i]) : 0.0f;
  }
}
