// The matrix-vector engine: y[b, row] = sum over columns of W(row, column) x[b, column] for a batch
// of kBatch or less. Each `team` simdgroups of a threadgroup share the columns of a few rows: all
// of them where rows are few, one where there are enough rows to keep the GPU busy.
//
// Weights says how a simdgroup covers them: kRowLanes lanes side by side hold kLaneRows rows each,
// and a lane takes kLaneColumns neighbouring columns of them at a time. begin() tells it a lane's
// first row, fetch<whole>() loads a Piece of them, all of whose columns there are where it is
// whole, and accumulate() adds its products with x. A new storage format is a new Weights, or a
// format for blockwise_matvec.h's.
#pragma once

#include "numeric.h"

// Four elements of x as floats, zeros beyond its end.
template <typename X>
METAL_FUNC float4 load_four(device const X* x, uint column, uint columns, bool vector) {
  if (vector && column + 4 <= columns) return float4(*(device const vec<X, 4>*)(x + column));
  float4 four = float4(0);
  for (uint j = 0; j < 4 && column + j < columns; ++j) four[j] = float(x[column + j]);
  return four;
}

// Of those that have four more.
template <typename X>
METAL_FUNC float4 load_four(device const X* x, bool vector) {
  if (vector) return float4(*(device const vec<X, 4>*)x);
  return float4(float(x[0]), float(x[1]), float(x[2]), float(x[3]));
}

constant constexpr uint kMatvecSimdgroups = kMatvecThreads / kSimdWidth;

// Rows of a team.
template <typename Weights>
constant constexpr uint kMatvecRows = Weights::kLaneRows * Weights::kRowLanes;

// `shared` holds kMatvecSimdgroups * kMatvecRows * kBatch sums. `store(b, row, sum)` is called once
// an output. The threadgroup's simdgroups are a multiple of `team`.
template <uint kBatch, typename Weights, typename X, typename Store>
METAL_FUNC void matvec_rows(Weights weights, device const X* x, long x_row_stride, bool vector,
                            uint rows, uint columns, uint batch, Store store,
                            threadgroup typename Weights::Sum* shared, uint team, uint group,
                            uint index, uint simdgroup, uint simdgroups, uint lane) {
  using Sum = typename Weights::Sum;
  constexpr uint kFours = Weights::kLaneColumns / 4;
  constexpr uint kRows = kMatvecRows<Weights>;
  constexpr uint kSpan = kSimdWidth / Weights::kRowLanes * Weights::kLaneColumns;
  const uint row0 = group * (simdgroups / team) * kRows;  // of the threadgroup

  Sum sums[Weights::kLaneRows][kBatch];
  for (uint i = 0; i < Weights::kLaneRows; ++i) {
    for (uint b = 0; b < kBatch; ++b) sums[i][b] = Sum(0);
  }
  weights.begin(row0 + simdgroup / team * kRows + lane % Weights::kRowLanes * Weights::kLaneRows);
  uint start = simdgroup % team * kSpan;
  // Where all lanes have columns, loads of the next spans are under way.
  constexpr uint kSpans = kBatch > 2 ? 1 : 16 / Weights::kLaneRows / kBatch;
  const uint step = team * kSpan;
  for (; start + kSpan + (kSpans - 1) * step <= columns; start += kSpans * step) {
    const uint first = start + lane / Weights::kRowLanes * Weights::kLaneColumns;
    typename Weights::Piece pieces[kSpans];
    BITMETAL_UNROLL
    for (uint s = 0; s < kSpans; ++s) {
      pieces[s] = weights.template fetch<true>(first + s * step);
    }
    BITMETAL_UNROLL
    for (uint s = 0; s < kSpans; ++s) {
      float4 fours[kBatch][kFours];
      for (uint b = 0; b < kBatch; ++b) {
        device const X* at = x + long(min(b, batch - 1)) * x_row_stride + first + s * step;
        for (uint f = 0; f < kFours; ++f) fours[b][f] = load_four(at + 4 * f, vector);
      }
      weights.template accumulate<kBatch>(pieces[s], fours, sums);
    }
  }
  for (; start < columns; start += step) {
    const uint column = start + lane / Weights::kRowLanes * Weights::kLaneColumns;
    if (column >= columns) break;
    float4 fours[kBatch][kFours];
    for (uint b = 0; b < kBatch; ++b) {
      // Beyond a smaller batch its last row is taken again, and not stored.
      device const X* line = x + long(min(b, batch - 1)) * x_row_stride;
      for (uint f = 0; f < kFours; ++f) {
        fours[b][f] = load_four(line, column + 4 * f, columns, vector);
      }
    }
    weights.template accumulate<kBatch>(weights.template fetch<false>(column), fours, sums);
  }

  for (uint i = 0; i < Weights::kLaneRows; ++i) {
    for (uint b = 0; b < kBatch; ++b) {
      Sum sum = sums[i][b];
      for (ushort mask = Weights::kRowLanes; mask < kSimdWidth; mask *= 2) {
        sum += shuffle_xor(sum, mask);
      }
      if (lane < Weights::kRowLanes) {
        shared[(simdgroup * kRows + lane * Weights::kLaneRows + i) * kBatch + b] = sum;
      }
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);

  constexpr uint kSums = kRows * kBatch;
  for (uint i = index; i < simdgroups / team * kSums; i += simdgroups * kSimdWidth) {
    const uint row = row0 + i / kBatch, b = i % kBatch;
    if (row >= rows || b >= batch) continue;
    Sum sum = Sum(0);
    for (uint s = 0; s < team; ++s) sum += shared[(i / kSums * team + s) * kSums + i % kSums];
    store(b, row, sum);
  }
}
