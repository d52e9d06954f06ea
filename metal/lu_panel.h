// The LU factorization with partial pivoting of a panel of kLuPanel columns or fewer, in place.
//
//   buffer 0  panel, rows of neighbouring elements        1  int pivots, a panel's steps of them
//   2  int info        3  LuPanelParams
//   A threadgroup a matrix. lu_panel_1 and _2 hold a row or two a thread in registers: rows is at
//   most their number of threads, or twice that. lu_panel_0 takes any number of rows.
//
// pivots: the row of the panel that step j swapped with row j. info, where it was 0, gets the place
// in the matrix, from 1, of the first pivot that is exactly zero.
#pragma once

#include "numeric.h"

constant constexpr ushort kLuSimdgroups = kLuThreads / kSimdWidth;

// A pivot to choose: the largest bits (NaN's are the largest of all), of equals the first row.
struct PivotCandidate {
  uint bits;
  uint row;
};

METAL_FUNC PivotCandidate better(PivotCandidate a, PivotCandidate b) {
  return a.bits > b.bits || (a.bits == b.bits && a.row < b.row) ? a : b;
}

// A step as the rows see it. Rows are kept turned: at step j place p holds column
// (p + j) % kLuPanel, so that registers are addressed by constants.
struct Elimination {
  uint row;    // the step, and the row that the pivot comes to
  uint pivot;  // where it comes from
  threadgroup const float* pivot_row;
  threadgroup const float* other_row;  // which was at `row`
};

METAL_FUNC void eliminate_row(thread float* x, uint row, Elimination by) {
  if (row == by.row || row == by.pivot) {
    threadgroup const float* from = row == by.row ? by.pivot_row : by.other_row;
    for (ushort c = 0; c < kLuPanel; ++c) x[c] = from[c];
  }
  const float pivot = by.pivot_row[0];
  float factor = 0.0f;
  if (row > by.row && pivot != 0.0f) factor = x[0] / pivot;
  const float first = row > by.row ? factor : x[0];
  for (ushort c = 1; c < kLuPanel; ++c) {
    const float step = c + by.row < kLuPanel ? by.pivot_row[c] : 0.0f;  // not where L is
    x[c - 1] = fma(-factor, step, x[c]);
  }
  x[kLuPanel - 1] = first;
}

template <ushort kRows>
[[kernel, max_total_threads_per_threadgroup(512)]] void lu_panel(
    device float* panel [[buffer(0)]], device int* pivots [[buffer(1)]],
    device int* info [[buffer(2)]], constant LuPanelParams& p [[buffer(3)]],
    uint batch [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]],
    uint threads [[threads_per_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  constexpr ushort kHeld = kRows == 0 ? 1 : kRows;
  // Of every SIMD group the best candidate with its row; and the row that gives way. Two of each:
  // a step may write while others still read those of the step before.
  threadgroup PivotCandidate candidates[2][kLuSimdgroups];
  threadgroup float candidate_rows[2][kLuSimdgroups * kLuPanel];
  threadgroup float step_row[2][kLuPanel];
  panel += long(batch) * p.batch_stride;
  pivots += long(batch) * p.pivots_batch_stride;

  const uint passes = kRows == 0 ? (p.rows + threads - 1) / threads : kRows;
  float x[kHeld][kLuPanel];
  Elimination by{0, 0, step_row[0], step_row[0]};
  int zero_at = 0;
  for (ushort j = 0;; ++j) {
    PivotCandidate best{0, 0xffffffffu};
#pragma unroll
    for (uint held = 0; held < passes; ++held) {
      const uint row = index + held * threads;
      if (row >= p.rows) break;
      thread float* mine = x[kRows == 0 ? 0 : held];
      device float* line = panel + long(row) * p.row_stride;
      if (kRows == 0 || j == 0) {
        for (ushort c = 0; c < kLuPanel; ++c) {
          const ushort column = (c + max(j, ushort(1)) - 1) % kLuPanel;
          mine[c] = column < p.columns ? line[column] : 0.0f;
        }
      }
      if (j > 0) {
        eliminate_row(mine, row, by);
        if (kRows == 0) {
          for (ushort c = 0; c < kLuPanel; ++c) {
            const ushort column = (c + j) % kLuPanel;
            if (column < p.columns) line[column] = mine[c];
          }
        }
      }
      if (j == p.steps) continue;
      if (row == j) {
        for (ushort c = 0; c < kLuPanel; ++c) step_row[j % 2][c] = mine[c];
      }
      if (row >= j) best = better(best, PivotCandidate{as_type<uint>(mine[0]) & 0x7fffffffu, row});
    }
    if (j == p.steps) break;

    const uint own = best.row;
    for (ushort mask = kSimdWidth / 2; mask > 0; mask /= 2) {
      best = better(best, PivotCandidate{simd_shuffle_xor(best.bits, mask),
                                         simd_shuffle_xor(best.row, mask)});
    }
    if (own == best.row && own != 0xffffffffu) {
      candidates[j % 2][simdgroup] = best;
      threadgroup float* row = candidate_rows[j % 2] + simdgroup * kLuPanel;
#pragma unroll
      for (ushort held = 0; held < kHeld; ++held) {
        if (kRows > 0 && own != index + held * threads) continue;
        for (ushort c = 0; c < kLuPanel; ++c) {
          if (kRows > 0) {
            row[c] = x[held][c];
          } else {
            const ushort column = (c + j) % kLuPanel;
            row[c] = column < p.columns ? panel[long(own) * p.row_stride + column] : 0.0f;
          }
        }
      }
    } else if (lane == 0 && best.row == 0xffffffffu) {
      candidates[j % 2][simdgroup] = best;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    best = candidates[j % 2][0];
    uint from = 0;
    for (uint s = 1; s < simdgroups; ++s) {
      const PivotCandidate other = candidates[j % 2][s];
      if (better(other, best).row != best.row) {
        best = other;
        from = s;
      }
    }
    by = Elimination{j, best.row, candidate_rows[j % 2] + from * kLuPanel, step_row[j % 2]};
    if (best.bits == 0 && zero_at == 0) zero_at = p.first + j + 1;
    if (index == 0) pivots[j] = best.row;
  }

  if (index == 0 && zero_at != 0 && info[batch] == 0) info[batch] = zero_at;
  if (kRows == 0) return;
#pragma unroll
  for (uint held = 0; held < passes; ++held) {
    const uint row = index + held * threads;
    if (row >= p.rows) break;
    thread float* mine = x[held];
    device float* line = panel + long(row) * p.row_stride;
    for (ushort j = p.steps; j < kLuPanel; ++j) {
      const float first = mine[0];
      for (ushort c = 1; c < kLuPanel; ++c) mine[c - 1] = mine[c];
      mine[kLuPanel - 1] = first;
    }
    for (ushort c = 0; c < kLuPanel; ++c) {
      if (c < p.columns) line[c] = mine[c];
    }
  }
}
