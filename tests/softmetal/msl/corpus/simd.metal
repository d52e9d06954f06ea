// What the threads of a SIMD-group do together, in and out of step.
#include <metal_stdlib>
using namespace metal;

kernel void reductions(device const int* x [[buffer(0)]], device int* out [[buffer(1)]],
                       uint i [[thread_position_in_grid]]) {
  device int* row = out + i * 7;
  row[0] = simd_sum(x[i]);
  row[1] = simd_max(x[i]);
  row[2] = simd_min(x[i]);
  row[3] = simd_and(x[i]);
  row[4] = simd_or(x[i]);
  row[5] = simd_xor(x[i]);
  row[6] = simd_product(x[i] | 1);
}

kernel void prefixes(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                     uint i [[thread_position_in_grid]]) {
  out[4 * i] = simd_prefix_inclusive_sum(x[i]);
  out[4 * i + 1] = simd_prefix_exclusive_sum(x[i]);
  out[4 * i + 2] = simd_prefix_inclusive_product(x[i]);
  out[4 * i + 3] = simd_prefix_exclusive_product(x[i]);
}

kernel void shuffles(device int* out [[buffer(0)]], ushort lane [[thread_index_in_simdgroup]]) {
  const int v = 100 + lane;
  device int* row = out + lane * 9;
  row[0] = simd_shuffle(v, 31 - lane);
  row[1] = simd_shuffle_up(v, 3);
  row[2] = simd_shuffle_down(v, 3);
  row[3] = simd_shuffle_xor(v, 5);
  row[4] = simd_shuffle_rotate_up(v, 3);
  row[5] = simd_shuffle_rotate_down(v, 3);
  row[6] = simd_broadcast(v, 17);
  row[7] = simd_broadcast_first(v);
  row[8] = simd_shuffle_and_fill_up(v, -v, 2);
}

kernel void quads(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                  ushort lane [[thread_index_in_simdgroup]]) {
  out[4 * lane] = quad_sum(x[lane]);
  out[4 * lane + 1] = quad_max(x[lane]);
  out[4 * lane + 2] = quad_shuffle_xor(x[lane], 1);
  out[4 * lane + 3] = quad_broadcast(x[lane], 2);
}

kernel void votes(device uint* out [[buffer(0)]], ushort lane [[thread_index_in_simdgroup]]) {
  out[4 * lane] = uint(ulong(simd_ballot(lane % 3 == 0)));
  out[4 * lane + 1] = simd_any(lane == 5) + 2 * simd_all(lane < 32) + 4 * simd_all(lane < 31);
  out[4 * lane + 2] = uint(simd_is_first());
  out[4 * lane + 3] = lane < 10 ? uint(ulong(simd_active_threads_mask())) : 0;
}

kernel void vectors(device float4* x [[buffer(0)]], ushort lane [[thread_index_in_simdgroup]]) {
  x[lane] = simd_sum(x[lane]) + simd_shuffle_xor(x[lane], 1);
}

// Threads part at an `if`; each side has its own operation.
kernel void two_sides(device int* out [[buffer(0)]], ushort lane [[thread_index_in_simdgroup]]) {
  int v;
  if (lane % 2 == 0)
    v = simd_sum(int(lane));
  else
    v = simd_max(int(lane));
  out[lane] = v + simd_sum(1);
}

// The same text on both sides, on one line and in one helper: still two operations.
static int helper(int v) { return simd_sum(v); }
kernel void one_helper(device int* out [[buffer(0)]], ushort lane [[thread_index_in_simdgroup]]) {
  const int v = lane < 12 ? helper(1) : helper(1);
  out[lane] = v;
}

// Loops of different length; those that are done wait for the others.
kernel void uneven_loops(device int* out [[buffer(0)]], ushort lane [[thread_index_in_simdgroup]]) {
  int sum = 0;
  for (int i = 0; i <= int(lane) % 4; ++i) sum += simd_sum(1);
  int rounds = 0;
  while (rounds < int(lane) / 8) {
    ++rounds;
    sum += 1000 * simd_sum(1);
  }
  out[lane] = sum + 100000 * simd_sum(1);
}

// An operation behind which some threads meet once more, before all go round again.
kernel void parted_in_a_loop(device int* out [[buffer(0)]], ushort lane [[thread_index_in_simdgroup]]) {
  int v = lane;
  for (int i = 0; i < 3; ++i) {
    const int all = simd_sum(1);
    if (lane < 16) v += 100 * simd_sum(1);
    v += 10000 * all;
  }
  int n = 0;
  do {
    v += simd_sum(1) << 20;
  } while (++n < 1 + int(lane) / 16);
  out[lane] = v;
}

// A part of the threads leaves; the others go on without them.
kernel void leavers(device int* out [[buffer(0)]], ushort lane [[thread_index_in_simdgroup]]) {
  if (lane >= 20) {
    out[lane] = -1;
    return;
  }
  out[lane] = simd_sum(1);
}

// The last SIMD-group of a threadgroup may be a short one.
kernel void short_group(device int* out [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
  out[i] = simd_sum(1);
}
