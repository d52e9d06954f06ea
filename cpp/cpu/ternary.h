// What the cpu device's ternary operations share.
#pragma once

#include <algorithm>

#include "bitmetal/ternary.h"
#include "cpu/isa/kernels.h"

namespace bitmetal::cpu {

// All panels. The codes are those of a matrix of two-bit codes; take_panels() gives any matrix's.
inline Panels panels_of(const TernaryMatrix& w) {
  return {w.codes.data_as<uint8_t>(), w.scales.data_as<float>(), w.panels(), w.blocks(),
          ceil_div(w.group_size, kBlockColumns)};
}

inline int64_t trit_fives(const TernaryMatrix& w) { return ceil_div(w.blocks(), kTritBlocks); }

// Some panels of a matrix of trits as they lie in memory.
inline Panels trit_panels(const TernaryMatrix& w, int64_t first, int64_t count) {
  Panels panels = panels_of(w);
  panels.codes += first * trit_fives(w) * (kTritBlocks - 1) * kBlockBytes;
  panels.scales += first * panels.groups() * kPanelRows;
  panels.count = count;
  return panels;
}

// One panel of trits as two-bit codes. Writes whole fives of blocks: up to kTritSpill bytes beyond
// the panel's own.
inline constexpr size_t kTritSpill = (kTritBlocks - 1) * kBlockBytes;
inline void expand_panel(const TernaryMatrix& w, int64_t panel, uint8_t* codes) {
  kernels().ternary.expand_trits(trit_panels(w, panel, 1).codes, trit_fives(w), codes);
}

// Some panels for a product, of trits expanded into `memory`, which has expanded_bytes().
inline size_t expanded_bytes(const TernaryMatrix& w, int64_t count) {
  if (w.packing == Packing::two_bits) return 0;
  return static_cast<size_t>(count * w.blocks() * kBlockBytes) + kTritSpill;
}
inline Panels take_panels(const TernaryMatrix& w, int64_t first, int64_t count, std::byte* memory) {
  Panels panels = panels_of(w);
  if (w.packing == Packing::two_bits) return panels.from(first, count);
  auto* codes = reinterpret_cast<uint8_t*>(memory);
  for (int64_t p = 0; p < count; ++p) {
    expand_panel(w, first + p, codes + p * w.blocks() * kBlockBytes);  // over the last's spill
  }
  panels.codes = codes;
  panels.scales += first * panels.groups() * kPanelRows;
  panels.count = count;
  return panels;
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
