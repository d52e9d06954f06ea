// The QR factorization of a panel of kQrPanel columns or fewer by Householder reflections:
// H(0) H(1) .. = I - V T V^T. R goes to and above the panel's diagonal, V, whose diagonal is ones,
// below.
//
//   buffer 0  panel, rows of neighbouring elements        1  T, [kQrPanel, kQrPanel], upper
//   2  QrPanelParams
//   A threadgroup a matrix. qr_panel_1 and _2 hold a row or two a thread in registers: rows is at
//   most their number of threads, or twice that. qr_panel_0 takes any number of rows.
//
// Columns are scaled by powers of two to a largest element near 1 first: that changes neither V
// nor T, sums of squares neither overflow nor lose a column, and R gets the scales back.
#pragma once

#include "numeric.h"

constant constexpr ushort kQrSimdgroups = kQrThreads / kSimdWidth;

struct SumOf {
  METAL_FUNC static float join(float a, float b) { return a + b; }
};
struct MaxOf {
  METAL_FUNC static float join(float a, float b) { return max(a, b); }
};

// Joins values[i] of all lanes for lane i, in values[0]: halves are exchanged, so that 31 shuffles
// do for all 32. kApart is a constant for the values to stay in registers.
template <typename Op, ushort kApart>
METAL_FUNC void exchange(thread float* values, ushort lane) {
  const bool upper = (lane & kApart) != 0;
  for (ushort i = 0; i < kApart; ++i) {
    const float kept = upper ? values[i + kApart] : values[i];
    const float sent = upper ? values[i] : values[i + kApart];
    values[i] = Op::join(kept, shuffle_xor(sent, kApart));
  }
}

template <typename Op>
METAL_FUNC float join_for_lane(thread float* values, ushort lane) {
  exchange<Op, 16>(values, lane);
  exchange<Op, 8>(values, lane);
  exchange<Op, 4>(values, lane);
  exchange<Op, 2>(values, lane);
  exchange<Op, 1>(values, lane);
  return values[0];
}

// A step of the factorization as the rows see it. Rows are kept turned: at step j place p holds
// column (p + j) % kQrPanel, so that registers are addressed by constants.
struct Reflection {
  uint pivot;                         // its row
  float beta;                         // which the pivot becomes
  float inverse;                      // v = column * inverse below the pivot
  threadgroup const float4* factors;  // by place, v times which is subtracted
};

METAL_FUNC void reflect_row(thread float* x, uint row, Reflection by) {
  const float v = row < by.pivot ? 0.0f : row == by.pivot ? 1.0f : x[0] * by.inverse;
  const float first = row < by.pivot ? x[0] : row == by.pivot ? by.beta : v;
  for (ushort q = 0; q < kQrPanel / 4; ++q) {
    const float4 factor = by.factors[q];
    for (ushort i = 0; i < 4; ++i) {
      if (4 * q + i > 0) x[4 * q + i - 1] = fma(-v, factor[i], x[4 * q + i]);
    }
  }
  x[kQrPanel - 1] = first;
}

