// Element-wise operations on contiguous runs: one step of an expression.
#pragma once

#include <cstdint>
#include <iterator>

#include "bitmetal/elementwise.h"

namespace bitmetal::cpu {

// `out` may be one of the operands.
using ElementwiseRun = void (*)(const void* const* operands, void* out, int64_t n);

// Two operations in one pass over memory, rounded as two: second(first(a, b), c).
enum class ElementwisePair : uint8_t { multiply_add, multiply_subtract, maximum_minimum };
inline constexpr int kElementwisePairs = 3;

struct ElementwiseKernels {
  ElementwiseRun run[kElementwiseOps][std::size(kDTypes)];  // by the type of the last operand
  // The same with one element as the first, or as the second, of two operands; null where there is
  // no such kernel.
  ElementwiseRun run_scalar[2][kElementwiseOps][std::size(kDTypes)];
  // Where bit 0 of the second index is set b is one element, where bit 1 is c.
  ElementwiseRun run_pair[kElementwisePairs][4][std::size(kDTypes)];

  ElementwiseRun of(Elementwise op, DType type) const {
    return run[static_cast<int>(op)][static_cast<int>(type)];
  }
  ElementwiseRun with_scalar(int operand, Elementwise op, DType type) const {
    return run_scalar[operand][static_cast<int>(op)][static_cast<int>(type)];
  }
  ElementwiseRun of_pair(ElementwisePair pair, int scalars, DType type) const {
    return run_pair[static_cast<int>(pair)][scalars][static_cast<int>(type)];
  }
};

}  // namespace bitmetal::cpu
