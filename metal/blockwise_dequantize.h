// A quantized array (blockwise_formats.h) as floating numbers, rounded once.
//
//   blockwise_dequantize_FORMAT_T   buffer 0 codes, 1 scales, 2 book, or offsets, 3 nested absmax
//       (float) and 4 nested book (256 floats) where kFcNestedScales, 5 result,
//       6 BlockwiseParams, 7 constant ulong, the number of elements
//       function constants kFcWholeRuns, kFcNestedScales, kFcVectorA (result)
//       The array is seen as rows of p.columns, a multiple of 8 and of blocks that begin rows; the
//       last row may be short. A thread eight elements: any threads, a grid of
//       (ceil(columns / 8 / threads), rows) threadgroups
#pragma once

#include "blockwise_formats.h"

constant bool vector_out [[function_constant(2)]];

template <typename Out, typename Format>
[[kernel]] void blockwise_dequantize(
    device const uchar* codes [[buffer(0)]], device const uchar* scales [[buffer(1)]],
    device const uchar* more [[buffer(2)]],
    device const float* nested_absmax [[buffer(3), function_constant(nested_scales)]],
    device const float* nested_book [[buffer(4), function_constant(nested_scales)]],
    device Out* out [[buffer(5)]], constant BlockwiseParams& p [[buffer(6)]],
    constant ulong& count [[buffer(7)]], uint2 position [[thread_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint2 threads [[threads_per_threadgroup]]) {
  threadgroup float table[Format::kTable];
  const Stored stored{codes, scales, more, nested_absmax, nested_book};
  Format format = Format::open(stored, p, table, index, threads.x);
  const uint column = position.x * 8;
  const ulong start = ulong(position.y) * p.columns;
  const uint columns = uint(min(count - start, ulong(p.columns)));
  if (column >= columns) return;

  const typename Format::Row row = format.row(position.y);
  format.columns = columns;
  const Run run = format.run(row, column);
  device Out* to = out + start + column;
  if (vector_out && column + 8 <= columns) {
    vec<Out, 4> first, second;
    for (uint i = 0; i < 4; ++i) {
      first[i] = Out(value_of(run, run.first[i]));
      second[i] = Out(value_of(run, run.second[i]));
    }
    *(device vec<Out, 4>*)to = first;
    *(device vec<Out, 4>*)(to + 4) = second;
  } else {
    for (uint i = 0; i < min(8u, columns - column); ++i) {
      to[i] = Out(value_of(run, i < 4 ? run.first[i % 4] : run.second[i % 4]));
    }
  }
}
