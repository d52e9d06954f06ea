#include "gpu/linalg.h"

namespace bitmetal::gpu {

void GpuBackend::cholesky(const Array& a, bool upper, const Array& out, const Array& info) {
  const int64_t n = a.shape(1), batch = a.shape(0);
  // U^T is the lower factor of the transposed matrix.
  const Array lower = upper ? transposed(out) : out;
  const auto factor = [&](const Array& from, const Array& to, int64_t first) {
    const kernels::CholeskyParams params{side(to.shape(1)), side(first),    from.stride(1),
                                         from.stride(2),    from.stride(0), to.stride(1),
                                         to.stride(2),      to.stride(0)};
    const bool small = params.n <= 32;
    run("cholesky", small ? "cholesky_32" : "cholesky_64", {},
        {Argument::in(from), Argument::in_out(to), Argument::in_out(info),
         Argument::constant(params)},
        Grid::of_groups(batch, 1, 1, small ? 64 : 256));
  };
  if (n <= kernels::kCholeskyBlock) return factor(upper ? transposed(a) : a, lower, 0);

  copy_matrix(a, out, upper ? kernels::kUpper : kernels::kLower);
  for (int64_t first = 0; first < n; first += kernels::kCholeskyBlock) {
    const int64_t width = std::min<int64_t>(kernels::kCholeskyBlock, n - first);
    const int64_t next = first + width, rest = n - next;
    const Array corner = block(lower, first, first, width, width);
    factor(corner, corner, first);
    if (rest == 0) break;
    const Array panel = block(lower, next, first, rest, width);
    solve_blocks(corner, transposed(panel), false, false);
    matmul_update(panel, transposed(panel), block(lower, next, next, rest, rest), kernels::kLower);
  }
}

}  // namespace bitmetal::gpu
