// Elements moved from any stride to any other, whatever they mean: only their size counts.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace bitmetal::cpu {

// Rows of n elements. Strides, between elements, and steps, between rows, are in elements and may
// be negative or 0. What is written is nothing that is read.
struct Moves {
  const std::byte* from;
  int64_t from_stride;
  std::byte* to;
  int64_t to_stride, n;
  int64_t rows = 1, from_step = 0, to_step = 0;
};

struct MoveKernels {
  void (*run[4])(const Moves&);  // for elements of 1, 2, 4 and 8 bytes

  auto of(int64_t size) const { return run[std::countr_zero(static_cast<uint64_t>(size))]; }
};

}  // namespace bitmetal::cpu
