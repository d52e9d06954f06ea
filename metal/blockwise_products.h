// y[batch, rows] = x[batch, columns] W^T + bias for a quantized W (blockwise_formats.h), which
// becomes a Weights of matvec_rows.h and an operand of matmul_tile.h.
//
//   buffer 0  x                     5  bias (float, where kFcHasBias)
//          1  codes                 6  nested absmax (float)     } where
//          2  scales                7  nested book (256 floats)  } kFcNestedScales
//          3  book, or offsets      8  BlockwiseParams
//          4  y
//   function constants kFcHasBias, kFcWholeRuns, kFcNestedScales; kFcVectorX (mat-vec) or
//   kFcVectorA (x)
//
//   blockwise_matvec_FORMAT_T_bN for N = 1, 2, 4, 8: the least N >= batch. Four rows a team of
//       p.team simdgroups; kMatvecThreads threads or a smaller multiple of team * kSimdWidth,
//       ceil(rows / (4 * teams of a threadgroup)) threadgroups
//   blockwise_matmul[_plain]_FORMAT_T    threads and grid as for matmul.h:
//       (ceil(rows / tile), ceil(batch / tile)) threadgroups
#pragma once

#include "blockwise_formats.h"
#include "matmul_tile.h"
#include "matvec_rows.h"

constant bool vector_a [[function_constant(2)]];
constant bool has_bias [[function_constant(4)]];
constant bool vector_x [[function_constant(6)]];

template <typename T>
struct BiasedStore {
  device T* y;
  device const float* bias;
  uint rows;
  METAL_FUNC void operator()(uint token, uint row, float value) const {
    if (has_bias) value += bias[row];
    y[ulong(token) * rows + row] = T(value);
  }
};

// Any format for matvec_rows.h. Lanes read neighbouring runs; a run's products are summed before
// they are scaled.
template <typename Format>
struct RunRows {
  using Sum = float;
  static constant constexpr uint kLaneRows = 4;
  static constant constexpr uint kRowLanes = 1;
  static constant constexpr uint kLaneColumns = 8;

  Format format;
  uint rows;
  typename Format::Row lines[kLaneRows];

  METAL_FUNC void begin(uint row) {
    for (uint i = 0; i < kLaneRows; ++i) lines[i] = format.row(min(row + i, rows - 1));
  }

  template <uint kBatch>
  METAL_FUNC void accumulate(uint column, thread float4 (&x)[kBatch][2],
                             thread float (&sums)[4][kBatch]) const {
    for (uint i = 0; i < kLaneRows; ++i) {
      const Run run = format.run(lines[i], column);
      for (uint b = 0; b < kBatch; ++b) {
        const float sum = fma_dot(run.second, x[b][1], fma_dot(run.first, x[b][0], 0.0f));
        sums[i][b] = fma(run.scale, sum, sums[i][b]);
        if (Format::kHasOffset) {
          sums[i][b] = fma(run.offset, dot(x[b][0] + x[b][1], float4(1)), sums[i][b]);
        }
      }
    }
  }
};

template <typename T, typename Format, uint kBatch>
[[kernel, max_total_threads_per_threadgroup(256)]] void blockwise_matvec(
    device const T* x [[buffer(0)]], device const uchar* codes [[buffer(1)]],
    device const uchar* scales [[buffer(2)]], device const uchar* more [[buffer(3)]],
    device T* y [[buffer(4)]], device const float* bias [[buffer(5), function_constant(has_bias)]],
    device const float* nested_absmax [[buffer(6), function_constant(nested_scales)]],
    device const float* nested_book [[buffer(7), function_constant(nested_scales)]],
    constant BlockwiseParams& p [[buffer(8)]], uint group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  using Weights = RunRows<Format>;
  threadgroup float table[Format::kTable];
  threadgroup float shared[kMatvecSimdgroups * kMatvecRows<Weights> * kBatch];
  const Stored stored{codes, scales, more, nested_absmax, nested_book};
  Weights weights;
  weights.format = Format::open(stored, p, table, index, simdgroups * kSimdWidth);
  weights.rows = p.rows;
  const BiasedStore<T> store{y, bias, p.rows};
  matvec_rows<kBatch>(weights, x, p.x_row_stride, vector_x, p.rows, p.columns, p.batch, store,
                      shared, p.team, group, index, simdgroup, simdgroups, lane);
}

