// Reductions of a view [outer, axis, inner] with any strides over its axis.
//
//   buffer 0  in        1  out, row-major [outer, inner]        2  ReduceParams
//
//   reduce_rows_*       a simdgroup an output: short axes. kReduceThreads threads a threadgroup,
//                       ceil(outer * inner / 8) threadgroups
//   reduce_long_rows_*  a threadgroup an output: long axes. kReduceThreads threads, outer * inner
//                       threadgroups
//   reduce_columns_*    neighbouring outputs in neighbouring lanes: for inner_stride 1 and inner of
//                       kColumnLanes or more. kReduceThreads threads, a grid of
//                       (ceil(inner / kColumnLanes), outer) threadgroups
//   reduce_partial_*    first pass over a long axis where outer = inner = 1:
//                       kReduceThreads threads, up to kMaxPartials threadgroups; `out` has
//                       kPartialBytes a threadgroup
//   reduce_finish_*     second pass: buffer 0 the partial states, 1 out, 2 ReduceParams of the
//                       first pass, 3 constant uint, the number of states. One threadgroup of
//                       kReduceThreads threads
//
// Names end in _OPERATION_TYPE, the type of the input. Sums and products of integers and bool are
// i64, argmax and argmin too; means of integers are f32; everything else has the input's type.
// mean, var and std divide by ReduceParams' divisor.
#pragma once

#include "group_reduce.h"
#include "reduce_ops.h"

// Elements are joined sixteen at a time, such runs sixteen at a time, and those again: a sum's
// error grows with 3 * 16 and one 4096th of a thread's elements, not with all of them.
constant constexpr uint kRun = 16;
constant constexpr uint kRunLevels = 3;

// Joins up to kRun^kLevel elements, `jump` apart in memory and `step` apart in index, below index
// `end`. Leaves `at` and `i` behind them.
template <typename Op, uint kLevel, typename In>
METAL_FUNC typename Op::State reduce_run(device const In * thread & at, long jump, thread ulong& i,
                                         ulong end, uint step) {
  typename Op::State state = Op::identity();
  for (uint j = 0; j < kRun && i < end; ++j) {
    if constexpr (kLevel == 1) {
      Op::add(state, *at, i);
      at += jump;
      i += step;
    } else {
      state = Op::merge(state, reduce_run<Op, kLevel - 1>(at, jump, i, end, step));
    }
  }
  return state;
}

// The State of elements first, first + step, ... below `end`.
template <typename Op, typename In>
METAL_FUNC typename Op::State reduce_strided(device const In* in, long stride, ulong first,
                                             ulong end, uint step) {
  typename Op::State state = Op::identity();
  device const In* at = in + long(first) * stride;
  for (ulong i = first; i < end;) {
    state = Op::merge(state, reduce_run<Op, kRunLevels>(at, long(step) * stride, i, end, step));
  }
  return state;
}

template <typename In>
METAL_FUNC device const In* line_start(device const In* in, constant ReduceParams& p,
                                       ulong output) {
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
  typename Op::State state =
      reduce_strided<Op>(line_start(in, p, output), p.axis_stride, ulong(lane), p.axis, kSimdWidth);
  state = simd_reduce<Op>(state);
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
  typename Op::State state =
      reduce_strided<Op>(line_start(in, p, ulong(group)), p.axis_stride, ulong(thread_index),
                         p.axis, simdgroups * kSimdWidth);
  state = group_reduce<Op>(state, shared, simdgroup, simdgroups, lane);
  if (thread_index == 0) out[group] = Op::finish(state, p.divisor);
}

template <typename Op, typename In, typename Out>
[[kernel]] void reduce_columns(device const In* in [[buffer(0)]], device Out* out [[buffer(1)]],
                               constant ReduceParams& p [[buffer(2)]],
                               uint2 group [[threadgroup_position_in_grid]],
                               uint simdgroup [[simdgroup_index_in_threadgroup]],
                               uint simdgroups [[simdgroups_per_threadgroup]],
                               uint lane [[thread_index_in_simdgroup]]) {
  threadgroup typename Op::State shared[kReduceThreads];
  const ulong column = ulong(group.x) * kColumnLanes + lane;
  const bool inside = column < p.inner;
  typename Op::State state = Op::identity();
  if (inside) {
    device const In* line = in + long(group.y) * p.outer_stride + long(column) * p.inner_stride;
    state = reduce_strided<Op>(line, p.axis_stride, ulong(simdgroup), p.axis, simdgroups);
  }
  shared[simdgroup * kColumnLanes + lane] = state;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (!inside || simdgroup != 0) return;
  for (uint s = 1; s < simdgroups; ++s) state = Op::merge(state, shared[s * kColumnLanes + lane]);
  out[ulong(group.y) * p.inner + column] = Op::finish(state, p.divisor);
}

template <typename Op, typename In, typename Out>
[[kernel]] void reduce_partial(
    device const In* in [[buffer(0)]], device typename Op::State* out [[buffer(1)]],
    constant ReduceParams& p [[buffer(2)]], uint group [[threadgroup_position_in_grid]],
    uint groups [[threadgroups_per_grid]], uint thread_index [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup typename Op::State shared[kSimdWidth];
  const ulong share = (p.axis + groups - 1) / groups;
  const ulong first = min(ulong(group) * share, ulong(p.axis));
  const ulong end = min(first + share, ulong(p.axis));
  typename Op::State state =
      reduce_strided<Op>(in, p.axis_stride, first + thread_index, end, simdgroups * kSimdWidth);
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
