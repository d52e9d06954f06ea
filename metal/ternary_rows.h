// Ternary weights for matvec_rows.h. A lane loads 16 bytes: four rows of one block. A simdgroup's
// load is 512 bytes in a row: 16 rows of 128 columns.
#pragma once

#include "matvec_rows.h"
#include "ternary_panel.h"

// With int8-valued x every float here is an integer below 2^13, so that an int Sum is exact for
// columns below 2^24.
template <typename S, bool kGrouped>
struct TernaryRows {
  using Sum = S;
  static constant constexpr uint kLaneRows = 4;
  static constant constexpr uint kRowLanes = 4;
  static constant constexpr uint kLaneColumns = kPanelColumns;

  device const uint* codes;
  device const float* scales;
  uint blocks;
  uint groups;
  uint group_size;
  uint thousands;
  uint row;

  METAL_FUNC void begin(uint first) { row = first; }

  struct Piece {
    uint4 four_rows;
    float4 scale;
  };
  template <bool>
  METAL_FUNC Piece fetch(uint column) const {
    Piece piece;
    piece.four_rows = *(device const uint4*)(codes + codes_at(row, column / kPanelColumns, blocks));
    if (kGrouped) {
      piece.scale = *(device const float4*)(scales + scale_at(row, column / group_size, groups));
    }
    return piece;
  }

  template <uint kBatch>
  METAL_FUNC void accumulate(thread const Piece& piece, thread float4 (&x)[kBatch][4],
                             thread Sum (&sums)[4][kBatch]) const {
    for (uint i = 0; i < 4; ++i) {
      float4 weights[4];
      for (uint f = 0; f < 4; ++f) {
        const half2 even = ternary_pair(piece.four_rows[i], f, thousands);
        const half2 odd = ternary_pair(piece.four_rows[i] >> 8, f, thousands);
        weights[f] = float4(even[0], odd[0], even[1], odd[1]);
      }
      for (uint b = 0; b < kBatch; ++b) {
        float sum = 0;
        for (uint f = 0; f < 4; ++f) sum = fma_dot(weights[f], x[b][f], sum);
        sums[i][b] += Sum(kGrouped ? sum * piece.scale[i] : sum);
      }
    }
  }
};
