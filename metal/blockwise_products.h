// y[batch, rows] = x[batch, columns] W^T + bias for a quantized W (blockwise_formats.h), which
// becomes a Weights of matvec_rows.h and an operand of matmul_tile.h.
//
//   buffer 0  x                     5  bias (float, where kFcHasBias)
//          1  codes                 6  nested absmax (float)     } where
//          2  scales                7  nested book (256 floats)  } kFcNestedScales
//          3  book, or offsets      8  BlockwiseParams
//          4  y
//   function constants kFcHasBias, kFcWholeRuns, kFcNestedScales, kFcPowerBlocks, kFcWholeBlocks;
//   kFcVectorX (mat-vec) or
//   kFcVectorA (x)
//
//   blockwise_matvec_FORMAT_T_bN for N = 1, 2, 4, 8: the least N >= batch. Four rows a team of
//       p.team simdgroups; kMatvecThreads threads or a smaller multiple of team * kSimdWidth,
//       ceil(rows / (4 * teams of a threadgroup)) threadgroups
//   blockwise_matmul[_plain]_FORMAT_T    threads and grid as for matmul.h:
//       (ceil(rows / tile), ceil(batch / tile)) threadgroups
//   blockwise_matmul_few8_FORMAT_f16, _few32_   the weight's rows down the tiles: kMatmulThreads
//       threads, (ceil(batch / 8 or 32), ceil(rows / 128 or 64)) threadgroups
#pragma once

#include "blockwise_formats.h"
#include "matmul_tile.h"
#include "matvec_rows.h"

constant bool vector_a [[function_constant(2)]];
constant bool has_bias [[function_constant(4)]];
constant bool vector_x [[function_constant(6)]];

template <typename T>
struct BiasedStore {
  static constant constexpr bool kAlongRows = true;
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

  struct Piece {
    typename Format::Piece rows[kLaneRows];
  };
  template <bool>
  METAL_FUNC Piece fetch(uint column) const {
    Piece piece;
    for (uint i = 0; i < kLaneRows; ++i) piece.rows[i] = format.fetch(lines[i], column);
    return piece;
  }

  template <uint kBatch>
  METAL_FUNC void accumulate(thread const Piece& piece, thread float4 (&x)[kBatch][2],
                             thread float (&sums)[4][kBatch]) const {
    for (uint i = 0; i < kLaneRows; ++i) {
      const Run run = format.decode(piece.rows[i]);
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
  using Piece = typename Format::Piece;
  static constant constexpr bool along_depth = true;
  static constant constexpr ushort kEights = 1;
  static constant constexpr bool kStrided = false;
  static constant constexpr uint kTogether = 1;
  Format format;
  uint rows;
  uint depth;

  METAL_FUNC Piece fetch(uint row, uint at) const {
    if (at < depth)
      return format.fetch(format.row(min(row, rows - 1)), at);  // what is beyond is not stored
    return Piece{};
  }
  METAL_FUNC Eight<T> eight(thread const Piece& piece, ushort) const {
    Eight<T> out;
    const Run run = format.decode(piece);
    float4 first = run.first * run.scale, second = run.second * run.scale;
    if (Format::kHasOffset) {
      first += run.offset;
      second += run.offset;
    }
    out.set_pair(0, T(first[0]), T(first[1]));
    out.set_pair(1, T(first[2]), T(first[3]));
    out.set_pair(2, T(second[0]), T(second[1]));
    out.set_pair(3, T(second[2]), T(second[3]));
    return out;
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
  threadgroup uint4 memory[kMatmulMemory<T, StandardShape>];
  const Stored stored{codes, scales, more, nested_absmax, nested_book};
  const Format format = Format::open(stored, p, table, index, kMatmulThreads);
  const DenseOperand<X, T> left{x, p.x_row_stride, 1, p.batch, p.columns, true, vector_a};
  const RunOperand<T, Format> right{format, p.rows, p.columns};
  const BiasedStore<X> store{y, bias, p.rows};
  matmul_tile<kNotExact, StandardShape>(left, right, p.batch, p.rows, p.columns, tile, store,
                                        memory, index, simdgroup, lane);
}

template <typename X, typename Format, typename Shape>
[[kernel, max_total_threads_per_threadgroup(128)]] void blockwise_matmul_weight_first(
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
  threadgroup uint4 memory[kMatmulMemory<T, Shape>];
  const Stored stored{codes, scales, more, nested_absmax, nested_book};
  const Format format = Format::open(stored, p, table, index, kMatmulThreads);
  const RunOperand<T, Format> left{format, p.rows, p.columns};
  const DenseOperand<X, T> right{x, p.x_row_stride, 1, p.batch, p.columns, true, vector_a};
  const SwappedStore<BiasedStore<X>> store{{y, bias, p.rows}};
  matmul_tile<kNotExact, Shape>(left, right, p.rows, p.batch, p.columns, tile, store, memory, index,
                                simdgroup, lane);
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
  threadgroup T memory[kPlainMemory<T, 1>];
  const Stored stored{codes, scales, more, nested_absmax, nested_book};
  const Format format = Format::open(stored, p, table, index, kMatmulPlainThreads);
  const DenseOperand<X, T> left{x, p.x_row_stride, 1, p.batch, p.columns, true, vector_a};
  const RunOperand<T, Format> right{format, p.rows, p.columns};
  const BiasedStore<X> store{y, bias, p.rows};
  matmul_plain_tile<kNotExact, 1>(left, right, p.batch, p.rows, p.columns, tile, store, memory,
                                  index);
}
