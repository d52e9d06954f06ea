//--- result
kernel int f() { return 0; }  // error: kernel must have void return type
//--- result_of_attribute_form
[[kernel]] int f() { return 0; }  // error: kernel must have void return type
//--- unbound_value
kernel void f(device float* x [[buffer(0)]], uint i) {}  // error: 'i' is not bound
//--- unbound_pointer
kernel void f(device float* x) {}  // error: 'x' is not bound
//--- buffer_31
kernel void f(device float* x [[buffer(31)]]) {}  // error: must be between 0 and 30
//--- one_buffer_twice
kernel void f(device float* x [[buffer(1)]],
              device float* y [[buffer(1)]]) {}  // error: cannot reserve 'buffer' resource location
//--- buffer_of_threadgroup_pointer
kernel void f(threadgroup float* x [[buffer(0)]]) {}  // error: 'buffer' binds a device or constant
//--- buffer_by_value
kernel void f(uint n [[buffer(0)]]) {}  // error: 'buffer' binds a device or constant pointer
//--- threadgroup_of_device_pointer
kernel void f(device float* x [[threadgroup(0)]]) {}  // error: 'threadgroup' binds a threadgroup
//--- position_of_float
kernel void f(float i [[thread_position_in_grid]]) {}  // error: invalid type 'float' for attribute
//--- position_of_int
kernel void f(int i [[thread_position_in_grid]]) {}  // error: invalid type 'int' for attribute
//--- lane_of_vector
kernel void f(uint2 i [[thread_index_in_simdgroup]]) {}  // error: invalid type 'uint2'
//--- positions_of_two_sizes
kernel void f(uint2 i [[thread_position_in_grid]],  // error: scalars or vectors of the same size
              uint n [[threads_per_grid]]) {}
//--- misspelt_attribute
kernel void f(uint i [[thread_position_in_gird]]) {}  // error: 'thread_position_in_gird'
//--- attribute_on_helper
void f(uint i [[thread_position_in_grid]]) {}  // error: only applies to parameters of a kernel
