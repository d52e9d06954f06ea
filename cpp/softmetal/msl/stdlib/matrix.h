// Small matrices of float and half, stored by column.
namespace sm_program {
namespace metal {

template <class T, int columns, int rows>
struct matrix {
  static_assert(columns >= 2 && columns <= 4 && rows >= 2 && rows <= 4, "matrices are 2x2 to 4x4");
  vec<T, rows> columns_[columns];

  matrix() = default;
  // The diagonal.
  explicit matrix(T value) {
    for (int c = 0; c < columns; ++c)
      for (int r = 0; r < rows; ++r) columns_[c][r] = c == r ? value : T(0);
  }
  template <class... V>
    requires(sizeof...(V) == columns && (is_same_v<V, vec<T, rows>> && ...))
  matrix(V... v) : columns_{v...} {}
  template <class... S>
    requires(sizeof...(S) == columns * rows && (is_arithmetic_v<S> && ...))
  matrix(S... s) {
    const T all[] = {static_cast<T>(s)...};
    for (int i = 0; i < columns * rows; ++i) columns_[i / rows][i % rows] = all[i];
  }
  vec<T, rows>& operator[](int c) { return columns_[c]; }
  const vec<T, rows>& operator[](int c) const { return columns_[c]; }

  friend matrix operator+(matrix a, const matrix& b) {
    for (int c = 0; c < columns; ++c) a[c] += b[c];
    return a;
  }
  friend matrix operator-(matrix a, const matrix& b) {
    for (int c = 0; c < columns; ++c) a[c] -= b[c];
    return a;
  }
  friend matrix operator*(matrix a, T s) {
    for (int c = 0; c < columns; ++c) a[c] *= s;
    return a;
  }
  friend matrix operator*(T s, matrix a) { return a * s; }
  friend vec<T, rows> operator*(const matrix& a, const vec<T, columns>& v) {
    vec<T, rows> out = a[0] * v[0];
    for (int c = 1; c < columns; ++c) out += a[c] * v[c];
    return out;
  }
  friend vec<T, columns> operator*(const vec<T, rows>& v, const matrix& a) {
    vec<T, columns> out;
    for (int c = 0; c < columns; ++c) out[c] = dot(v, a[c]);
    return out;
  }
};
template <class T, int inner, int columns, int rows>
inline matrix<T, columns, rows> operator*(const matrix<T, inner, rows>& a,
                                          const matrix<T, columns, inner>& b) {
  matrix<T, columns, rows> out;
  for (int c = 0; c < columns; ++c) out[c] = a * b[c];
  return out;
}
template <class T, int columns, int rows>
inline matrix<T, rows, columns> transpose(const matrix<T, columns, rows>& a) {
  matrix<T, rows, columns> out;
  for (int c = 0; c < columns; ++c)
    for (int r = 0; r < rows; ++r) out[r][c] = a[c][r];
  return out;
}
template <class T>
inline T determinant(const matrix<T, 2, 2>& a) {
  return a[0][0] * a[1][1] - a[1][0] * a[0][1];
}
template <class T>
inline T determinant(const matrix<T, 3, 3>& a) {
  return dot(a[0], cross(a[1], a[2]));
}

}  // namespace metal

#define SM_MATRICES(T)                   \
  typedef metal::matrix<T, 2, 2> T##2x2; \
  typedef metal::matrix<T, 2, 3> T##2x3; \
  typedef metal::matrix<T, 2, 4> T##2x4; \
  typedef metal::matrix<T, 3, 2> T##3x2; \
  typedef metal::matrix<T, 3, 3> T##3x3; \
  typedef metal::matrix<T, 3, 4> T##3x4; \
  typedef metal::matrix<T, 4, 2> T##4x2; \
  typedef metal::matrix<T, 4, 3> T##4x3; \
  typedef metal::matrix<T, 4, 4> T##4x4;
// clang-format off
SM_MATRICES(float) SM_MATRICES(half)
// clang-format on
#undef SM_MATRICES

}  // namespace sm_program