template <typename T, typename Format>
struct RunOperand {
  using Element = T;
  static constant constexpr bool along_depth = true;
  Format format;
  uint rows;
  uint depth;

  template <ushort kRows, ushort kDepth, ushort kThreads>
  METAL_FUNC void load(threadgroup T* tile, TileSteps steps, uint row0, uint depth0,
                       ushort index) const {
    constexpr ushort kRuns = kDepth / 8;
    for (ushort q = index; q < kRows * kRuns; q += kThreads) {
      const ushort r = q / kRuns, d = q % kRuns * 8;
      const uint row = row0 + r, at = depth0 + d;
      float4 first = float4(0), second = float4(0);
      if (row < rows && at < depth) {
        const Run run = format.run(format.row(row), at);
        first = run.first * run.scale + run.offset;
        second = run.second * run.scale + run.offset;
      }
      threadgroup T* to = tile + r * steps.row + d * steps.depth;
      for (ushort j = 0; j < 4; ++j) {
        to[j * steps.depth] = T(first[j]);
        to[(4 + j) * steps.depth] = T(second[j]);
      }
    }
  }
};

// Half where weights and activations fit it. bf16 goes through float: its simdgroup matrices are
// emulated before Apple9.
template <typename X, typename Format>
using RunElement = conditional_t<is_same_v<X, half> && Format::kFitsHalf, half, float>;

template <typename X, typename Format>
[[kernel, max_total_threads_per_threadgroup(128)]] void blockwise_matmul(
    device const X* x [[buffer(0)]], device const uchar* codes [[buffer(1)]],
    device const uchar* scales [[buffer(2)]], device const uchar* more [[buffer(3)]],
    device X* y [[buffer(4)]], device const float* bias [[buffer(5), function_constant(has_bias)]],
    device const float* nested_absmax [[buffer(6), function_constant(nested_scales)]],
    device const float* nested_book [[buffer(7), function_constant(nested_scales)]],
    constant BlockwiseParams& p [[buffer(8)]], uint2 tile [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  using T = RunElement<X, Format>;
  threadgroup float table[Format::kTable];
  threadgroup T tile_x[kTileElements<T>];
  threadgroup T tile_w[kTileElements<T>];
  threadgroup float strips[kStripFloats];
  const Stored stored{codes, scales, more, nested_absmax, nested_book};
  const Format format = Format::open(stored, p, table, index, kMatmulThreads);
  const DenseOperand<X, T> left{x, p.x_row_stride, 1, p.batch, p.columns, true, vector_a};
  const RunOperand<T, Format> right{format, p.rows, p.columns};
  const BiasedStore<X> store{y, bias, p.rows};
  matmul_simdgroup<kNotExact>(left, right, p.batch, p.rows, p.columns, tile, store, tile_x, tile_w,
                              strips, index, simdgroup, lane);
}

template <typename X, typename Format>
[[kernel, max_total_threads_per_threadgroup(256)]] void blockwise_matmul_plain(
    device const X* x [[buffer(0)]], device const uchar* codes [[buffer(1)]],
    device const uchar* scales [[buffer(2)]], device const uchar* more [[buffer(3)]],
    device X* y [[buffer(4)]], device const float* bias [[buffer(5), function_constant(has_bias)]],
    device const float* nested_absmax [[buffer(6), function_constant(nested_scales)]],
    device const float* nested_book [[buffer(7), function_constant(nested_scales)]],
    constant BlockwiseParams& p [[buffer(8)]], uint2 tile [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]]) {
  using T = RunElement<X, Format>;
  threadgroup float table[Format::kTable];
  threadgroup T tile_x[kTileElements<T>];
  threadgroup T tile_w[kTileElements<T>];
  const Stored stored{codes, scales, more, nested_absmax, nested_book};
  const Format format = Format::open(stored, p, table, index, kMatmulPlainThreads);
  const DenseOperand<X, T> left{x, p.x_row_stride, 1, p.batch, p.columns, true, vector_a};
  const RunOperand<T, Format> right{format, p.rows, p.columns};
  const BiasedStore<X> store{y, bias, p.rows};
  matmul_plain<kNotExact>(left, right, p.batch, p.rows, p.columns, tile, store, tile_x, tile_w,
                          index);
}
