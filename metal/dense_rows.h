// Dense weights for matvec_rows.h: element (row, column) at row * row_stride + column.
#pragma once

#include "matvec_rows.h"

template <typename T, typename S>
struct DenseRows {
  using Sum = S;
  static constant constexpr uint kLaneRows = 4;
  static constant constexpr uint kRowLanes = 1;
  static constant constexpr uint kLaneColumns = 4;

  device const T* data;
  long row_stride;
  uint rows;
  uint columns;
  bool vector;  // four neighbours may be read at once
  uint row;

  METAL_FUNC void begin(uint first) { row = first; }

  struct Piece {
    float4 rows[kLaneRows];
  };
  template <bool kWhole>
  METAL_FUNC Piece fetch(uint column) const {
    Piece piece;
    for (uint i = 0; i < kLaneRows; ++i) {
      device const T* line = data + long(min(row + i, rows - 1)) * row_stride;
      piece.rows[i] =
          kWhole ? load_four(line + column, vector) : load_four(line, column, columns, vector);
    }
    return piece;
  }

  template <uint kBatch>
  METAL_FUNC void accumulate(thread const Piece& piece, thread float4 (&x)[kBatch][1],
                             thread S (&sums)[4][kBatch]) const {
    for (uint i = 0; i < kLaneRows; ++i) {
      for (uint b = 0; b < kBatch; ++b) {
        sums[i][b] += S(fma_dot(piece.rows[i], x[b][0], 0.0f));
      }
    }
  }
};
