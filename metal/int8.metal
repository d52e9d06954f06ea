#include "int8.h"

[[kernel, max_total_threads_per_threadgroup(128)]] void int8_matmul(
    device const char* a [[buffer(0)]], device const char* b [[buffer(1)]],
    device int* c [[buffer(2)]], constant MatmulParams& p [[buffer(3)]],
    uint2 tile [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup uint4 memory[kMatmulMemory<half, StandardShape>];
  matmul_tile<kInt8ExactDepth, StandardShape>(int8_operand(a, p.a_row_stride, p.m, p.k, vector_a),
                                              int8_operand(b, p.b_row_stride, p.n, p.k, vector_b),
                                              p.m, p.n, p.k, tile, RowMajorStore<int>{c, p.n},
                                              memory, index, simdgroup, lane);
}

[[kernel, max_total_threads_per_threadgroup(256)]] void int8_matmul_plain(
    device const char* a [[buffer(0)]], device const char* b [[buffer(1)]],
    device int* c [[buffer(2)]], constant MatmulParams& p [[buffer(3)]],
    uint2 tile [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]]) {
  threadgroup half memory[kPlainMemory<half, 1>];
  matmul_plain_tile<kInt8ExactDepth, 1>(int8_operand(a, p.a_row_stride, p.m, p.k, vector_a),
                                        int8_operand(b, p.b_row_stride, p.n, p.k, vector_b), p.m,
                                        p.n, p.k, tile, RowMajorStore<int>{c, p.n}, memory, index);
}

template <typename T>
[[kernel]] void int8_dequantize(device const int* sums [[buffer(0)]],
                                device const float* row_absmax [[buffer(1)]],
                                device const float* column_absmax [[buffer(2)]],
                                device const float* bias [[buffer(3), function_constant(has_bias)]],
                                device T* out [[buffer(4)]], constant RowParams& p [[buffer(5)]],
                                uint2 position [[thread_position_in_grid]]) {
  const uint column = position.x, row = position.y;
  if (column >= p.columns || row >= p.rows) return;
  constexpr float kUnit = 1.0f / (127 * 127);
  const ulong at = ulong(row) * p.columns + column;
  float y = float(sums[at]) * (row_absmax[row] * column_absmax[column]) * kUnit;
  if (has_bias) y += bias[column];
  out[at] = T(y);
}

// clang-format off
#define instantiate(kernel_name, name, ...)                  \
  template [[host_name(#kernel_name "_" name)]] [[kernel]]   \
  decltype(kernel_name<__VA_ARGS__>) kernel_name<__VA_ARGS__>;

#define instantiate_type(name, type)            \
  instantiate(int8_mark_outliers, name, type)   \
  instantiate(int8_quantize_rows, name, type)   \
  instantiate(int8_dequantize, name, type)

instantiate_type("f32", float)
instantiate_type("f16", half)
instantiate_type("bf16", bfloat)
instantiate(int8_matvec, "b1", 1)
instantiate(int8_matvec, "b2", 2)
instantiate(int8_matvec, "b4", 4)
instantiate(int8_matvec, "b8", 8)