template <ushort kRows>
[[kernel, max_total_threads_per_threadgroup(512)]] void qr_panel(
    device float* panel [[buffer(0)]], device float* t [[buffer(1)]],
    constant QrPanelParams& p [[buffer(2)]], uint batch [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  constexpr ushort kHeld = kRows == 0 ? 1 : kRows;
  threadgroup float partial[2][kQrSimdgroups * kQrPanel];
  threadgroup float pivot_row[2][kQrPanel];
  threadgroup float scales[kQrPanel];
  threadgroup float4 factors[kQrSimdgroups][kQrPanel / 4];
  threadgroup float products[kQrPanel];
  threadgroup float t_rows[kQrPanel * (kQrPanel + 1)];
  panel += long(batch) * p.batch_stride;
  t += long(batch) * p.t_batch_stride;

  const uint passes = kRows == 0 ? (p.rows + threads - 1) / threads : kRows;
  float x[kHeld][kQrPanel];
  float sums[kQrPanel];
  for (ushort c = 0; c < kQrPanel; ++c) sums[c] = 0.0f;
#pragma unroll
  for (uint held = 0; held < passes; ++held) {
    const uint row = index + held * threads;
    const ushort h = kRows == 0 ? 0 : held;
    for (ushort c = 0; c < kQrPanel; ++c) {
      const bool inside = row < p.rows && c < p.columns;
      x[h][c] = inside ? panel[long(row) * p.row_stride + c] : 0.0f;
      sums[c] = max(sums[c], abs(x[h][c]));
    }
  }
  partial[1][simdgroup * kQrPanel + lane] = join_for_lane<MaxOf>(sums, lane);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (simdgroup == 0) {
    float largest = 0.0f;
    for (uint s = 0; s < simdgroups; ++s) largest = max(largest, partial[1][s * kQrPanel + lane]);
    scales[lane] = power_to_one(largest);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);

  Reflection by{0, 0.0f, 0.0f, factors[simdgroup]};
  for (ushort j = 0;; ++j) {
    for (ushort c = 0; c < kQrPanel; ++c) sums[c] = 0.0f;
#pragma unroll
    for (uint held = 0; held < passes; ++held) {
      const uint row = index + held * threads;
      thread float* mine = x[kRows == 0 ? 0 : held];
      device float* line = panel + long(row) * p.row_stride;
      if (kRows == 0) {
        for (ushort c = 0; c < kQrPanel; ++c) {
          const ushort column = (c + max(j, ushort(1)) - 1) % kQrPanel;
          mine[c] = row < p.rows && column < p.columns ? line[column] : 0.0f;
        }
      }
      if (j == 0) {
        for (ushort c = 0; c < kQrPanel; ++c) mine[c] *= scales[c];
      } else {
        reflect_row(mine, row, by);
      }
      if (kRows == 0 && row < p.rows) {
        for (ushort c = 0; c < kQrPanel; ++c) {
          const ushort column = (c + j) % kQrPanel;
          if (column < p.columns) line[column] = mine[c];
        }
      }
      if (j == p.steps) continue;
      if (row == j) {
        for (ushort c = 0; c < kQrPanel; ++c) pivot_row[j % 2][c] = mine[c];
      }
      const float first = row > j ? mine[0] : 0.0f;
      for (ushort c = 0; c < kQrPanel; ++c) sums[c] = fma(first, mine[c], sums[c]);
    }
    if (j == p.steps) break;

    // One reduction gives all products of the column with others: to its right for the reflection,
    // to its left, where V is, for T.
    partial[j % 2][simdgroup * kQrPanel + lane] = join_for_lane<SumOf>(sums, lane);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    float total = 0.0f;
    for (uint s = 0; s < simdgroups; ++s) total += partial[j % 2][s * kQrPanel + lane];
    const float below = simd_broadcast(total, 0), alpha = pivot_row[j % 2][0];
    float tau = 0.0f;
    by.pivot = j;
    by.beta = alpha;
    by.inverse = 0.0f;
    // What is smaller than 2^-45 of the column's largest element counts as zero.
    if (below > 0x1p-90f) {
      by.beta = -copysign(precise::sqrt(fma(alpha, alpha, below)), alpha);
      by.inverse = 1.0f / (alpha - by.beta);
      tau = (by.beta - alpha) / by.beta;
    } else if (is_nan(below)) {
      by.beta = by.inverse = tau = below;
    }
    const float product = fma(by.inverse, total, pivot_row[j % 2][lane]);
    const bool right = lane > 0 && lane < kQrPanel - j;
    threadgroup float* factor = (threadgroup float*)factors[simdgroup];
    factor[lane] = right ? tau * product : 0.0f;
    if (simdgroup == 0 && lane >= kQrPanel - j) products[lane + j - kQrPanel] = product;
    simdgroup_barrier(mem_flags::mem_threadgroup);
    if (simdgroup == 0) {
      threadgroup float* t_row = t_rows + lane * (kQrPanel + 1);
      float sum = 0.0f;
      for (ushort k = lane; k < j; ++k) sum = fma(t_row[k], products[k], sum);
      t_row[j] = lane < j ? -tau * sum : lane == j ? tau : 0.0f;
    }
  }

#pragma unroll
  for (uint held = 0; held < passes; ++held) {
    const uint row = index + held * threads;
    if (row >= p.rows) break;
    device float* line = panel + long(row) * p.row_stride;
    if (kRows == 0) {
      for (ushort c = row; c < p.columns; ++c) line[c] /= scales[c];
      continue;
    }
    thread float* mine = x[held];
    for (ushort j = p.steps; j < kQrPanel; ++j) {
      const float first = mine[0];
      for (ushort c = 1; c < kQrPanel; ++c) mine[c - 1] = mine[c];
      mine[kQrPanel - 1] = first;
    }
    for (ushort c = 0; c < kQrPanel; ++c) {
      if (c < p.columns) line[c] = c < row ? mine[c] : mine[c] / scales[c];
    }
  }
  if (simdgroup == 0) {
    for (ushort c = 0; c < kQrPanel; ++c) {
      t[lane * kQrPanel + c] = c < p.steps ? t_rows[lane * (kQrPanel + 1) + c] : 0.0f;
    }
  }
}
