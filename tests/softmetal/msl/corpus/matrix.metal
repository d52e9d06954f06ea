// Products of 8x8 matrices that a SIMD-group holds together.
#include <metal_simdgroup_matrix>
#include <metal_stdlib>
using namespace metal;

template <typename T, typename Accumulator>
kernel void gemm(device const T* a [[buffer(0)]], device const T* b [[buffer(1)]], device float* c [[buffer(2)]],
                 constant uint3& shape [[buffer(3)]], uint2 group [[threadgroup_position_in_grid]],
                 uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  const uint n = shape.y, k = shape.z;
  const uint row = 16 * group.y + 8 * simdgroup, column = 8 * group.x;
  simdgroup_matrix<Accumulator, 8, 8> sum = make_filled_simdgroup_matrix<Accumulator, 8, 8>(0);
  for (uint i = 0; i < k; i += 8) {
    simdgroup_matrix<T, 8, 8> left, right;
    simdgroup_load(left, a + row * k + i, k);
    simdgroup_load(right, b, n, ulong2(column, i));
    simdgroup_multiply_accumulate(sum, left, right, sum);
  }
  simdgroup_store(sum, c + row * n + column, n);
}
template [[host_name("gemm_f32")]] [[kernel]] decltype(gemm<float, float>) gemm<float, float>;
template [[host_name("gemm_f16")]] [[kernel]] decltype(gemm<half, float>) gemm<half, float>;
template [[host_name("gemm_bf16")]] [[kernel]] decltype(gemm<bfloat, float>) gemm<bfloat, float>;

// Where each thread's elements lie, and a product with a diagonal and a transposed matrix.
kernel void fragments(device const float* in [[buffer(0)]], device float* out [[buffer(1)]],
                      device float2* held [[buffer(2)]], ushort lane [[thread_index_in_simdgroup]]) {
  threadgroup float tile[64];
  simdgroup_float8x8 m, t;
  simdgroup_load(m, in, 8);
  held[lane] = m.thread_elements();
  simdgroup_load(t, in, 8, 0, true);
  simdgroup_float8x8 product;
  simdgroup_multiply(product, simdgroup_float8x8(2.0f), t);
  m.thread_elements()[0] += 100;
  simdgroup_store(m, tile, 8);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  simdgroup_store(product, out, 8);
  out[64 + lane] = tile[lane];
  out[96 + lane] = tile[32 + lane];
}
