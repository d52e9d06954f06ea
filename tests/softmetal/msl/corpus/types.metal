// Numbers and vectors.
#include <metal_stdlib>
using namespace metal;

kernel void swizzles(device const float4* in [[buffer(0)]], device float4* out [[buffer(1)]],
                     uint i [[thread_position_in_grid]]) {
  float4 v = in[i];
  v.xy = v.yx;
  v.zw += v.xx;
  v.b *= 2;
  float3 w = v.zyx;
  w.yz = float2(w.x, 7);
  out[i] = float4(w.xz, v.wx) + v.rgba.wzyx;
}

kernel void halves(device const half* a [[buffer(0)]], device const half* b [[buffer(1)]],
                   device half* out [[buffer(2)]], device float* wide [[buffer(3)]],
                   uint i [[thread_position_in_grid]]) {
  out[2 * i] = a[i] * b[i] + a[i];
  out[2 * i + 1] = fma(a[i], b[i], 1.5h);
  wide[i] = a[i] * 3.0f + float(b[i]);
}

kernel void bfloats(device const bfloat* a [[buffer(0)]], device const bfloat* b [[buffer(1)]],
                    device bfloat* out [[buffer(2)]], device float* wide [[buffer(3)]],
                    uint i [[thread_position_in_grid]]) {
  bfloat v = a[i] * b[i];
  v += 1.0bf;
  out[i] = v - a[i] * 2;
  wide[i] = a[i] + 0.1f;
}

kernel void packed(device const packed_float3* in [[buffer(0)]], device packed_float3* out [[buffer(1)]],
                   device float3* padded [[buffer(2)]], uint i [[thread_position_in_grid]]) {
  const float3 v = in[i];
  out[i] = v * 2 + in[i];
  padded[i] = cross(v, float3(in[i].zxy));
  out[i].y = dot(v, v);
}

kernel void integers(device const uint* x [[buffer(0)]], device uint* out [[buffer(1)]],
                     uint i [[thread_position_in_grid]]) {
  const uint v = x[i];
  device uint* row = out + 10 * i;
  row[0] = popcount(v);
  row[1] = clz(v);
  row[2] = ctz(v);
  row[3] = reverse_bits(v);
  row[4] = rotate(v, 7u);
  row[5] = mulhi(v, 0x9e3779b9u);
  row[6] = extract_bits(v, 5, 9);
  row[7] = insert_bits(v, 0x155u, 3, 8);
  row[8] = addsat(v, 0x80000000u);
  row[9] = uint(absdiff(int(v), 1 - int(v >> 1)));
}

kernel void mathematics(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                        uint i [[thread_position_in_grid]]) {
  const float v = x[i];
  device float* row = out + 12 * i;
  row[0] = exp(v);
  row[1] = precise::tanh(v);
  row[2] = fast::rsqrt(abs(v) + 1);
  row[3] = clamp(v, -0.5, 0.5);
  row[4] = mix(v, 1.0f, 0.25f);
  row[5] = smoothstep(-1.0f, 1.0f, v);
  row[6] = sinpi(v);
  row[7] = fract(v);
  row[8] = sign(v) * step(0.0f, v);
  row[9] = select(v, 9.0f, isnan(log(v)));
  row[10] = as_type<float>(as_type<uint>(v) ^ 0x80000000u);
  row[11] = length(float3(v, 1, 2)) + dot(float2(v), float2(1, 2)) + max(float4(v), 0.0).x;
}

kernel void vector_math(device const float4* x [[buffer(0)]], device float4* out [[buffer(1)]],
                        device int* flags [[buffer(2)]], uint i [[thread_position_in_grid]]) {
  const float4 v = x[i];
  out[i] = select(fma(v, 2.0f, 1.0f), -v, v < 0) + float4(int4(v)) + min(v, float4(0.25));
  flags[i] = int(any(v > 1)) + 2 * int(all(v > -3)) + 4 * int(all(isfinite(v)));
}

kernel void limits(device float* out [[buffer(0)]]) {
  out[0] = numeric_limits<float>::max();
  out[1] = float(numeric_limits<half>::max());
  out[2] = float(numeric_limits<bfloat>::epsilon());
  out[3] = float(numeric_limits<int>::min());
  out[4] = float(numeric_limits<uchar>::max());
  out[5] = -INFINITY;
  out[6] = M_PI_F;
  out[7] = float(is_same_v<decltype(1.5h * 1.5h), half>) + 2 * float(is_floating_point_v<bfloat>);
}

kernel void packing(device const float4* x [[buffer(0)]], device uint* out [[buffer(1)]],
                    device float4* back [[buffer(2)]], uint i [[thread_position_in_grid]]) {
  out[i] = pack_float_to_unorm4x8(x[i]);
  back[i] = unpack_unorm4x8_to_float(out[i]);
}

kernel void matrices(device const float4x4& m [[buffer(0)]], device const float4* v [[buffer(1)]],
                     device float4* out [[buffer(2)]], uint i [[thread_position_in_grid]]) {
  out[i] = m * v[i] + v[i] * m + (transpose(m) * m)[i];
}

kernel void char_vectors(device const char4* a [[buffer(0)]], device int* out [[buffer(1)]],
                         uint i [[thread_position_in_grid]]) {
  const int4 w = int4(a[i]);
  out[i] = w.x + w.y * 2 + w.z * 3 + w.w * 4 + (a[i].x >> 1);
}
