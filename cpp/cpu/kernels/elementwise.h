// Element-wise operations on contiguous runs: one step of an expression.
#pragma once

#include <cstdint>
#include <iterator>

#include "bitmetal/elementwise.h"

namespace bitmetal::cpu {

// `out` may be one of the operands.
using ElementwiseRun = void (*)(const void* const* operands, void* out, int64_t n);

struct ElementwiseKernels {
  ElementwiseRun run[kElementwiseOps][std::size(kDTypes)];  // by the type of the last operand

  ElementwiseRun of(Elementwise op, DType type) const {
    return run[static_cast<int>(op)][static_cast<int>(type)];
  }
};

}  // namespace bitmetal::cpu
