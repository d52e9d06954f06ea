namespace sm_program {
namespace metal {

// D = A B + C, summed in float and rounded once.
template <class D, class A, class B, class C>
struct sm_matrix_product {
  vec<A, 2> a;
  vec<B, 2> b;
  vec<C, 2> c;
  vec<D, 2> d;
  static void combine(sm_u32 mask, sm_matrix_product* const* all) {
    typedef simdgroup_matrix<float, 8, 8> M;
    float fa[8][8] = {}, fb[8][8] = {}, sum[8][8] = {};
    for (uint lane = 0; lane < SM_SIMD_WIDTH; ++lane) {
      if (!(mask >> lane & 1)) continue;
      const uint row = M::row(lane), column = M::column(lane);
      for (uint i = 0; i < 2; ++i) {
        fa[row][column + i] = static_cast<float>(all[lane]->a.sm_data[i]);
        fb[row][column + i] = static_cast<float>(all[lane]->b.sm_data[i]);
        sum[row][column + i] = static_cast<float>(all[lane]->c.sm_data[i]);
      }
    }
    for (int row = 0; row < 8; ++row)
      for (int k = 0; k < 8; ++k)
        for (int column = 0; column < 8; ++column) sum[row][column] += fa[row][k] * fb[k][column];
    for (uint lane = 0; lane < SM_SIMD_WIDTH; ++lane)
      if (mask >> lane & 1)
        for (uint i = 0; i < 2; ++i)
          all[lane]->d.sm_data[i] = static_cast<D>(sum[M::row(lane)][M::column(lane) + i]);
  }
};
template <class D, class A, class B, class C>
inline void sm_multiply_accumulate(simdgroup_matrix<D, 8, 8>& d, const simdgroup_matrix<A, 8, 8>& a,
                                   const simdgroup_matrix<B, 8, 8>& b,
                                   const simdgroup_matrix<C, 8, 8>& c) {
  sm_matrix_product<D, A, B, C> meeting{
      a.thread_elements(), b.thread_elements(), c.thread_elements(), {}};
  sm_meet(meeting);
  d.thread_elements() = meeting.d;
}

}  // namespace metal
}  // namespace sm_program
