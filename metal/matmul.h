// C[m, n] = A[m, k] B[k, n] for dense operands, batched, at any strides; sums in float.
//
//   buffer 0  A        1  B        2  C, row-major [batch, m, n]        3  MatmulParams
//   function constants kFcAlongDepthA, kFcAlongDepthB, kFcVectorA, kFcVectorB, kFcVectors (of C)
//
//   matmul_*        simdgroup matrices: kMatmulThreads threads a threadgroup, a grid of
//                   (ceil(n / kMatmulTile), ceil(m / kMatmulTile), batch) threadgroups
//   matmul_plain_*  for devices without them: kMatmulPlainThreads
//   matmul_large_*, matmul_plain_large_*  with tiles of 2 * kMatmulTile
//
// NN, NT, TN and TT differ in strides and in kFcAlongDepth*: A is along depth where its last axis
// is k, B where its *first* axis changes slowest, that is, where its last axis is k (a transposed
// view).
#pragma once

#include "matmul_tile.h"
#include "store.h"

constant bool along_depth_a [[function_constant(0)]];
constant bool along_depth_b [[function_constant(1)]];
constant bool vector_a [[function_constant(2)]];
constant bool vector_b [[function_constant(3)]];
constant bool vector_c [[function_constant(18)]];

template <typename T>
METAL_FUNC DenseOperand<T, T> left_operand(device const T* a, constant MatmulParams& p,
                                           uint batch) {
  return DenseOperand<T, T>{a + long(batch) * p.a_batch_stride,
                            p.a_row_stride,
                            p.a_depth_stride,
                            p.m,
                            p.k,
                            along_depth_a,
                            vector_a};
}

template <typename T>
METAL_FUNC DenseOperand<T, T> right_operand(device const T* b, constant MatmulParams& p,
                                            uint batch) {
  return DenseOperand<T, T>{b + long(batch) * p.b_batch_stride,
                            p.b_row_stride,
                            p.b_depth_stride,
                            p.n,
                            p.k,
                            along_depth_b,
                            vector_b};
}

template <typename T, typename Shape>
[[kernel, max_total_threads_per_threadgroup(128)]] void matmul(
    device const T* a [[buffer(0)]], device const T* b [[buffer(1)]], device T* c [[buffer(2)]],
    constant MatmulParams& p [[buffer(3)]], uint3 tile [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  threadgroup uint4 memory[kMatmulMemory<T, Shape>];
  const RowMajorFours<T> store{c + ulong(tile.z) * p.m * p.n, p.n, vector_c};
  matmul_tile<kNotExact, Shape>(left_operand(a, p, tile.z), right_operand(b, p, tile.z), p.m, p.n,
                                p.k, tile.xy, store, memory, index, simdgroup, lane);
}

// Of its threads there are half as many as it says: so it leaves registers for another threadgroup.
template <typename T, ushort kFours>
[[kernel, max_total_threads_per_threadgroup(512)]] void matmul_plain(
    device const T* a [[buffer(0)]], device const T* b [[buffer(1)]], device T* c [[buffer(2)]],
    constant MatmulParams& p [[buffer(3)]], uint3 tile [[threadgroup_position_in_grid]],
    uint index [[thread_index_in_threadgroup]]) {
  threadgroup T memory[kPlainMemory<T, kFours>];
  const RowMajorStore<T> store{c + ulong(tile.z) * p.m * p.n, p.n};
  matmul_plain_tile<kNotExact, kFours>(left_operand(a, p, tile.z), right_operand(b, p, tile.z), p.m,
                                       p.n, p.k, tile.xy, store, memory, index);
}
