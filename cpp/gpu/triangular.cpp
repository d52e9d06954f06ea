#include "gpu/linalg.h"

namespace bitmetal::gpu {

// T X = B in place of B: by halves down to blocks that one kernel solves, so that nearly all of the
// work is products. T and B may have any strides.
void GpuBackend::solve_blocks(const Array& t, const Array& x, bool upper, bool unit) {
  const int64_t n = t.shape(1), columns = x.shape(2);
  if (n > kernels::kTriangularBlock) {
    const int64_t blocks = ceil_div(n, kernels::kTriangularBlock);
    const int64_t half = (blocks + 1) / 2 * kernels::kTriangularBlock;
    const Array above = block(x, 0, 0, half, columns), below = block(x, half, 0, n - half, columns);
    const Array first = block(t, 0, 0, half, half), last = block(t, half, half, n - half, n - half);
    if (upper) {
      solve_blocks(last, below, upper, unit);
      matmul_update(block(t, 0, half, half, n - half), below, above, kernels::kWhole);
      solve_blocks(first, above, upper, unit);
    } else {
      solve_blocks(first, above, upper, unit);
      matmul_update(block(t, half, 0, n - half, half), above, below, kernels::kWhole);
      solve_blocks(last, below, upper, unit);
    }
    return;
  }
  const int64_t sign = upper ? -1 : 1, skip = upper ? n - 1 : 0;
  const kernels::TriangularParams params{side(n),
                                         side(columns),
                                         unit,
                                         0,
                                         skip * (t.stride(1) + t.stride(2)),
                                         sign * t.stride(1),
                                         sign * t.stride(2),
                                         t.stride(0),
                                         skip * x.stride(1),
                                         sign * x.stride(1),
                                         x.stride(2),
                                         x.stride(0)};
  run("triangular", "solve_triangular", {},
      {Argument::in(t), Argument::in_out(x), Argument::constant(params)},
      Grid::of_groups(ceil_div(columns, kernels::kTriangularThreads), t.shape(0), 1,
                      kernels::kTriangularThreads));
}

void GpuBackend::solve_triangular(const Array& a, const Array& b, bool upper, bool is_transposed,
                                  bool unit_diagonal, const Array& out, const Array& info) {
  if (unit_diagonal) {
    fill(info, 0);
  } else {
    const uint32_t n = side(a.shape(1));
    run("triangular", "first_zero", {},
        {Argument::in(a), Argument::out(info), Argument::constant(n)},
        Grid::of_groups(a.shape(0), 1, 1, kernels::kSimdWidth));
  }
  copy(b, out);
  solve_blocks(is_transposed ? transposed(a) : a, out, upper != is_transposed, unit_diagonal);
}

}  // namespace bitmetal::gpu
