#include <limits>

#include "gpu/linalg.h"

namespace bitmetal::gpu {
namespace {

// One threadgroup a matrix, or a SIMD group a row.
Grid grid_of_matrices(const Array& w) {
  return Grid::of_groups(w.shape(0), 1, 1, kernels::kJacobiThreads);
}

Grid grid_of_rows(const Array& w) {
  constexpr int64_t kRows = kernels::kJacobiThreads / kernels::kSimdWidth;
  return Grid::of_groups(ceil_div(w.shape(1), kRows), w.shape(0), 1, kernels::kJacobiThreads);
}

// Room for `count` structures a matrix or row.
template <class T>
Array room_for(int64_t count, Device& device) {
  return Array({count, static_cast<int64_t>(sizeof(T))}, DType::u8, device, Memory::device);
}

}  // namespace

JacobiResult GpuBackend::jacobi(const Array& a, uint32_t symmetric, const Array* j,
                                const Array& values, const Array& info) {
  const int64_t batch = a.shape(0), size = a.shape(1);
  Device& device = a.device();
  const Array w(a.shape(), DType::f32, device, Memory::device);
  const Array states = room_for<kernels::JacobiState>(batch, device);
  const Array order = room_for<kernels::JacobiRow>(batch * size, device);
  const Array flags({batch, kernels::kJacobiSweeps}, DType::i32, device, Memory::device);
  const int64_t blocks = ceil_div(size, 2 * kernels::kJacobiBlock) * 2;
  constexpr float kTolerance = 4 * std::numeric_limits<float>::epsilon();
  kernels::JacobiParams params{side(size), side(blocks), 0, 0, kTolerance, symmetric};

  run("jacobi", "jacobi_prepare", {},
      {Argument::in(a), Argument::out(w), Argument::out(states), Argument::out(info),
       Argument::constant(params)},
      grid_of_matrices(w));
  fill(flags, 0);
  if (j) set_identity(*j);
  const auto round = [&] {
    run("jacobi", "jacobi_round", {{kernels::kFcHasWeight, j != nullptr}},
        {Argument::in_out(w), j ? Argument::in_out(*j) : Argument::none(), Argument::in(states),
         Argument::in_out(flags), Argument::constant(params)},
        Grid::of_groups(blocks / 2, batch, 1, kernels::kTileThreads));
  };
  if (blocks == 2) {
    round();
  } else {
    for (params.sweep = 0; params.sweep < kernels::kJacobiSweeps; ++params.sweep) {
      for (params.round = 0; params.round + 1 < params.blocks; ++params.round) round();
    }
  }
  run("jacobi", "jacobi_values", {},
      {Argument::in(w), Argument::in(states), Argument::in(flags), Argument::out(values),
       Argument::in_out(order), Argument::in_out(info), Argument::constant(params)},
      grid_of_matrices(w));
  return {w, order};
}

void GpuBackend::jacobi_sort(const Array& rows, const Array& order, bool normalize,
                             const Array& out) {
  const kernels::JacobiParams params{side(rows.shape(1)), 0, 0, 0, 0, 0};
  run("jacobi", "jacobi_sort", {{kernels::kFcNormalize, normalize}},
      {Argument::in(rows), Argument::in(order), Argument::out(out), Argument::constant(params)},
      grid_of_rows(rows));
}

// The rows are orthonormal, some may be zeros: QR fills those in and leaves the others as they are,
// but for signs, which come back, and to better orthogonality.
void GpuBackend::orthonormal_columns(const Array& rows, const Array& q) {
  const Array columns(rows.shape(), DType::f32, rows.device(), Memory::device);
  copy_matrix(transposed(rows), columns, kernels::kWhole);
  const Array t = qr_factor(columns);
  const kernels::JacobiParams params{side(rows.shape(1)), 0, 0, 0, 0, 0};
  run("jacobi", "jacobi_signs", {},
      {Argument::in(columns), Argument::out(q), Argument::constant(params)}, grid_of_rows(rows));
  qr_apply_all(columns, t, q, q.shape(2));
}

void GpuBackend::svd(const Array& a, const Array* u, const Array& s, const Array* vt,
                     const Array& info) {
  // A = Q R with A or its transpose, the taller one. J^T R = S V^T for Jacobi's rotations J of R's
  // rows, so that A = (Q J) S V^T.
  const bool wide = a.shape(1) < a.shape(2);
  const int64_t batch = a.shape(0), size = std::min(a.shape(1), a.shape(2));
  Device& device = a.device();
  const Array tall({batch, std::max(a.shape(1), a.shape(2)), size}, DType::f32, device,
                   Memory::device);
  copy_matrix(wide ? transposed(a) : a, tall, kernels::kWhole);
  const Array t = qr_factor(tall);
  const Array r({batch, size, size}, DType::f32, device, Memory::device);
  copy_matrix(block(tall, 0, 0, size, size), r, kernels::kUpper);
  if (!u) {
    jacobi(r, kernels::kWhole, nullptr, s, info);
    return;
  }
  const Array j(r.shape(), DType::f32, device, Memory::device);
  const JacobiResult result = jacobi(r, kernels::kWhole, &j, s, info);
  // `left` and `right` are of the tall matrix: for a wide one, transposed results.
  const Array& left_out = wide ? *vt : *u;
  const Array& right_out = wide ? *u : *vt;
  jacobi_sort(j, result.order, false, r);
  const int64_t columns = wide ? left_out.shape(1) : left_out.shape(2);
  const Array left =
      wide ? Array({batch, tall.shape(1), columns}, DType::f32, device, Memory::device) : left_out;
  set_identity(left);
  copy_matrix(transposed(r), block(left, 0, 0, size, size), kernels::kWhole);
  qr_apply_all(tall, t, left, 0);
  if (wide) copy_matrix(transposed(left), left_out, kernels::kWhole);

  jacobi_sort(result.w, result.order, true, r);
  const Array right = wide ? right_out : j;
  orthonormal_columns(r, right);
  if (!wide) copy_matrix(transposed(right), right_out, kernels::kWhole);
}

void GpuBackend::eigh(const Array& a, bool upper, const Array& w, const Array* v,
                      const Array& info) {
  const JacobiResult result =
      jacobi(a, upper ? kernels::kUpper : kernels::kLower, nullptr, w, info);
  if (!v) return;
  const Array rows(a.shape(), DType::f32, a.device(), Memory::device);
  jacobi_sort(result.w, result.order, true, rows);
  orthonormal_columns(rows, *v);
}

}  // namespace bitmetal::gpu
