// A quantized array (blockwise_formats.h) as floating numbers, rounded once.
//
//   blockwise_dequantize_FORMAT_T   buffer 0 codes, 1 scales, 2 book, or offsets, 3 nested absmax
//       (float) and 4 nested book (256 floats) where kFcNestedScales, 5 result,
//       6 BlockwiseParams, 7 constant ulong, the number of elements
//       function constants kFcWholeRuns, kFcNestedScales, kFcPowerBlocks, kFcWholeBlocks,
//       kFcVectorA (result)
//       The array is seen as rows of p.columns, a multiple of 8 and of blocks that begin rows; the
//       last row may be short. A threadgroup a row, a thread kDequantizeRuns times eight elements:
//       columns / 8 / kDequantizeRuns threads
#pragma once

#include "blockwise_formats.h"

constant bool vector_out [[function_constant(2)]];

// The same words from the lane beside this one.
template <typename T>
METAL_FUNC vec<T, 4> from_partner(vec<T, 4> four) {
  if constexpr (sizeof(T) == 4) {
    return as_type<vec<T, 4>>(simd_shuffle_xor(as_type<uint4>(four), ushort(1)));
  } else {
    return as_type<vec<T, 4>>(simd_shuffle_xor(as_type<uint2>(four), ushort(1)));
  }
}

// Stores the eight elements of each lane of a whole simdgroup: lanes of a pair store first the
// one's and then the other's, so that at each step all lanes together write neighbours.
template <typename T>
METAL_FUNC void store_pairs(device T* to, vec<T, 4> first, vec<T, 4> second, uint lane) {
  const bool odd = lane % 2 != 0;
  const vec<T, 4> other = from_partner<T>(odd ? first : second);
  device T* pair = to - (odd ? 8 : 0) + (odd ? 4 : 0);
  *(device vec<T, 4>*)pair = odd ? other : first;
  *(device vec<T, 4>*)(pair + 8) = odd ? second : other;
}

template <typename Out, typename Format>
[[kernel]] void blockwise_dequantize(
    device const uchar* codes [[buffer(0)]], device const uchar* scales [[buffer(1)]],
    device const uchar* more [[buffer(2)]],
    device const float* nested_absmax [[buffer(3), function_constant(nested_scales)]],
    device const float* nested_book [[buffer(4), function_constant(nested_scales)]],
    device Out* out [[buffer(5)]], constant BlockwiseParams& p [[buffer(6)]],
    constant ulong& count [[buffer(7)]], uint group [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float table[Format::kTable];
  const Stored stored{codes, scales, more, nested_absmax, nested_book};
  Format format = Format::open(stored, p, table, index, threads);
  const ulong start = ulong(group) * p.columns;
  const uint columns = uint(min(count - start, ulong(p.columns)));
  const typename Format::Row row = format.row(group);
  format.columns = columns;

  Run runs[kDequantizeRuns];
  BITMETAL_UNROLL
  for (uint r = 0; r < kDequantizeRuns; ++r) {
    const uint column = (r * threads + index) * 8;
    if (column < columns) runs[r] = format.run(row, column);
  }
  BITMETAL_UNROLL
  for (uint r = 0; r < kDequantizeRuns; ++r) {
    const uint column = (r * threads + index) * 8;
    if (column >= columns) break;
    vec<Out, 4> first, second;
    for (uint i = 0; i < 4; ++i) {
      first[i] = Out(value_of(runs[r], runs[r].first[i]));
      second[i] = Out(value_of(runs[r], runs[r].second[i]));
    }
    device Out* to = out + start + column;
    if (vector_out && column - 8 * lane + 8 * kSimdWidth <= columns) {
      store_pairs<Out>(to, first, second, lane);
    } else {
      for (uint i = 0; i < 8; ++i) {
        if (column + i < columns) to[i] = i < 4 ? first[i % 4] : second[i % 4];
      }
    }
  }
}
