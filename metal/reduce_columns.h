// Reductions whose outputs lie side by side in memory; see reduce.h.
#pragma once

#include "reduce.h"

// States of as many columns as a simdgroup reads at once, one for each of the threadgroup's
// simdgroups, which share the rows.
template <typename Op, uint kWidth, typename In>
METAL_FUNC void walk_columns(device const In* in, constant ReduceParams& p, uint2 group,
                             ulong first, ulong end, threadgroup typename Op::State* shared,
                             uint simdgroup, uint simdgroups, uint lane) {
  typename Op::State states[kWidth];
  const ulong column = ulong(group.x) * kSimdWidth * kWidth + lane * kWidth;
  if (column < p.inner) {
    const ulong i = first + simdgroup;
    Walk<Op, kWidth, false, In> walk{
        in + long(group.y) * p.outer_stride + long(i) * p.axis_stride + long(column),
        long(simdgroups) * p.axis_stride, i, simdgroups, end};
    walk.run_all(states);
  }
  for (uint e = 0; e < kWidth; ++e) {
    if (column + e < p.inner) shared[(simdgroup * kSimdWidth + lane) * kWidth + e] = states[e];
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

METAL_FUNC uint column_width() { return vectors ? 4 * kSimdWidth : kSimdWidth; }

// Joined over the simdgroups.
template <typename Op>
METAL_FUNC typename Op::State column_state(threadgroup const typename Op::State* shared,
                                           uint simdgroups, uint width, uint column) {
  typename Op::State state = shared[column];
  for (uint s = 1; s < simdgroups; ++s) state = Op::merge(state, shared[s * width + column]);
  return state;
}

template <typename Op, typename In, typename Out>
[[kernel]] void reduce_columns(device const In* in [[buffer(0)]], device Out* out [[buffer(1)]],
                               constant ReduceParams& p [[buffer(2)]],
                               uint2 group [[threadgroup_position_in_grid]],
                               uint simdgroup [[simdgroup_index_in_threadgroup]],
                               uint simdgroups [[simdgroups_per_threadgroup]],
                               uint lane [[thread_index_in_simdgroup]]) {
  threadgroup typename Op::State shared[4 * kReduceThreads];
  if (vectors) {
    walk_columns<Op, 4>(in, p, group, 0, p.axis, shared, simdgroup, simdgroups, lane);
  } else {
    walk_columns<Op, 1>(in, p, group, 0, p.axis, shared, simdgroup, simdgroups, lane);
  }
  const uint width = column_width(), c = simdgroup * kSimdWidth + lane;
  const ulong column = ulong(group.x) * width + c;
  if (c >= width || column >= p.inner) return;
  const typename Op::State state = column_state<Op>(shared, simdgroups, width, c);
  out[ulong(group.y) * p.inner + column] = Op::finish(state, p.divisor);
}

template <typename Op, typename In, typename Out>
[[kernel]] void reduce_partial_columns(
    device const In* in [[buffer(0)]], device typename Op::State* out [[buffer(1)]],
    constant ReduceParams& p [[buffer(2)]], uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup typename Op::State shared[4 * kReduceThreads];
  const ulong share = (p.axis + groups.z - 1) / groups.z;
  const ulong first = min(ulong(group.z) * share, ulong(p.axis));
  const ulong end = min(first + share, ulong(p.axis));
  if (vectors) {
    walk_columns<Op, 4>(in, p, group.xy, first, end, shared, simdgroup, simdgroups, lane);
  } else {
    walk_columns<Op, 1>(in, p, group.xy, first, end, shared, simdgroup, simdgroups, lane);
  }
  const uint width = column_width(), c = simdgroup * kSimdWidth + lane;
  const ulong column = ulong(group.x) * width + c;
  if (c >= width || column >= p.inner) return;
  out[(ulong(group.z) * p.outer + group.y) * p.inner + column] =
      column_state<Op>(shared, simdgroups, width, c);
}

template <typename Op, typename In, typename Out>
[[kernel]] void reduce_finish_columns(
    device const typename Op::State* in [[buffer(0)]], device Out* out [[buffer(1)]],
    constant ReduceParams& p [[buffer(2)]], constant uint& parts [[buffer(3)]],
    uint group [[threadgroup_position_in_grid]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup typename Op::State shared[kReduceThreads];
  const ulong outputs = p.outer * p.inner, output = ulong(group) * kSimdWidth + lane;
  typename Op::State state = Op::identity();
  if (output < outputs) {
    constexpr uint kAtOnce = 16;  // loads that are under way
    for (uint first = simdgroup; first < parts; first += kAtOnce * simdgroups) {
      typename Op::State some[kAtOnce];
      for (uint i = 0; i < kAtOnce; ++i) {
        const uint part = first + i * simdgroups;
        some[i] = Op::identity();
        if (part < parts) some[i] = in[part * outputs + output];
      }
      for (uint i = 0; i < kAtOnce; ++i) state = Op::merge(state, some[i]);
    }
  }
  shared[simdgroup * kSimdWidth + lane] = state;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (simdgroup != 0 || output >= outputs) return;
  out[output] = Op::finish(column_state<Op>(shared, simdgroups, kSimdWidth, lane), p.divisor);
}
