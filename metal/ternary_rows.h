// Ternary weights for matvec_rows.h. A lane loads 16 bytes: four rows of one block. A simdgroup's
// load is 512 bytes in a row: 16 rows of 128 columns.
#pragma once

#include "matvec_rows.h"
#include "ternary_panel.h"

// Masking a field f in place leaves its codes times 4^f, which x times 4^-f, exact, makes good; one
// mask serves four weights. What is summed is (T + 1) x, and sum(x) comes off once for four rows.
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
  uint row;

  METAL_FUNC void begin(uint first) { row = first; }

  template <uint kBatch>
  METAL_FUNC void accumulate(uint column, thread float4 (&x)[kBatch][4],
                             thread Sum (&sums)[4][kBatch]) const {
    const uint4 four_rows =
        *(device const uint4*)(codes + codes_at(row, column / kPanelColumns, blocks));
    float4 scale = float4(1);
    if (kGrouped)
      scale = *(device const float4*)(scales + scale_at(row, column / group_size, groups));
    for (uint b = 0; b < kBatch; ++b) {
      const float4 whole = x[b][0] + x[b][1] + x[b][2] + x[b][3];
      const float offset = whole.x + whole.y + whole.z + whole.w;
      const float4 scaled[4] = {x[b][0], x[b][1] * 0x1p-2f, x[b][2] * 0x1p-4f, x[b][3] * 0x1p-6f};
      for (uint i = 0; i < 4; ++i) {
        float sum = 0;
        for (uint f = 0; f < 4; ++f) {
          const uint in_place = four_rows[i] & (0x03030303u << (2 * f));
          sum = fma_dot(float4(as_type<uchar4>(in_place)), scaled[f], sum);
        }
        sums[i][b] += Sum(kGrouped ? (sum - offset) * scale[i] : sum - offset);
      }
    }
  }
};
