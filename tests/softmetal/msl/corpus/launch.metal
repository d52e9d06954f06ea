// How a kernel gets its arguments and finds its place.
#include <metal_stdlib>
using namespace metal;

constant int kTable[8] = {3, 1, 4, 1, 5, 9, 2, 6};
constant constexpr float2 kOffset = float2(0.5, -0.25);

struct Affine {
  float scale;
  float3 shift;
  packed_float3 tail;
  int count;
};

kernel void no_arguments() {}

kernel void auto_numbered(device const float* a, device float* out, constant float& factor,
                          uint i [[thread_position_in_grid]]) {
  out[i] = a[i] * factor;
}

kernel void explicit_numbers(device float* out [[buffer(5)]], const device int* a [[buffer(2)]],
                             uint i [[thread_position_in_grid]]) {
  out[i] = a[i] / 2.0;
}

[[kernel]] void by_attribute(device uint* out [[buffer(0)]], ushort i [[thread_position_in_grid]]) {
  out[i] = i * 3u;
}

kernel void struct_argument(constant Affine& p [[buffer(0)]], device packed_float3* out [[buffer(1)]],
                            uint i [[thread_position_in_grid]]) {
  if (int(i) >= p.count) return;
  out[i] = p.scale * float(i) + p.shift + p.tail;
}

kernel void early_return(device int* out [[buffer(0)]], constant uint& n [[buffer(1)]],
                         uint i [[thread_position_in_grid]]) {
  if (i >= n) return;
  out[i] = int(i) - 7;
}

kernel void table_lookup(device float2* out [[buffer(0)]], uint i [[thread_position_in_grid]]) {
  out[i] = float2(kTable[i % 8], i) + kOffset;
}

kernel void places(device uint* out [[buffer(0)]], uint3 grid [[threads_per_grid]],
                   uint3 at [[thread_position_in_grid]], ushort3 local [[thread_position_in_threadgroup]],
                   uint3 group [[threadgroup_position_in_grid]], ushort3 size [[threads_per_threadgroup]],
                   uint3 nominal [[dispatch_threads_per_threadgroup]], uint index [[thread_index_in_threadgroup]],
                   uint lane [[thread_index_in_simdgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
                   uint3 groups [[threadgroups_per_grid]], uint simdgroups [[simdgroups_per_threadgroup]],
                   uint width [[threads_per_simdgroup]]) {
  device uint* row = out + ((at.z * grid.y + at.y) * grid.x + at.x) * 12;
  row[0] = local.x;
  row[1] = local.y;
  row[2] = local.z;
  row[3] = group.x + 10 * group.y + 100 * group.z;
  row[4] = size.x + 100 * size.y + 10000 * size.z;
  row[5] = nominal.x + 100 * nominal.y + 10000 * nominal.z;
  row[6] = index;
  row[7] = lane;
  row[8] = simdgroup;
  row[9] = groups.x + 100 * groups.y + 10000 * groups.z;
  row[10] = simdgroups;
  row[11] = width;
}

#ifndef STEP
#define STEP 1
#endif
kernel void macro_step(device int* out [[buffer(0)]], uint i [[thread_position_in_grid]]) {
  out[i] = STEP * int(i);
}
