// One State of an operation (reduce_ops.h) from those of many threads, always joined in the same
// order: results are the same from run to run.
#pragma once

#include "numeric.h"

template <typename Op>
METAL_FUNC typename Op::State simd_reduce(typename Op::State state) {
  for (ushort mask = kSimdWidth / 2; mask > 0; mask /= 2) {
    state = Op::merge(state, Op::shuffle(state, mask));
  }
  return state;
}

// The State of a whole threadgroup of at most 1024 threads, for every thread. `shared` holds one
// State a simdgroup and may be used again after the call.
template <typename Op>
METAL_FUNC typename Op::State group_reduce(typename Op::State state,
                                           threadgroup typename Op::State* shared, uint simdgroup,
                                           uint simdgroups, uint lane) {
  state = simd_reduce<Op>(state);
  if (lane == 0) shared[simdgroup] = state;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  typename Op::State total = Op::identity();
  if (lane < simdgroups) total = shared[lane];
  total = simd_reduce<Op>(total);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return total;
}
