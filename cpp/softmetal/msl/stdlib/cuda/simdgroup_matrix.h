// Simdgroup matrices in the layouts of NVIDIA's matrix instructions, and in Metal's only while a
// program looks at a thread's own elements. Which of them a matrix has is known when it is
// compiled, once loops over matrices are unrolled.
namespace sm_program {
namespace metal {

enum class sm_layout {
  rows,     // a lane has columns 2 (lane % 4) and the next of row lane / 4
  columns,  // a lane has rows 2 (lane % 4) and the next of column lane / 4
  metal     // sm_row_of, sm_pair_of
};

// The lane that holds a pair of columns of a row in Metal's layout.
inline constexpr uint sm_holder(uint row, uint pair) {
  return (row & 4) << 2 | (pair & 2) << 2 | (row & 3) << 1 | (pair & 1);
}

template <class T, int columns, int rows>
struct simdgroup_matrix {
  static_assert(sm_matrix_shape<T, columns, rows>,
                "simdgroup matrices are 8x8, of float, half or bfloat");
  typedef vec<T, 2> storage_type;

  simdgroup_matrix() = default;
  explicit simdgroup_matrix(T value) {
    const uint lane = sm_lane_index();
    for (uint i = 0; i < 2; ++i) elements_[i] = lane / 4 == lane % 4 * 2 + i ? value : T(0);
  }
  storage_type& thread_elements() { return bring(sm_layout::metal); }
  const storage_type& thread_elements() const { return bring(sm_layout::metal); }

  void sm_fill(T value) { set(storage_type(value), sm_layout::rows); }

  float2 sm_below = float2(0.0f);  // of sums: see sm_tensor_product

  storage_type& bring(sm_layout wanted) const {
    if (layout_ == wanted) return elements_;
    if (layout_ == sm_layout::metal) {
      const uint lane = sm_lane_index();
      take_from(sm_holder(lane / 4, lane % 4));
    } else if (layout_ == sm_layout::columns) {
      transpose();
    }
    if (wanted == sm_layout::metal) {
      const uint lane = sm_lane_index();
      take_from(sm_row_of(lane) * 4 + sm_pair_of(lane));
    } else if (wanted == sm_layout::columns) {
      transpose();
    }
    layout_ = wanted;
    return elements_;
  }
  void set(storage_type elements, sm_layout layout) {
    elements_ = elements;
    layout_ = layout;
  }

 private:
  void take_from(uint lane) const {
    if constexpr (sizeof(T) == 2) {
      const uint word = __builtin_bit_cast(uint, elements_);
      elements_ = __builtin_bit_cast(storage_type, sm_fetch(sm_whole, word, lane));
    } else {
      elements_ = sm_fetch(sm_whole, elements_, lane);
    }
  }
  // Rows to columns and back.
  void transpose() const {
    if constexpr (sizeof(T) == 2) {
      uint word = __builtin_bit_cast(uint, elements_);
      asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %0;" : "+r"(word));
      elements_ = __builtin_bit_cast(storage_type, word);
    } else {
      const uint lane = sm_lane_index();
      storage_type turned;
      for (uint i = 0; i < 2; ++i) {
        const storage_type pair = sm_fetch(sm_whole, elements_, (lane % 4 * 2 + i) * 4 + lane / 8);
        turned[i] = lane / 4 % 2 ? pair.y : pair.x;
      }
      elements_ = turned;
    }
  }

  mutable storage_type elements_;
  mutable sm_layout layout_ = sm_layout::rows;
};

// In the layout in which a lane's elements are neighbours in memory.
template <class T>
inline void simdgroup_load(simdgroup_matrix<T, 8, 8>& m, const T* source,
                           ulong elements_per_row = 8, ulong2 matrix_origin = ulong2(0),
                           bool transpose_matrix = false) {
  const uint lane = sm_lane_index();
  const T* first = source + matrix_origin.y * elements_per_row + matrix_origin.x;
  const T* at = first + lane / 4 * elements_per_row + lane % 4 * 2;
  vec<T, 2> pair;
  if (reinterpret_cast<uintptr_t>(first) % sizeof pair == 0 && elements_per_row % 2 == 0) {
    pair = *reinterpret_cast<const vec<T, 2>*>(at);
  } else {
    pair.x = at[0];
    pair.y = at[1];
  }
  m.set(pair, transpose_matrix ? sm_layout::columns : sm_layout::rows);
}
template <class T>
inline void simdgroup_store(const simdgroup_matrix<T, 8, 8>& m, T* target,
                            ulong elements_per_row = 8, ulong2 matrix_origin = ulong2(0),
                            bool transpose_matrix = false) {
  const vec<T, 2> pair = m.bring(transpose_matrix ? sm_layout::columns : sm_layout::rows);
  const uint lane = sm_lane_index();
  T* at = target + (matrix_origin.y + lane / 4) * elements_per_row + matrix_origin.x + lane % 4 * 2;
  at[0] = pair.x;
  at[1] = pair.y;
}

}  // namespace metal
}  // namespace sm_program
