// Reductions of a view [outer, axis, inner] with any strides over its axis.
//
//   buffer 0  in        1  out, row-major [outer, inner]        2  ReduceParams
//   function constant kFcVectors: axis_stride is 1 and lines begin at multiples of four elements;
//   for columns inner_stride is 1 and the other strides are such multiples
//
//   reduce_rows_*       a simdgroup an output: short axes. kReduceThreads threads a threadgroup,
//                       ceil(outer * inner / 8) threadgroups
//   reduce_long_rows_*  a threadgroup an output: long axes. kReduceThreads threads, outer * inner
//                       threadgroups
//   reduce_columns_*    neighbouring outputs in neighbouring lanes: for inner_stride 1 and inner of
//                       kSimdWidth or more. kReduceThreads threads, a grid of
//                       (ceil(inner / columns), outer) threadgroups; 128 columns where kFcVectors,
//                       else 32
//   reduce_partial_*    first pass over a long axis where outer = inner = 1:
//                       kReduceThreads threads, up to kMaxPartials threadgroups; `out` has
//                       kPartialBytes a threadgroup
//   reduce_finish_*     second pass: buffer 0 the partial states, 1 out, 2 ReduceParams of the
//                       first pass, 3 constant uint, the number of states. One threadgroup of
//                       kReduceThreads threads
//   reduce_partial_columns_*  first pass over a long axis of few columns: the grid of
//                       reduce_columns by the parts of the axis; `out` has kPartialBytes for each
//                       of [parts, outer, inner]
//   reduce_finish_columns_*   second pass: buffers as for reduce_finish. kReduceThreads threads,
//                       ceil(outer * inner / 32) threadgroups
//
// Names end in _OPERATION_TYPE, the type of the input. Sums and products of integers and bool are
// i64, argmax and argmin too; means of integers are f32; everything else has the input's type.
// mean, var and std divide by ReduceParams' divisor.
#pragma once

#include "group_reduce.h"
#include "reduce_ops.h"

constant bool vectors [[function_constant(18)]];

// Elements are joined sixteen at a time, such runs sixteen at a time, and those again: a sum's
// error grows with 3 * 16 and one 4096th of a thread's elements, not with all of them.
constant constexpr uint kRun = 16;
constant constexpr uint kRunLevels = 3;

// What a thread reads at a time: kWidth neighbours, each of which it has a State for. Where
// kAlong, they follow each other along the axis, else they belong to as many outputs.
template <typename Op, uint kWidth, bool kAlong, typename In>
struct Walk {
  using State = typename Op::State;
  static constant constexpr uint kIndices = kAlong ? kWidth : 1;
  // Loads that are under way at once.
  static constant constexpr uint kAhead = !kAlong && sizeof(In) <= 2 ? 8 : 4;

  device const In* at;
  long jump;  // in memory
  ulong i;    // along the axis
  uint step;
  ulong end;

  static METAL_FUNC void load(device const In* from, thread In* elements) {
    if constexpr (kWidth == 4) {
      const vec<Lane<In>, 4> four = *(device const vec<Lane<In>, 4>*)from;
      for (uint e = 0; e < 4; ++e) elements[e] = In(four[e]);
    } else {
      elements[0] = *from;
    }
  }
  METAL_FUNC void add(thread const In* elements, thread State* states) {
    for (uint e = 0; e < kWidth; ++e) Op::add(states[e], elements[e], i + (kAlong ? e : 0));
    at += jump;
    i += step;
  }
  // Up to kAhead times.
  METAL_FUNC void advance(thread State* states) {
    In elements[kAhead][kWidth];
    if (i + (kAhead - 1) * step + kIndices <= end) {
      for (uint j = 0; j < kAhead; ++j) load(at + long(j) * jump, elements[j]);
      for (uint j = 0; j < kAhead; ++j) add(elements[j], states);
      return;
    }
    for (uint j = 0; j < kAhead && i + kIndices <= end; ++j) {
      load(at, elements[0]);
      add(elements[0], states);
    }
    if (i < end && i + kIndices > end) {
      for (uint e = 0; e < kWidth; ++e) {
        if (i + e < end) Op::add(states[e], at[e], i + e);
      }
      i = end;
    }
  }
  // Up to kRun^kLevel times.
  template <uint kLevel>
  METAL_FUNC void run(thread State* states) {
    for (uint e = 0; e < kWidth; ++e) states[e] = Op::identity();
    for (uint j = 0; j < kRun && i < end; j += kLevel == 1 ? kAhead : 1) {
      if constexpr (kLevel == 1) {
        advance(states);
      } else {
        State more[kWidth];
        run<kLevel - 1>(more);
        for (uint e = 0; e < kWidth; ++e) states[e] = Op::merge(states[e], more[e]);
      }
    }
  }
  METAL_FUNC void run_all(thread State* states) {
    for (uint e = 0; e < kWidth; ++e) states[e] = Op::identity();
    while (i < end) {
      State more[kWidth];
      run<kRunLevels>(more);
      for (uint e = 0; e < kWidth; ++e) states[e] = Op::merge(states[e], more[e]);
    }
  }
};

