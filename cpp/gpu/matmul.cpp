#include "gpu/backend.h"
#include "gpu/kernels.h"
#include "gpu/linalg.h"

namespace bitmetal::gpu {
namespace {

// One of [rows, depth] as the kernels see it.
struct Operand {
  int64_t row_stride, depth_stride;
  bool along_depth;  // neighbours in memory differ in depth
  bool vector;       // in loads of eight
  bool fours;        // ... of four: the mat-vec's, which has no batch

  Operand(const Array& a, int64_t rows, int64_t depth)
      : row_stride(rows),
        depth_stride(depth),
        along_depth(depth == 1),
        vector(false),
        fours(false) {
    const int64_t step = along_depth ? row_stride : depth_stride;
    if (!along_depth && row_stride != 1) return;
    fours = aligned_for_vectors(a, step);
    vector = aligned_for_eights(a, step);
    for (int i = 0; i < a.rank() - 2; ++i) vector &= aligned_for_eights(a, a.stride(i));
  }
};

// The leading dimensions of all three as one, where one stride describes each; else the caller
// goes through them one matrix at a time.
bool merge_batch(const Array& a, const Array& b, const Array& out, int64_t& count,
                 int64_t& a_stride, int64_t& b_stride) {
  count = 1;
  a_stride = b_stride = 0;
  for (int i = out.rank() - 3; i >= 0; --i) {
    if (out.shape(i) == 1) continue;
    if (count == 1) {
      a_stride = a.stride(i);
      b_stride = b.stride(i);
    } else if (a.stride(i) != a_stride * count || b.stride(i) != b_stride * count) {
      return false;
    }
    count *= out.shape(i);
  }
  return true;
}

// What the tiled engine is told of a product.
struct Product {
  kernels::MatmulParams params;
  FunctionConstants constants;

  Product(const Operand& left, const Operand& right, int64_t m, int64_t n, int64_t k,
          int64_t a_batch_stride, int64_t b_batch_stride)
      : params{static_cast<uint32_t>(m), static_cast<uint32_t>(n),
               static_cast<uint32_t>(k), 0,
               left.row_stride,          left.depth_stride,
               a_batch_stride,           right.row_stride,
               right.depth_stride,       b_batch_stride},
        constants{{kernels::kFcAlongDepthA, left.along_depth},
                  {kernels::kFcAlongDepthB, right.along_depth},
                  {kernels::kFcVectorA, left.vector},
                  {kernels::kFcVectorB, right.vector}} {}
};

Grid grid_of_tiles(int64_t m, int64_t n, int64_t batch, bool plain, bool large = false) {
  const int64_t tile = kernels::kMatmulTile * (large ? 2 : 1);
  return Grid::of_groups(ceil_div(n, tile), ceil_div(m, tile), batch,
                         plain ? kernels::kMatmulPlainThreads : kernels::kMatmulThreads);
}

Array matrix_at(const Array& a, int axis, int64_t index) {
  Dims shape, strides;
  for (int i = 0; i < a.rank(); ++i) {
    if (i == axis) continue;
    shape.push_back(a.shape(i));
    strides.push_back(a.stride(i));
  }
  return a.with(shape, strides, index * a.stride(axis));
}

}  // namespace

void GpuBackend::matmul(const Array& left_view, const Array& right_view, const Array& out) {
  const Array a = forwards(left_view), b = forwards(right_view);
  int64_t batch, a_batch_stride, b_batch_stride;
  if (!merge_batch(a, b, out, batch, a_batch_stride, b_batch_stride)) {
    for (int64_t i = 0; i < out.shape(0); ++i) {
      matmul(matrix_at(a, 0, i), matrix_at(b, 0, i), matrix_at(out, 0, i));
    }
    return;
  }
  const int64_t m = out.shape(-2), n = out.shape(-1), k = a.shape(-1);
  if (k == 0) return fill(out, 0);
  const char* suffix = suffix_of(out.dtype());
  const Operand left(a, a.stride(-2), a.stride(-1)), right(b, b.stride(-1), b.stride(-2));

  // A few rows times a matrix, or a matrix times a few columns, read the matrix once.
  constexpr int64_t kMatvecBatch = 8;
  if (batch == 1 && m <= kMatvecBatch && left.along_depth &&
      (right.along_depth || right.row_stride == 1)) {
    const kernels::MatvecParams params{static_cast<uint32_t>(n),
                                       static_cast<uint32_t>(k),
                                       static_cast<uint32_t>(m),
                                       0,
                                       right.along_depth ? right.row_stride : right.depth_stride,
                                       left.row_stride};
    const int64_t rows = right.along_depth ? 4 : kernels::kSimdWidth;
    run("matvec",
        cat(right.along_depth ? "matvec_" : "matvec_columns_", suffix, "_b",
            std::bit_ceil(static_cast<uint32_t>(m))),
        {{kernels::kFcVectorX, left.fours}, {kernels::kFcVectorB, right.fours}},
        {Argument::in(a), Argument::in(b), Argument::out(out), Argument::constant(params)},
        Grid::of_groups(ceil_div(n, rows), 1, 1, kernels::kMatvecThreads));
    return;
  }
  const Product product(left, right, m, n, k, a_batch_stride, b_batch_stride);
  const bool plain =
      out.dtype() == DType::f32 ? !capabilities_.float_matrix : !capabilities_.simdgroup_matrix;
  // Large tiles load less for what they multiply, where there are enough of them for all cores.
  constexpr int64_t kLarge = 2 * kernels::kMatmulTile, kLeastTiles = 128;
  const bool large =
      capabilities_.large_tiles && ceil_div(m, kLarge) * ceil_div(n, kLarge) * batch >= kLeastTiles;
  FunctionConstants constants = product.constants;
  constants.emplace_back(kernels::kFcVectors, aligned_for_vectors(out, n));
  run("matmul", cat(plain ? "matmul_plain_" : "matmul_", large ? "large_" : "", suffix), constants,
      {Argument::in(a), Argument::in(b), Argument::out(out), Argument::constant(product.params)},
      grid_of_tiles(m, n, batch, plain, large));
}

void GpuBackend::matmul_update(const Array& a, const Array& b, const Array& c, uint32_t part) {
  if (c.stride(2) != 1) {  // C^T -= B^T A^T
    const uint32_t other = part == kernels::kWhole   ? kernels::kWhole
                           : part == kernels::kLower ? kernels::kUpper
                                                     : kernels::kLower;
    return matmul_update(transposed(b), transposed(a), transposed(c), other);
  }
  const int64_t m = c.shape(1), n = c.shape(2), k = a.shape(2);
  const Operand left(a, a.stride(1), a.stride(2)), right(b, b.stride(2), b.stride(1));
  const Product product(left, right, m, n, k, a.stride(0), b.stride(0));
  const kernels::MatmulUpdateParams params{product.params, c.stride(1), c.stride(0), part, 0};
  const bool plain = !capabilities_.multiplies_matrices(true);
  run("matmul_update", plain ? "matmul_update_plain" : "matmul_update", product.constants,
      {Argument::in(a), Argument::in(b), Argument::in_out(c), Argument::constant(params)},
      grid_of_tiles(m, n, c.shape(0), plain));
}

}  // namespace bitmetal::gpu
