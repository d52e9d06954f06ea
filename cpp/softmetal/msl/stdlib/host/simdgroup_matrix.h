// 8x8 matrices that the threads of a SIMD-group hold together, two elements each.
namespace sm_program {
namespace metal {

template <class T, int columns, int rows>
struct simdgroup_matrix {
  static_assert(sm_matrix_shape<T, columns, rows>,
                "simdgroup matrices are 8x8, of float, half or bfloat");
  typedef vec<T, 2> storage_type;

  simdgroup_matrix() = default;
  // A diagonal matrix.
  explicit simdgroup_matrix(T value) {
    for (int i = 0; i < 2; ++i) elements_[i] = row() == column() + i ? value : T(0);
  }
  storage_type& thread_elements() { return elements_; }
  const storage_type& thread_elements() const { return elements_; }
  void sm_fill(T value) { elements_ = storage_type(value); }

  // Where this thread's first element lies; the second is to its right.
  static uint row(uint lane = sm_lane_index()) { return sm_row_of(lane); }
  static uint column(uint lane = sm_lane_index()) { return 2 * sm_pair_of(lane); }

 private:
  storage_type elements_;
};
// Elements that this thread holds lie at these distances from the matrix's origin in memory.
template <class T>
inline ulong sm_matrix_offset(int i, ulong per_row, ulong2 origin, bool transposed) {
  typedef simdgroup_matrix<T, 8, 8> M;
  const ulong row = M::row(), column = M::column() + uint(i);
  return transposed ? (origin.y + column) * per_row + origin.x + row
                    : (origin.y + row) * per_row + origin.x + column;
}
template <class T>
SM_CHECKED inline void simdgroup_load(simdgroup_matrix<T, 8, 8>& m, const T* source,
                                      ulong elements_per_row = 8, ulong2 matrix_origin = ulong2(0),
                                      bool transpose_matrix = false) {
  for (int i = 0; i < 2; ++i) {
    const T* at =
        source + sm_matrix_offset<T>(i, elements_per_row, matrix_origin, transpose_matrix);
    sm_touch(at, sizeof(T), SM_READ);
    m.thread_elements()[i] = *at;
  }
}
template <class T>
SM_CHECKED inline void simdgroup_store(const simdgroup_matrix<T, 8, 8>& m, T* target,
                                       ulong elements_per_row = 8, ulong2 matrix_origin = ulong2(0),
                                       bool transpose_matrix = false) {
  for (int i = 0; i < 2; ++i) {
    T* at = target + sm_matrix_offset<T>(i, elements_per_row, matrix_origin, transpose_matrix);
    sm_touch(at, sizeof(T), SM_WRITE);
    *at = m.thread_elements()[i];
  }
}

}  // namespace metal
}  // namespace sm_program