template <typename Op, uint kWidth, typename In>
METAL_FUNC typename Op::State reduce_line(device const In* line, long stride, ulong first,
                                          ulong end, uint thread_index, uint threads) {
  typename Op::State states[kWidth];
  const ulong i = first + thread_index * kWidth;
  Walk<Op, kWidth, true, In> walk{line + long(i) * stride, long(threads * kWidth) * stride, i,
                                  threads * kWidth, end};
  walk.run_all(states);
  for (uint e = kWidth / 2; e > 0; e /= 2) {
    for (uint j = 0; j < e; ++j) states[j] = Op::merge(states[j], states[j + e]);
  }
  return states[0];
}

// What one of `threads` threads makes of the elements from `first` to `end` of a line.
template <typename Op, typename In>
METAL_FUNC typename Op::State reduce_share(device const In* line, long stride, ulong first,
                                           ulong end, uint thread_index, uint threads) {
  if (vectors) return reduce_line<Op, 4>(line, 1, first, end, thread_index, threads);
  return reduce_line<Op, 1>(line, stride, first, end, thread_index, threads);
}

template <typename In>
METAL_FUNC device const In* line_start(device const In* in, constant ReduceParams& p,
                                       ulong output) {
  if (p.inner == 1) return in + long(output) * p.outer_stride;  // no division of 64 bits
  return in + long(output / p.inner) * p.outer_stride + long(output % p.inner) * p.inner_stride;
}

template <typename Op, typename In, typename Out>
[[kernel]] void reduce_rows(device const In* in [[buffer(0)]], device Out* out [[buffer(1)]],
                            constant ReduceParams& p [[buffer(2)]],
                            uint group [[threadgroup_position_in_grid]],
                            uint simdgroup [[simdgroup_index_in_threadgroup]],
                            uint simdgroups [[simdgroups_per_threadgroup]],
                            uint lane [[thread_index_in_simdgroup]]) {
  const ulong output = ulong(group) * simdgroups + simdgroup;
  if (output >= p.outer * p.inner) return;
  const typename Op::State state = simd_reduce<Op>(
      reduce_share<Op>(line_start(in, p, output), p.axis_stride, 0, p.axis, lane, kSimdWidth));
  if (lane == 0) out[output] = Op::finish(state, p.divisor);
}

template <typename Op, typename In, typename Out>
[[kernel]] void reduce_long_rows(device const In* in [[buffer(0)]], device Out* out [[buffer(1)]],
                                 constant ReduceParams& p [[buffer(2)]],
                                 uint group [[threadgroup_position_in_grid]],
                                 uint thread_index [[thread_index_in_threadgroup]],
                                 uint simdgroup [[simdgroup_index_in_threadgroup]],
                                 uint simdgroups [[simdgroups_per_threadgroup]],
                                 uint lane [[thread_index_in_simdgroup]]) {
  threadgroup typename Op::State shared[kSimdWidth];
  typename Op::State state = reduce_share<Op>(line_start(in, p, ulong(group)), p.axis_stride, 0,
                                              p.axis, thread_index, simdgroups * kSimdWidth);
  state = group_reduce<Op>(state, shared, simdgroup, simdgroups, lane);
  if (thread_index == 0) out[group] = Op::finish(state, p.divisor);
}

template <typename Op, typename In, typename Out>
[[kernel]] void reduce_partial(
    device const In* in [[buffer(0)]], device typename Op::State* out [[buffer(1)]],
    constant ReduceParams& p [[buffer(2)]], uint group [[threadgroup_position_in_grid]],
    uint groups [[threadgroups_per_grid]], uint thread_index [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup typename Op::State shared[kSimdWidth];
  const ulong share = ((p.axis + groups - 1) / groups + 3) / 4 * 4;
  const ulong first = min(ulong(group) * share, ulong(p.axis));
  const ulong end = min(first + share, ulong(p.axis));
  typename Op::State state =
      reduce_share<Op>(in, p.axis_stride, first, end, thread_index, simdgroups * kSimdWidth);
  state = group_reduce<Op>(state, shared, simdgroup, simdgroups, lane);
  if (thread_index == 0) out[group] = state;
}

template <typename Op, typename In, typename Out>
[[kernel]] void reduce_finish(device const typename Op::State* in [[buffer(0)]],
                              device Out* out [[buffer(1)]], constant ReduceParams& p [[buffer(2)]],
                              constant uint& states [[buffer(3)]],
                              uint thread_index [[thread_index_in_threadgroup]],
                              uint simdgroup [[simdgroup_index_in_threadgroup]],
                              uint simdgroups [[simdgroups_per_threadgroup]],
                              uint lane [[thread_index_in_simdgroup]]) {
  threadgroup typename Op::State shared[kSimdWidth];
  typename Op::State state = Op::identity();
  for (uint i = thread_index; i < states; i += simdgroups * kSimdWidth) {
    state = Op::merge(state, in[i]);
  }
  state = group_reduce<Op>(state, shared, simdgroup, simdgroups, lane);
  if (thread_index == 0) out[0] = Op::finish(state, p.divisor);
}
