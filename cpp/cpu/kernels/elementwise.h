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
  // The same with one element as the first, or as the second, of two operands; null where there is
  // no such kernel.
  ElementwiseRun run_scalar[2][kElementwiseOps][std::size(kDTypes)];

  ElementwiseRun of(Elementwise op, DType type) const {
    return run[static_cast<int>(op)][static_cast<int>(type)];
  }
  ElementwiseRun with_scalar(int operand, Elementwise op, DType type) const {
    return run_scalar[operand][static_cast<int>(op)][static_cast<int>(type)];
  }
};

}  // namespace bitmetal::cpu
