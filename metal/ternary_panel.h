// The layout of ternary weights: 16 rows make a panel, a panel is a run of 64-byte blocks along the
// columns, a block is 16 rows by 16 columns. Dword r of a block holds row r: byte c, bits 2f..2f+1,
// is the code T + 1 of column 4f + c. Rows and columns are padded with code 1, which is T = 0.
// Scales are [panels][groups][16 rows].
#pragma once

#include "numeric.h"

constant constexpr uint kPaddingCodes = 0x55555555;  // sixteen codes 1

METAL_FUNC uint pair_bits(constant TernaryMatmulParams& p) { return 0x64006400u | p.zero; }

METAL_FUNC uint panel_count(uint rows) { return (rows + kPanelRows - 1) / kPanelRows; }
METAL_FUNC uint block_count(uint columns) { return (columns + kPanelColumns - 1) / kPanelColumns; }

// Where the sixteen codes of a row that start at column 16 * block are, counted in dwords.
METAL_FUNC ulong codes_at(uint row, uint block, uint blocks) {
  return (ulong(row / kPanelRows) * blocks + block) * kPanelRows + row % kPanelRows;
}

METAL_FUNC ulong scale_at(uint row, uint group, uint groups) {
  return (ulong(row / kPanelRows) * groups + group) * kPanelRows + row % kPanelRows;
}

// T of the columns 4 * field and 4 * field + 2, or, of codes moved by a byte, of their neighbours.
// Two of them are one operation where they are: a half of the bits of 1024 and a code times 4^field
// is 1024 + 4^field * code. `thousands` is pair_bits(p): the mask and the bits are one
// instruction's where not both are constants.
METAL_FUNC half2 ternary_pair(uint codes, uint field, uint thousands) {
  const half unit = half(1.0f / float(1u << 2 * field));
  const uint bits = (codes & (0x00030003u << 2 * field)) | thousands;
  return fma(as_type<half2>(bits), half2(unit), half2(half(-1024) * unit - half(1)));
}

// Field f of all four bytes: the codes of columns 4f .. 4f + 3 in order.
METAL_FUNC uchar4 codes_of_field(uint codes, uint field) {
  return as_type<uchar4>(codes >> (2 * field) & 0x03030303u);
}
