// What both targets share of the 8x8 matrices that the threads of a SIMD-group hold together, two
// elements each.
namespace sm_program {
namespace metal {

template <class T, int columns, int rows>
inline constexpr bool sm_matrix_shape =
    (is_same_v<T, float> || is_same_v<T, half> || is_same_v<T, bfloat>) && columns == 8 &&
    rows == 8;

template <class T, int columns, int rows>
struct simdgroup_matrix;
typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8, 8> simdgroup_bfloat8x8;

// Where the elements of a lane lie in Metal's layout: the row, and which pair of columns.
inline constexpr uint sm_row_of(uint lane) { return (lane / 4 & 4) + lane / 2 % 4; }
inline constexpr uint sm_pair_of(uint lane) { return (lane / 4 & 2) + lane % 2; }

}  // namespace metal
}  // namespace sm_program
