// Templates, instantiated in each way, function constants, helpers for two address spaces.
#include <metal_stdlib>
using namespace metal;

template <typename T>
struct Square {
  T operator()(T x) const thread { return x * x; }
  T operator()(T x) const device { return x * x; }
};
template <typename T>
struct Twice {
  T operator()(T x) const { return x + x; }
};

template <typename T, typename Op, int kPerThread = 2>
[[kernel]] void map(device const T* in [[buffer(0)]], device T* out [[buffer(1)]],
                    uint i [[thread_position_in_grid]]) {
  Op op;
  for (int k = 0; k < kPerThread; ++k) out[i * kPerThread + k] = op(in[i * kPerThread + k]);
}
template [[host_name("square_f32")]] [[kernel]] decltype(map<float, Square<float>>) map<float, Square<float>>;
template [[host_name("twice_f16_x4")]] [[kernel]] decltype(map<half, Twice<half>, 4>) map<half, Twice<half>, 4>;
#define INSTANTIATE_MAP(name, type)                                        \
  template [[host_name("square_" #name)]] [[kernel]] void map<type, Square<type>, 1>( \
      device const type* in [[buffer(0)]], device type* out [[buffer(1)]], \
      uint i [[thread_position_in_grid]]);
INSTANTIATE_MAP(i32, int)

template <typename T, enable_if_t<(sizeof(T) < 8), bool> = true>
METAL_FUNC T narrow(T x) {
  return x + T(1);
}
template <typename T>
kernel void plus_one(device T* x [[buffer(0)]], uint i [[thread_position_in_grid]]) {
  x[i] = narrow(x[i]);
}
template [[host_name("plus_one_i16")]] kernel void plus_one(device short* x [[buffer(0)]],
                                                            uint i [[thread_position_in_grid]]);

constant bool kNegate [[function_constant(0)]];
constant int kBias [[function_constant(1)]];
constant float kScale [[function_constant(2)]];
constant int kTwiceBias = 2 * kBias;
constant float kFactor = is_function_constant_defined(kScale) ? kScale : 1.0;
constant bool kHasExtra [[function_constant(3)]];

kernel void constants(device float* out [[buffer(0)]],
                      device const float* extra [[buffer(1), function_constant(kHasExtra)]],
                      uint i [[thread_position_in_grid]]) {
  float v = (float(i) + kTwiceBias) * kFactor;
  if (kHasExtra) v += extra[i];
  out[i] = kNegate ? -v : v;
}

template <typename T>
T total(const device T* p, int n) {
  T sum = 0;
  for (int i = 0; i < n; ++i) sum += p[i];
  return sum;
}
template <typename T>
T total(const threadgroup T* p, int n) {
  T sum = 0;
  for (int i = 0; i < n; ++i) sum += p[i];
  return sum;
}
kernel void address_spaces(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                           uint i [[thread_index_in_threadgroup]]) {
  threadgroup float copy[16];
  copy[i] = 2 * x[i];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (i == 0) out[0] = total(x, 16) + total(copy, 16);
}

namespace metal {
inline float erf(float x) {  // Metal has none, so programs add theirs
  const float t = 1 / (1 + 0.3275911 * abs(x));
  const float y = 1 - (((((1.061405429 * t - 1.453152027) * t) + 1.421413741) * t - 0.284496736) * t +
                       0.254829592) * t * exp(-x * x);
  return copysign(y, x);
}
}  // namespace metal
kernel void own_erf(device float* x [[buffer(0)]], uint i [[thread_position_in_grid]]) { x[i] = metal::erf(x[i]); }
