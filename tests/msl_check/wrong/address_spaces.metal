//--- device_to_thread
void f(device float* p) {
  thread float* q = p;  // error: cannot initialize a variable of type
}
//--- threadgroup_to_device
void f(threadgroup float* p) {
  device float* q = p;  // error: cannot initialize a variable of type
}
//--- constant_to_device
void f(constant float* p) {
  device float* q = p;  // error: cannot initialize a variable of type
}
//--- thread_array_to_device
void f() {
  float local[4];
  device float* q = local;  // error: cannot initialize a variable of type
}
//--- argument_of_another_space
void g(threadgroup float* p);
void f(device float* p) {
  g(p);  // error: no matching function for call to 'g'
}
//--- cast_across_spaces
void f(device float* p) {
  thread float* q = (thread float*)p;  // error: converts between mismatching address spaces
}
//--- reinterpret_across_spaces
void f(device float* p) {
  auto q = reinterpret_cast<threadgroup uint*>(p);  // error: reinterpret_cast
}
//--- reference_of_another_space
void g(thread float& x);
void f(device float* p) {
  g(p[0]);  // error: no matching function for call to 'g'
}
//--- method_on_device_object
struct Scale {
  float value;
  float get() const { return value; }
};
float f(device Scale* s) {
  return s->get();  // error: cannot initialize object parameter
}
//--- method_on_constant_object
struct Scale {
  float value;
  float get() const { return value; }
};
float f(constant Scale& s) {
  return s.get();  // error: cannot initialize object parameter
}
//--- write_to_constant
void f(constant float* p) {
  p[0] = 1.0f;  // error: read-only variable is not assignable
}
//--- write_through_const
void f(device const float* p) {
  p[0] = 1.0f;  // error: read-only variable is not assignable
}
//--- bare_pointer_parameter
float f(float* p) { return p[0]; }  // error: pointer type must have explicit address space
//--- bare_reference_parameter
template <typename T>
T f(const T& x) {  // error: reference type must have explicit address space qualifier
  return x;
}
//--- bare_pointer_member
struct Cursor {
  float* at;  // error: pointer type must have explicit address space qualifier
};
//--- bare_local_pointer
void f() {
  float x[2] = {0, 1};
  float* p = x;  // error: pointer type must have explicit address space qualifier
}
//--- bare_result
float* f(device float* p);  // error: pointer type must have explicit address space qualifier
//--- bare_inner_pointer
void f(float* device* p);  // error: pointer type must have explicit address space qualifier
//--- bare_alias
using Pointer = float*;  // error: pointer type must have explicit address space qualifier
//--- bare_cast
void f(thread float* p) {
  float x = *(float*)p;  // error: pointer type must have explicit address space qualifier
}
//--- program_scope_device
device float total;  // error: program scope variable must reside in constant address space
//--- program_scope_threadgroup
threadgroup float shared[4];  // error: program scope variable must reside in constant address
//--- threadgroup_in_helper
void helper() {
  threadgroup float shared[4];  // error: threadgroup variables may only be declared in a kernel
}
//--- threadgroup_initializer
kernel void f() {
  threadgroup float x = 0;  // error: a threadgroup variable cannot have an initializer
}
