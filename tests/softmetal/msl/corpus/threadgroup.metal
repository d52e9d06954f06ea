// Memory that a threadgroup shares.
#include <metal_stdlib>
using namespace metal;

kernel void reverse(device const int* x [[buffer(0)]], device int* out [[buffer(1)]],
                    uint i [[thread_position_in_grid]], uint at [[thread_index_in_threadgroup]],
                    uint n [[threads_per_threadgroup]]) {
  threadgroup int tile[256];
  tile[at] = x[i];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[i] = tile[n - 1 - at];
}

kernel void dynamic_memory(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                           threadgroup float* a [[threadgroup(0)]], threadgroup float2* b [[threadgroup(1)]],
                           uint i [[thread_index_in_threadgroup]], uint n [[threads_per_threadgroup]]) {
  a[i] = x[i];
  b[i] = float2(x[i], i);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const uint next = (i + 1) % n;
  out[i] = a[next] + b[next].y;
}

kernel void tree_sum(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                     constant uint& n [[buffer(2)]], uint i [[thread_position_in_grid]],
                     uint at [[thread_index_in_threadgroup]], uint group [[threadgroup_position_in_grid]],
                     uint size [[threads_per_threadgroup]]) {
  threadgroup float part[256], scratch[2];
  part[at] = i < n ? x[i] : 0;
  for (uint step = size / 2; step > 0; step /= 2) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (at < step) part[at] += part[at + step];
  }
  if (at == 0) scratch[1] = part[0];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (at == size - 1) out[group] = scratch[1];
}

constant constexpr uint kTile = 8;
kernel void transpose(device const float* in [[buffer(0)]], device float* out [[buffer(1)]],
                      constant uint2& shape [[buffer(2)]], uint2 group [[threadgroup_position_in_grid]],
                      uint2 at [[thread_position_in_threadgroup]]) {
  threadgroup float tile[kTile][kTile + 1];
  const uint2 from = group * kTile + at;
  if (from.x < shape.x && from.y < shape.y) tile[at.y][at.x] = in[from.y * shape.x + from.x];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const uint2 to = group.yx * kTile + at;
  if (to.x < shape.y && to.y < shape.x) out[to.y * shape.y + to.x] = tile[at.x][at.y];
}

struct Pair {
  float value;
  int index;
};
template <int n>
kernel void first_max(device const float* x [[buffer(0)]], device int* out [[buffer(1)]],
                      ushort i [[thread_index_in_threadgroup]]) {
  constexpr int half_n = n / 2;
  threadgroup Pair best[n];
  best[i] = Pair{x[i], i};
  for (int step = half_n; step > 0; step >>= 1) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (i < step && best[i + step].value > best[i].value) best[i] = best[i + step];
  }
  if (i == 0) *out = best[0].index;
}
template [[host_name("first_max_64")]] [[kernel]] decltype(first_max<64>) first_max<64>;

// A barrier inside a loop inside a helper.
static void shift(threadgroup int* p, uint i, uint n) {
  const int v = p[(i + 1) % n];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  p[i] = v;
  threadgroup_barrier(mem_flags::mem_threadgroup);
}
kernel void rotate(device int* x [[buffer(0)]], constant int& by [[buffer(1)]],
                   uint i [[thread_index_in_threadgroup]], uint n [[threads_per_threadgroup]]) {
  threadgroup int ring[100];
  ring[i] = x[i];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (int k = 0; k < by; ++k) shift(ring, i, n);
  x[i] = ring[i];
}

// One SIMD-group needs no more than its own barrier.
kernel void simdgroup_exchange(device int* x [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
  threadgroup int slot[64];
  slot[i] = x[i];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  x[i] = slot[i ^ 31];
}
