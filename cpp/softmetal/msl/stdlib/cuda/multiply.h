// Products of simdgroup matrices: half and bfloat on the tensor cores, which multiply exactly and
// sum in float; float in float.
namespace sm_program {
namespace metal {

// The instruction has 16 rows: those below are zero times B, whatever that is, and nobody reads
// them. They stay with the sum, whose four registers belong together.
template <class A>
inline void sm_tensor_product(float2& sum, float2& below, uint a, uint b) {
  if constexpr (is_same_v<A, half>) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
        "{%0,%1,%2,%3},{%4,%5},{%6},{%0,%1,%2,%3};"
        : "+f"(sum.x), "+f"(sum.y), "+f"(below.x), "+f"(below.y)
        : "r"(a), "r"(0), "r"(b));
  } else {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3},{%4,%5},{%6},{%0,%1,%2,%3};"
        : "+f"(sum.x), "+f"(sum.y), "+f"(below.x), "+f"(below.y)
        : "r"(a), "r"(0), "r"(b));
  }
}

template <class D, class A, class B, class C>
inline void sm_multiply_accumulate(simdgroup_matrix<D, 8, 8>& d, const simdgroup_matrix<A, 8, 8>& a,
                                   const simdgroup_matrix<B, 8, 8>& b,
                                   const simdgroup_matrix<C, 8, 8>& c) {
  const vec<C, 2> start = c.bring(sm_layout::rows);
  float2 sum(static_cast<float>(start.x), static_cast<float>(start.y));
#if __CUDA_ARCH__ >= 800
  if constexpr (is_same_v<A, B> && !is_same_v<A, float>) {
    float2 below = c.sm_below;
    sm_tensor_product<A>(sum, below, __builtin_bit_cast(uint, a.bring(sm_layout::rows)),
                         __builtin_bit_cast(uint, b.bring(sm_layout::columns)));
    d.sm_below = below;
    d.set(vec<D, 2>(static_cast<D>(sum.x), static_cast<D>(sum.y)), sm_layout::rows);
    return;
  }
#endif
  const uint lane = sm_lane_index();
  const vec<A, 2> left = a.bring(sm_layout::rows);
  const vec<B, 2> right = b.bring(sm_layout::rows);
#pragma unroll
  for (uint k = 0; k < 8; ++k) {
    const float factor = static_cast<float>(
        sm_fetch(sm_whole, static_cast<A>(k & 1 ? left.y : left.x), lane / 4 * 4 + k / 2));
    const vec<B, 2> row = sm_fetch(sm_whole, right, k * 4 + lane % 4);
    sum.x += factor * static_cast<float>(row.x);
    sum.y += factor * static_cast<float>(row.y);
  }
  d.set(vec<D, 2>(static_cast<D>(sum.x), static_cast<D>(sum.y)), sm_layout::rows);
}

}  // namespace metal
}  // namespace sm_program
