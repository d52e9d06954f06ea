// What the cpu device's ternary operations share.
#pragma once

#include <algorithm>

#include "bitmetal/ternary.h"
#include "cpu/kernels/ternary.h"

namespace bitmetal::cpu {

inline Panels panels_of(const TernaryMatrix& w) {
  return {w.codes.data_as<uint8_t>(), w.scales.data_as<float>(), w.panels(), w.blocks(),
          ceil_div(w.group_size, kBlockColumns)};
}

// The codes of one row from a block on.
inline uint8_t* row_codes(const TernaryMatrix& w, int64_t row, int64_t block) {
  return w.codes.data_as<uint8_t>() + (row / kPanelRows * w.blocks() + block) * kBlockBytes +
         row % kPanelRows * 4;
}

inline float& scale_of(const TernaryMatrix& w, int64_t row, int64_t group) {
  return w.scales
      .data_as<float>()[(row / kPanelRows * w.groups() + group) * kPanelRows + row % kPanelRows];
}

// Calls body(row, column, count, group) for the pieces of one panel, all its rows before the next
// columns, so that the blocks which the rows share stay in the level-2 cache: 64 KiB of codes.
// Shorter pieces halve the speed of what streams through memory; the processor's prefetching starts
// anew with each.
template <class Body>
void for_each_piece(const TernaryMatrix& w, int64_t panel, Body body) {
  constexpr int64_t kPiece = 16384;  // columns
  const int64_t begin = panel * kPanelRows, end = std::min(w.rows, begin + kPanelRows);
  for (int64_t column = 0; column < w.columns;) {
    const int64_t group = column / w.group_size;
    const int64_t count =
        std::min({kPiece, (group + 1) * w.group_size - column, w.columns - column});
    for (int64_t row = begin; row < end; ++row) body(row, column, count, group);
    column += count;
  }
}

}  // namespace bitmetal::cpu
