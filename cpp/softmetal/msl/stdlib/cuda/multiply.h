// Products of simdgroup matrices: half and bfloat on the tensor cores, which multiply exactly and
// sum in float; float in float.
namespace sm_program {
namespace metal {

// The thread that holds an element in Metal's layout, given its row and its pair of columns.
inline uint sm_holder(uint row, uint pair) {
  return (row & 4) << 2 | (pair & 2) << 2 | (row & 3) << 1 | (pair & 1);
}
inline uint sm_shuffled(uint word, uint from) {
  return ::__shfl_sync(sm_whole, word, static_cast<int>(from));
}

template <class A, class B>
inline void sm_tensor_product(float2& d, vec<A, 2> a, vec<B, 2> b, float2 c) {
  // The instructions' layout counts pairs of columns, row by row.
  const uint lane = sm_lane_index(), to = sm_holder(lane >> 2, lane & 3);
  const uint row = (lane >> 2 & 4) + (lane >> 1 & 3), pair = (lane >> 2 & 2) + (lane & 1);
  const uint back = row * 4 + pair;
  const uint left = sm_shuffled(__builtin_bit_cast(uint, a), to);
  uint right = sm_shuffled(__builtin_bit_cast(uint, b), to);
  asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %0;" : "+r"(right));
  const float c0 = __builtin_bit_cast(float, sm_shuffled(__builtin_bit_cast(uint, c.x), to));
  const float c1 = __builtin_bit_cast(float, sm_shuffled(__builtin_bit_cast(uint, c.y), to));
  float d0, d1, rest0, rest1;  // the instruction has 16 rows: the others are zero
  if constexpr (is_same_v<A, half>) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5},{%6},{%7,%8,%9,%9};"
        : "=f"(d0), "=f"(d1), "=f"(rest0), "=f"(rest1)
        : "r"(left), "r"(0), "r"(right), "f"(c0), "f"(c1), "f"(0.0f));
  } else {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3},{%4,%5},{%6},{%7,%8,%9,%9};"
        : "=f"(d0), "=f"(d1), "=f"(rest0), "=f"(rest1)
        : "r"(left), "r"(0), "r"(right), "f"(c0), "f"(c1), "f"(0.0f));
  }
  d.x = __builtin_bit_cast(float, sm_shuffled(__builtin_bit_cast(uint, d0), back));
  d.y = __builtin_bit_cast(float, sm_shuffled(__builtin_bit_cast(uint, d1), back));
}

template <class D, class A, class B, class C>
inline vec<D, 2> sm_multiply(vec<A, 2> a, vec<B, 2> b, vec<C, 2> c) {
  float2 sum(static_cast<float>(c.x), static_cast<float>(c.y));
#if __CUDA_ARCH__ >= 800
  if constexpr (is_same_v<A, B> && !is_same_v<A, float>) {
    sm_tensor_product(sum, a, b, sum);
    return vec<D, 2>(static_cast<D>(sum.x), static_cast<D>(sum.y));
  }
#endif
  const uint lane = sm_lane_index();
  const uint row = (lane >> 2 & 4) + (lane >> 1 & 3), pair = (lane >> 2 & 2) + (lane & 1);
#pragma unroll
  for (uint k = 0; k < 8; ++k) {
    const float left = static_cast<float>(
        sm_fetch(sm_whole, static_cast<A>(k & 1 ? a.y : a.x), sm_holder(row, k / 2)));
    const vec<B, 2> right = sm_fetch(sm_whole, b, sm_holder(k, pair));
    sum.x += left * static_cast<float>(right.x);
    sum.y += left * static_cast<float>(right.y);
  }
  return vec<D, 2>(static_cast<D>(sum.x), static_cast<D>(sum.y));
}

}  // namespace metal
}  // namespace sm_program
