// Running sums and products along the axis of row-major [outer, axis, inner].
//
//   scan_rows_*     inner 1. buffer 0 in, 1 out, 2 starts, bound where kFcHasStarts, 3 ScanParams.
//                   kReduceThreads threads, a grid of (ceil(axis / block), outer) threadgroups.
//                   Without starts `block` is `axis` or more
//   scan_totals_*   the total of each block of a line: buffer 0 in, 1 totals [outer, blocks],
//                   2 ScanParams; threads and grid as above
//   scan_starts_*   totals to what each block starts from, in place: buffer 0 totals, 1 ScanParams.
//                   A thread a line
//   scan_columns_*  buffer 0 in, 1 out, 2 ScanParams. A thread a line
//
// Names end in _OPERATION_TYPE, except that scan_starts ends in _OPERATION_f32 or _i64. Halves are
// accumulated in float; starts and totals are floats or longs.
#pragma once

#include "group_reduce.h"
#include "reduce_ops.h"

constant bool has_starts [[function_constant(13)]];

METAL_FUNC float shuffle_up(float x, ushort delta) { return simd_shuffle_up(x, delta); }
METAL_FUNC long shuffle_up(long x, ushort delta) {
  return as_type<long>(simd_shuffle_up(as_type<uint2>(x), delta));
}

// How the elements of a line are joined with all before them. What came before is kept as a Carry.
template <typename W>
struct AddTerms {
  struct Carry {
    W high, low;  // floats: a sum in twice the digits, so that long lines keep theirs
  };
  static W neutral() { return W(0); }
  static W join(W a, W b) { return a + b; }
  static Carry start(W x) { return Carry{x, W(0)}; }
  static void take(thread Carry& c, W x) {
    if constexpr (is_same_v<W, float>) {
      const float sum = c.high + x, part = sum - c.high;
      const float error = (c.high - (sum - part)) + (x - part);  // D. E. Knuth's exact sum
      c.low = is_finite(sum) ? c.low + error : 0.0f;
      c.high = sum;
    } else {
      c.high += x;
    }
  }
  static W result(Carry c, W local) { return c.high + (c.low + local); }
};

template <typename W>
struct MultiplyTerms {
  struct Carry {
    W high;
  };
  static W neutral() { return W(1); }
  static W join(W a, W b) { return a * b; }
  static Carry start(W x) { return Carry{x}; }
  static void take(thread Carry& c, W x) { c.high *= x; }
  static W result(Carry c, W local) { return c.high * local; }
};

