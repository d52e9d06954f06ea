// How the host names and launches the kernels of metal/.
#pragma once

#include <string>

#include "bitmetal/array.h"
#include "gpu/stream.h"
#include "params.h"

namespace bitmetal::gpu {

// The type's part of a kernel's name.
constexpr const char* suffix_of(DType t) {
  switch (t) {
    case DType::f32: return "f32";
    case DType::f16: return "f16";
    case DType::bf16: return "bf16";
    case DType::i8: return "i8";
    case DType::u8: return "u8";
    case DType::i32: return "i32";
    case DType::i64: return "i64";
    case DType::boolean: return "bool";
    default: return "f64";  // which no kernel has
  }
}

// A thread `each` elements: (x, y) threads, since one dimension of a grid ends at 2^32 - 1.
inline Grid grid_of_elements(uint64_t count, uint64_t each = 1) {
  constexpr uint64_t kThreads = 256, kMaxGroups = uint64_t{1} << 23;
  const uint64_t groups = (count + kThreads * each - 1) / (kThreads * each);
  const uint64_t rows = (groups + kMaxGroups - 1) / kMaxGroups;
  return Grid::of_groups((groups + rows - 1) / rows, rows, 1, kThreads);
}

// `a` with strides of 0 and more: kernels never read below the address that they are bound to.
Array forwards(const Array& a);

// Whether the elements of `a` begin at a multiple of `bytes`. Foreign memory may begin anywhere.
inline bool aligned_to(const Array& a, size_t bytes) {
  return reinterpret_cast<uintptr_t>(a.data()) % bytes == 0;
}

// `a` as all the bytes that it touches, seen from the lowest one on: what a kernel is bound to
// where strides may be negative. `lowest` is that element, counted from the first.
Array elements_from(const Array& a, int64_t lowest);

// Whether kernels may load four neighbouring elements at a time, at multiples of `step` from the
// start of `a`.
inline bool aligned_for_vectors(const Array& a, int64_t step) {
  return aligned_to(a, 4 * size_of(a.dtype())) && step % 4 == 0;
}

// The same for eight neighbours in loads of up to 16 bytes, as the operands of matrix products take
// them (operand.h).
inline bool aligned_for_eights(const Array& a, int64_t step) {
  const int64_t bytes = std::min<int64_t>(16, 8 * size_of(a.dtype()));
  return aligned_to(a, bytes) && step * size_of(a.dtype()) % bytes == 0;
}

// Elements of a thread that walks flat arrays (neighbours.h).
constexpr uint64_t kFlatEach = 4 * kernels::kFlatPieces;

// How rows of neighbours are walked, a threadgroup each (held_row.h). Of `beside`, which have a
// row's length, some may be null.
struct HeldRows {
  kernels::RowParams params;
  FunctionConstants constants;
  Grid grid;

  HeldRows(const Array& in, const Array& out, double eps,
           std::initializer_list<const Array*> beside);
};

}  // namespace bitmetal::gpu
