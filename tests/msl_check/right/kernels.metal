//--- every_attribute
kernel void f(device float* x [[buffer(0)]], constant uint& n [[buffer(30)]],
              threadgroup float* s [[threadgroup(0)]], uint3 i [[thread_position_in_grid]],
              uint3 g [[threadgroup_position_in_grid]], uint3 t [[threads_per_threadgroup]],
              uint lane [[thread_index_in_simdgroup]], ushort sg [[simdgroup_index_in_threadgroup]],
              uint sgs [[simdgroups_per_threadgroup]]) {}
//--- attribute_form
[[kernel]] void f(device float* x [[buffer(0)]]) { x[0] = 1; }
//--- limit_of_threads
[[max_total_threads_per_threadgroup(256)]] kernel void f(device float* x [[buffer(0)]]) {}
//--- template_and_instances
template <typename T>
kernel void copy(device const T* x [[buffer(0)]], device T* y [[buffer(1)]],
                 uint i [[thread_position_in_grid]]) {
  y[i] = x[i];
}
template [[host_name("copy_f32")]] kernel decltype(copy<float>) copy<float>;
template [[host_name("copy_bf16")]] [[kernel]] decltype(copy<bfloat>) copy<bfloat>;
//--- instance_by_signature
template <typename T>
kernel void zero(device T* x [[buffer(0)]], uint i [[thread_position_in_grid]]) {
  x[i] = T(0);
}
template [[host_name("zero_f16")]] kernel void zero<half>(device half* x [[buffer(0)]],
                                                          uint i [[thread_position_in_grid]]);
//--- instances_by_macro
template <typename T, int N>
kernel void fill(device T* x [[buffer(0)]]) {
  for (int i = 0; i < N; ++i) x[i] = T(0);
}
#define instance(name, type, n) \
  template [[host_name("fill_" #name)]] kernel decltype(fill<type, n>) fill<type, n>;
instance(f32, float, 4) instance(i32, int, 2)
//--- function_constants
constant bool has_bias [[function_constant(0)]];
constant uint width [[function_constant(1)]];
constant bool use_bias = is_function_constant_defined(has_bias) ? has_bias : false;
constant uint twice = width * 2;
kernel void f(device float* x [[buffer(0)]],
              device const float* b [[buffer(1), function_constant(use_bias)]],
              uint i [[thread_position_in_grid]]) {
  if (use_bias) x[i] += b[i % twice];
}
//--- threadgroup_memory
template <int N>
kernel void f(device float* x [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
  threadgroup float shared[N];
  threadgroup atomic_uint count;
  shared[i] = x[i];
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  x[i] = shared[N - 1 - i];
}
template [[host_name("f")]] kernel decltype(f<32>) f<32>;
//--- attributes_without_spaces
template <typename T>
[[kernel]]void f(device T* x[[buffer(0)]],uint i[[thread_position_in_grid]]) { x[i] = 1; }
template[[host_name("f")]][[kernel]] decltype(f<int>) f<int>;