// For the thread of index `thread_index`: `total` joined with those of all threads before it; the
// thread's own part is left out. `all` becomes the total of the threadgroup.
template <typename Op, typename W>
METAL_FUNC W join_threads(W total, threadgroup W* shared, uint simdgroup, uint simdgroups,
                          uint lane, thread W& all) {
  W inclusive = total;
  for (ushort delta = 1; delta < kSimdWidth; delta *= 2) {
    const W before = shuffle_up(inclusive, delta);
    if (lane >= delta) inclusive = Op::join(before, inclusive);
  }
  const W before_lane = shuffle_up(inclusive, 1);
  if (lane == kSimdWidth - 1) shared[simdgroup] = inclusive;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  W before = Op::neutral();
  all = Op::neutral();
  for (uint s = 0; s < simdgroups; ++s) {
    if (s == simdgroup) before = all;
    all = Op::join(all, shared[s]);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return lane == 0 ? before : Op::join(before, before_lane);
}

template <typename Op, typename T, typename Out>
[[kernel]] void scan_rows(device const T* in [[buffer(0)]], device Out* out [[buffer(1)]],
                          device const Wide<T>* starts [[buffer(2), function_constant(has_starts)]],
                          constant ScanParams& p [[buffer(3)]],
                          uint2 group [[threadgroup_position_in_grid]],
                          uint2 groups [[threadgroups_per_grid]],
                          uint thread_index [[thread_index_in_threadgroup]],
                          uint simdgroup [[simdgroup_index_in_threadgroup]],
                          uint simdgroups [[simdgroups_per_threadgroup]],
                          uint lane [[thread_index_in_simdgroup]]) {
  using W = Wide<T>;
  constexpr uint kEach = kScanTile / kReduceThreads;
  threadgroup W shared[kSimdWidth];
  const ulong line = ulong(group.y) * p.axis;
  const ulong end = min(ulong(group.x + 1) * p.block, ulong(p.axis));
  typename Op::Carry carry = Op::start(Op::neutral());
  if (has_starts) carry = Op::start(starts[ulong(group.y) * groups.x + group.x]);

  for (ulong tile = ulong(group.x) * p.block; tile < end; tile += kScanTile) {
    const ulong first = tile + thread_index * kEach;
    W local[kEach];
    W total = Op::neutral();
    for (uint i = 0; i < kEach; ++i) {
      if (first + i < end) total = Op::join(total, W(in[line + first + i]));
      local[i] = total;
    }
    W all;
    const W before = join_threads<Op>(total, shared, simdgroup, simdgroups, lane, all);
    for (uint i = 0; i < kEach; ++i) {
      if (first + i < end)
        out[line + first + i] = Out(Op::result(carry, Op::join(before, local[i])));
    }
    Op::take(carry, all);
  }
}

template <typename Op, typename T>
[[kernel]] void scan_totals(device const T* in [[buffer(0)]], device Wide<T>* totals [[buffer(1)]],
                            constant ScanParams& p [[buffer(2)]],
                            uint2 group [[threadgroup_position_in_grid]],
                            uint2 groups [[threadgroups_per_grid]],
                            uint thread_index [[thread_index_in_threadgroup]],
                            uint simdgroup [[simdgroup_index_in_threadgroup]],
                            uint simdgroups [[simdgroups_per_threadgroup]],
                            uint lane [[thread_index_in_simdgroup]]) {
  using W = Wide<T>;
  threadgroup W shared[kSimdWidth];
  const ulong end = min(ulong(group.x + 1) * p.block, ulong(p.axis));
  W total = Op::neutral();
  for (ulong i = ulong(group.x) * p.block + thread_index; i < end; i += kReduceThreads) {
    total = Op::join(total, W(in[ulong(group.y) * p.axis + i]));
  }
  W all;
  join_threads<Op>(total, shared, simdgroup, simdgroups, lane, all);
  if (thread_index == 0) totals[ulong(group.y) * groups.x + group.x] = all;
}

template <typename Op, typename W>
[[kernel]] void scan_starts(device W* totals [[buffer(0)]], constant ScanParams& p [[buffer(1)]],
                            uint line [[thread_position_in_grid]]) {
  if (line >= p.outer) return;
  const ulong blocks = (p.axis + p.block - 1) / p.block;
  typename Op::Carry carry = Op::start(Op::neutral());
  for (ulong i = ulong(line) * blocks; i < ulong(line + 1) * blocks; ++i) {
    const W total = totals[i];
    totals[i] = Op::result(carry, Op::neutral());
    Op::take(carry, total);
  }
}

template <typename Op, typename T, typename Out>
[[kernel]] void scan_columns(device const T* in [[buffer(0)]], device Out* out [[buffer(1)]],
                             constant ScanParams& p [[buffer(2)]],
                             uint2 position [[thread_position_in_grid]],
                             uint2 grid [[threads_per_grid]]) {
  const ulong line = ulong(position.y) * grid.x + position.x;
  if (line >= p.outer * p.inner) return;
  const ulong first = line / p.inner * p.axis * p.inner + line % p.inner;
  typename Op::Carry carry = Op::start(Op::neutral());
  for (ulong i = 0; i < p.axis; ++i) {
    const ulong at = first + i * p.inner;
    Op::take(carry, Wide<T>(in[at]));
    out[at] = Out(Op::result(carry, Op::neutral()));
  }
}
