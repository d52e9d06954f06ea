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

#if __CUDA_ARCH__ >= 800
// What kernels may have of their own for arrays of matrices, sums[i][j] += left[i][k] right[k][j],
// by the instruction that takes four of the left ones and two of the right ones at a time, and for
// rows of eight elements in threadgroup memory, eight rows a matrix, by the one that loads up to
// four of them into its layout.
template <class T>
concept sm_tensor_element = is_same_v<T, half> || is_same_v<T, bfloat>;

// Registers of `count` matrices; lane l says where row l % 8 of matrix l / 8 is.
template <bool transposed, int count>
inline void sm_load_rows(uint (&words)[count], const void* row) {
  const uint at = static_cast<uint>(::__cvta_generic_to_shared(row));
  if constexpr (count == 4 && transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(at)
                 : "memory");
  else if constexpr (count == 4)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(at)
                 : "memory");
  else if constexpr (transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(words[0]), "=r"(words[1])
                 : "r"(at)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(words[0]), "=r"(words[1])
                 : "r"(at)
                 : "memory");
}

template <class T, class Row, int rows>
  requires(sm_tensor_element<T> && sizeof(Row) == 16 && rows % 2 == 0)
inline void load_left_matrices(simdgroup_matrix<T, 8, 8> (&left)[rows][2], const Row* first,
                               uint step_i, uint step_k, bool transposed) {
  const uint lane = sm_lane_index();
  const Row* own = first + lane / 8 % 2 * step_i + lane / 16 * step_k + lane % 8;
#pragma unroll
  for (int i = 0; i < rows; i += 2) {
    uint words[4];
    if (transposed)
      sm_load_rows<true>(words, own + i * step_i);
    else
      sm_load_rows<false>(words, own + i * step_i);
#pragma unroll
    for (int m = 0; m < 4; ++m)
      left[i + m % 2][m / 2].set(__builtin_bit_cast(vec<T, 2>, words[m]), sm_layout::rows);
  }
}

// Its layout has columns, so that rows are loaded where the transposed matrix is wanted.
template <class T, class Row, int columns>
  requires(sm_tensor_element<T> && sizeof(Row) == 16)
inline void load_right_matrices(simdgroup_matrix<T, 8, 8> (&right)[2][columns], const Row* first,
                                uint step_j, uint step_k, bool transposed) {
  const uint lane = sm_lane_index();
  const Row* own = first + lane / 8 % 2 * step_k + lane / 16 * step_j + lane % 8;
  constexpr int together = columns % 2 == 0 ? 2 : 1;
#pragma unroll
  for (int j = 0; j < columns; j += together) {
    uint words[2 * together];
    const Row* row = together == 2 ? own + j * step_j : first + lane / 8 % 2 * step_k + lane % 8;
    if (transposed)
      sm_load_rows<false>(words, row);
    else
      sm_load_rows<true>(words, row);
#pragma unroll
    for (int m = 0; m < 2 * together; ++m)
      right[m % 2][j + m / 2].set(__builtin_bit_cast(vec<T, 2>, words[m]), sm_layout::columns);
  }
}

// Of a lane's own elements, which lie as in these layouts.
template <class T>
  requires sm_tensor_element<T>
inline void set_left_pairs(simdgroup_matrix<T, 8, 8>& matrix, uint pair, uint*, uint) {
  matrix.set(__builtin_bit_cast(vec<T, 2>, pair), sm_layout::rows);
}
template <class T>
  requires sm_tensor_element<T>
inline void set_right_pairs(simdgroup_matrix<T, 8, 8>& matrix, uint pair, uint*, uint) {
  matrix.set(__builtin_bit_cast(vec<T, 2>, pair), sm_layout::columns);
}

template <class A, int rows, int columns, int depth>
  requires(sm_tensor_element<A> && rows % 2 == 0 && depth % 2 == 0)
inline void multiply_accumulate_matrices(simdgroup_matrix<float, 8, 8> (&sums)[rows][columns],
                                         const simdgroup_matrix<A, 8, 8> (&left)[rows][depth],
                                         const simdgroup_matrix<A, 8, 8> (&right)[depth][columns]) {
  const auto bits = [](const simdgroup_matrix<A, 8, 8>& m, sm_layout layout) {
    return __builtin_bit_cast(uint, m.bring(layout));
  };
#pragma unroll
  for (int k = 0; k < depth; k += 2) {
#pragma unroll
    for (int i = 0; i < rows; i += 2) {
      const uint a0 = bits(left[i][k], sm_layout::rows), a1 = bits(left[i + 1][k], sm_layout::rows),
                 a2 = bits(left[i][k + 1], sm_layout::rows),
                 a3 = bits(left[i + 1][k + 1], sm_layout::rows);
#pragma unroll
      for (int j = 0; j < columns; ++j) {
        const uint b0 = bits(right[k][j], sm_layout::columns),
                   b1 = bits(right[k + 1][j], sm_layout::columns);
        float2 above = sums[i][j].bring(sm_layout::rows);
        float2 below = sums[i + 1][j].bring(sm_layout::rows);
        if constexpr (is_same_v<A, half>) {
          asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
              "{%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
              : "+f"(above.x), "+f"(above.y), "+f"(below.x), "+f"(below.y)
              : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
        } else {
          asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
              "{%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
              : "+f"(above.x), "+f"(above.y), "+f"(below.x), "+f"(below.y)
              : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
        }
        sums[i][j].set(above, sm_layout::rows);
        sums[i + 1][j].set(below, sm_layout::rows);
      }
    }
  }
}
#endif

}  // namespace metal
}  // namespace sm_program
