//--- vectors
float4 f(float2 a, half3 h, uint4 u) {
  float4 v = float4(a, 0, 1) + float4(u) + float4(float3(h), 1.0f);
  v.xy = v.yx;
  v[2] = a.x;
  return float4(2) * v.wzyx;
}
//--- generic_vectors
template <typename T, int N>
T total(vec<T, N> v) {
  T sum = 0;
  for (int i = 0; i < N; ++i) sum += v[i];
  return sum;
}
float f(float4 v) { return total(v) + total(vec<half, 2>(half(1), half(2))); }
//--- mathematics
float f(float x, half y) {
  return exp(x) + precise::exp(x) + fast::log(x) + rint(x) + fma(x, x, x) + float(rsqrt(y)) +
         clamp(x, 0.0f, 1.0f) + fmax(x, INFINITY) + M_PI_F;
}
//--- integers
uint f(uint x, int y) {
  return popcount(x) + clz(x) + min(x, 4u) + uint(max(y, -1)) + extract_bits(x, 4, 2);
}
//--- relations
float f(float x, float4 v) {
  return isnan(x) || any(v > float4(0)) ? select(x, 1.0f, x > 2) : 0;
}
//--- bits
uchar4 f(float x) { return as_type<uchar4>(as_type<uint>(x) << 8); }
//--- simdgroups
float f(float x, uint lane) {
  x = simd_sum(x) + simd_shuffle_xor(x, 1) + simd_max(half(x));
  if (simd_any(x > 0)) x += simd_broadcast(x, 0);
  return lane == 0 && simd_is_first() ? x : 0;
}
//--- simdgroup_matrices
#include <metal_simdgroup_matrix>
kernel void f(device const half* a [[buffer(0)]], device float* c [[buffer(1)]]) {
  threadgroup half tile[64];
  simdgroup_half8x8 left, right;
  simdgroup_float8x8 sum = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  simdgroup_load(left, a, 8);
  simdgroup_load(right, tile, 8, ulong2(0, 0), true);
  simdgroup_multiply_accumulate(sum, left, right, sum);
  sum.thread_elements()[0] *= 2;
  simdgroup_store(sum, c, 8);
}
//--- atomics
void f(device atomic_uint* p, threadgroup atomic_int* q, device atomic_float* r) {
  atomic_fetch_add_explicit(p, 1u, memory_order_relaxed);
  atomic_store_explicit(q, 0, memory_order_relaxed);
  atomic_fetch_add_explicit(r, 1.0f, memory_order_relaxed);
  uint expected = atomic_load_explicit(p, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(p, &expected, expected + 1, memory_order_relaxed,
                                                memory_order_relaxed)) {
  }
}
//--- bfloat_arithmetic
bfloat f(bfloat a, float b) { return bfloat(float(a) * b) + a; }
//--- limits_and_traits
template <typename T>
enable_if_t<is_floating_point_v<T>, T> worst() {
  return -numeric_limits<T>::infinity();
}
template <typename T>
enable_if_t<is_integral_v<T>, T> worst() {
  return numeric_limits<T>::lowest();
}
float f() { return worst<float>() + worst<int>() + (is_same_v<half, float> ? 1 : 0); }
//--- reference_to_array_of_vectors
template <int N>
float f(thread float4 (&x)[N]) {
  return float4(x[0] + x[N - 1]).x;
}
