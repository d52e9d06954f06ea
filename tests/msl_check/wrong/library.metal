//--- swizzle_out_of_range
float f(float2 v) { return v.z; }  // error: vector component access exceeds type
//--- swizzle_assigned_twice
void f(float4 v) { v.xx = float2(1, 2); }  // error: vector is not assignable (contains duplicate
//--- vector_of_too_few_parts
float4 f(float2 v) { return float4(v, 1); }  // error: the parts do not fill the vector
//--- vector_of_eight
float8 f();  // error: unknown type name 'float8'
//--- ambiguous_minimum
uint f(uint n) { return min(n, 4); }  // error: call to 'min' is ambiguous
//--- sine_of_bfloat
bfloat f(bfloat x) { return sin(x); }  // error: call to deleted function 'sin'
//--- shuffle_of_long
long f(long x) { return simd_shuffle(x, 0); }  // error: call to 'simd_shuffle' is ambiguous
//--- sum_of_bfloat
bfloat f(bfloat x) { return simd_sum(x); }  // error: call to 'simd_sum' is ambiguous
//--- atomic_float_maximum
void f(device atomic_float* p) {
  atomic_fetch_max_explicit(p, 1.0f, memory_order_relaxed);  // error: no matching function for call
}
//--- atomic_float_in_threadgroup
void f(threadgroup atomic_float* p) {
  atomic_fetch_add_explicit(p, 1.0f, memory_order_relaxed);  // error: no matching function for call
}
//--- atomic_of_plain_memory
void f(device uint* p) {
  atomic_fetch_add_explicit(p, 1u, memory_order_relaxed);  // error: no matching function for call
}
//--- atomic_order
void f(device atomic_uint* p) {
  atomic_store_explicit(p, 1u, memory_order_seq_cst);  // error: undeclared identifier
}
//--- as_type_of_another_size
uint f(half x) { return as_type<uint>(x); }  // error: as_type needs types of one size
//--- matrix_of_int
#include <metal_simdgroup_matrix>
void f() { simdgroup_matrix<int, 8, 8> m; }  // error: simdgroup matrices hold half, bfloat or float
//--- matrix_of_16
#include <metal_simdgroup_matrix>
void f() { simdgroup_matrix<float, 16, 16> m; }  // error: simdgroup matrices are 8 by 8
//--- matrix_without_its_header
void f() { simdgroup_float8x8 m; }  // error: unknown type name 'simdgroup_float8x8'
//--- printf_call
void f() { printf("x"); }  // error: use of undeclared identifier 'printf'
//--- function_constant_as_size
constant uint n [[function_constant(0)]];
void f() { float x[n]; }  // error: array size is not a constant expression
