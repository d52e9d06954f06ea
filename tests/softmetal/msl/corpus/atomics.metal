#include <metal_stdlib>
using namespace metal;

kernel void histogram(device const uchar* x [[buffer(0)]], device atomic_uint* bins [[buffer(1)]],
                      constant uint& n [[buffer(2)]], uint i [[thread_position_in_grid]],
                      uint at [[thread_index_in_threadgroup]], uint size [[threads_per_threadgroup]]) {
  threadgroup atomic_uint local[16];
  for (uint b = at; b < 16; b += size) atomic_store_explicit(&local[b], 0, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (i < n) atomic_fetch_add_explicit(&local[x[i] / 16], 1, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint b = at; b < 16; b += size)
    atomic_fetch_add_explicit(&bins[b], atomic_load_explicit(&local[b], memory_order_relaxed), memory_order_relaxed);
}

kernel void atomic_kinds(device atomic_int* v [[buffer(0)]], device atomic<float>* sum [[buffer(1)]],
                         uint i [[thread_position_in_grid]]) {
  const int n = int(i);
  atomic_fetch_max_explicit(&v[0], n, memory_order_relaxed);
  atomic_fetch_min_explicit(&v[1], -n, memory_order_relaxed);
  atomic_fetch_or_explicit(&v[2], 1 << (n % 31), memory_order_relaxed);
  atomic_fetch_xor_explicit(&v[3], n, memory_order_relaxed);
  atomic_fetch_sub_explicit(&v[4], 2, memory_order_relaxed);
  atomic_fetch_add_explicit(sum, 0.5f, memory_order_relaxed);
}

// A maximum of floats, which Metal has no operation for.
kernel void float_max(device const float* x [[buffer(0)]], device atomic_uint* best [[buffer(1)]],
                      uint i [[thread_position_in_grid]]) {
  uint old = atomic_load_explicit(best, memory_order_relaxed);
  while (as_type<float>(old) < x[i] &&
         !atomic_compare_exchange_weak_explicit(best, &old, as_type<uint>(x[i]), memory_order_relaxed,
                                                memory_order_relaxed)) {
  }
}
