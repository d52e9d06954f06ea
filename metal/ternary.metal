#include "ternary.h"

[[kernel]] void ternary_tensor_scale(
    device const PairSum::State* sums [[buffer(0)]], device float* scales [[buffer(1)]],
    constant TernaryParams& p [[buffer(2)]], constant uint& count [[buffer(3)]],
    uint first [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup PairSum::State shared[kSimdWidth];
  const uint step = simdgroups * kSimdWidth;
  PairSum::State sum = PairSum::identity();
  for (uint i = first; i < count; i += step) sum = PairSum::merge(sum, sums[i]);
  sum = group_reduce<PairSum>(sum, shared, simdgroup, simdgroups, lane);
  const float scale = absmean(sum, p.rows, p.columns);
  for (uint row = first; row < panel_count(p.rows) * kPanelRows; row += step) {
    scales[row] = row < p.rows ? scale : 0.0f;
  }
}

[[kernel]] void ternary_pack(device const char* ternary [[buffer(0)]],
                             device uint* codes [[buffer(1)]],
                             constant TernaryParams& p [[buffer(2)]],
                             uint2 group [[threadgroup_position_in_grid]],
                             uint simdgroup [[simdgroup_index_in_threadgroup]],
                             uint simdgroups [[simdgroups_per_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]]) {
  const Given given{ternary, &p};
  encode(TwoBlocks::of(group, simdgroup, simdgroups, lane), p, codes, given);
}

[[kernel]] void ternary_unpack(device const uint* codes [[buffer(0)]],
                               device char* ternary [[buffer(1)]],
                               constant TernaryParams& p [[buffer(2)]],
                               uint2 group [[threadgroup_position_in_grid]],
                               uint simdgroup [[simdgroup_index_in_threadgroup]],
                               uint simdgroups [[simdgroups_per_threadgroup]],
                               uint lane [[thread_index_in_simdgroup]]) {
  decode<char, false>(TwoBlocks::of(group, simdgroup, simdgroups, lane), p, codes, nullptr,
                      ternary);
}

// clang-format off
#define instantiate(kernel_name, name, type)               \
  template [[host_name(#kernel_name "_" name)]] [[kernel]] \
  decltype(kernel_name<type>) kernel_name<type>;

#define instantiate_type(name, type)           \
  instantiate(ternary_tensor_sum, name, type)  \
  instantiate(ternary_group_scale, name, type) \
  instantiate(ternary_encode, name, type)      \
  instantiate(ternary_dequantize, name, type)

instantiate_type("f32", float)
instantiate_type("f16", half)
instantiate_type("bf16", bfloat)
