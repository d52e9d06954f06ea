// The matrix-vector engine: y[b, row] = sum over columns of W(row, column) x[b, column] for a batch
// of kBatch or less. The columns of a few rows are shared among the simdgroups of a threadgroup.
//
// Weights says how a simdgroup covers them: kRowLanes lanes side by side hold kLaneRows rows each,
// and a lane takes kLaneColumns neighbouring columns of them at a time. accumulate() adds their
// products with x. A new storage format is a new Weights.
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

constant constexpr uint kMatvecSimdgroups = kMatvecThreads / kSimdWidth;

template <typename Weights>
constant constexpr uint kMatvecRows = Weights::kLaneRows * Weights::kRowLanes;

// `shared` holds kMatvecSimdgroups * kMatvecRows * kBatch sums. `store(b, row, sum)` is called once
// an output.
template <uint kBatch, typename Weights, typename X, typename Store>
METAL_FUNC void matvec_rows(Weights weights, device const X* x, long x_row_stride, bool vector,
                            uint rows, uint columns, uint batch, Store store,
                            threadgroup typename Weights::Sum* shared, uint group, uint index,
                            uint simdgroup, uint simdgroups, uint lane) {
  using Sum = typename Weights::Sum;
  constexpr uint kFours = Weights::kLaneColumns / 4;
  constexpr uint kRows = kMatvecRows<Weights>;
  constexpr uint kSpan = kSimdWidth / Weights::kRowLanes * Weights::kLaneColumns;
  const uint row0 = group * kRows;

  Sum sums[Weights::kLaneRows][kBatch];
  for (uint i = 0; i < Weights::kLaneRows; ++i) {
    for (uint b = 0; b < kBatch; ++b) sums[i][b] = Sum(0);
  }
  for (uint start = simdgroup * kSpan; start < columns; start += simdgroups * kSpan) {
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
    weights.template accumulate<kBatch>(row0 + lane % Weights::kRowLanes * Weights::kLaneRows,
                                        column, fours, sums);
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

  for (uint i = index; i < kRows * kBatch; i += simdgroups * kSimdWidth) {
    const uint row = row0 + i / kBatch, b = i % kBatch;
    if (row >= rows || b >= batch) continue;
    Sum sum = Sum(0);
    for (uint s = 0; s < simdgroups; ++s) sum += shared[s * kRows * kBatch + i];
    store(b, row, sum);
  }
}
