#include "gpu/linalg.h"

namespace bitmetal::gpu {
namespace {

constexpr int64_t kPanel = kernels::kLuPanel;

}  // namespace

void GpuBackend::lu_swap(const Array& pivots, int64_t first, const Array& rows) {
  if (rows.shape(2) == 0) return;
  const int64_t steps = std::min(kPanel, pivots.shape(1) - first);
  const Array swaps = pivots.with({pivots.shape(0), steps}, pivots.strides(), first);
  const kernels::LuSwapParams params{side(rows.shape(2)), side(steps), rows.stride(1),
                                     rows.stride(0), pivots.stride(0)};
  run("lu", "lu_swap", {},
      {Argument::in_out(rows), Argument::in(swaps), Argument::constant(params)},
      Grid::of_groups(ceil_div(params.columns, kernels::kLuSwapThreads), rows.shape(0), 1,
                      kernels::kLuSwapThreads));
}

void GpuBackend::lu_factor(const Array& a, const Array& pivots, const Array& info) {
  const int64_t n = a.shape(1);
  fill(info, 0);
  for (int64_t first = 0; first < n; first += kPanel) {
    const int64_t width = std::min(kPanel, n - first), rows = n - first;
    const int64_t next = first + width, rest = n - next;
    const kernels::LuPanelParams params{side(rows),  side(width), side(width),     side(first),
                                        a.stride(1), a.stride(0), pivots.stride(0)};
    const int64_t held = ceil_div(rows, kernels::kLuThreads);
    const int64_t threads = std::min<int64_t>(
        kernels::kLuThreads, ceil_div(rows, kernels::kSimdWidth) * kernels::kSimdWidth);
    run("lu", cat("lu_panel_", held > 2 ? 0 : held), {},
        {Argument::in_out(block(a, first, first, rows, width)),
         Argument::out(pivots.with({pivots.shape(0), width}, pivots.strides(), first)),
         Argument::in_out(info), Argument::constant(params)},
        Grid::of_groups(a.shape(0), 1, 1, threads));
    lu_swap(pivots, first, block(a, first, 0, rows, first));
    if (rest == 0) break;
    lu_swap(pivots, first, block(a, first, next, rows, rest));
    const Array right = block(a, first, next, width, rest);
    solve_blocks(block(a, first, first, width, width), right, false, true);
    matmul_update(block(a, next, first, rest, width), right, block(a, next, next, rest, rest),
                  kernels::kWhole);
  }
}

void GpuBackend::solve(const Array& a, const Array& b, const Array& out, const Array& info) {
  const int64_t n = a.shape(1);
  const Array lu(a.shape(), DType::f32, a.device(), Memory::device);
  const Array pivots({a.shape(0), n}, DType::i32, a.device(), Memory::device);
  copy(a, lu);
  lu_factor(lu, pivots, info);
  copy(b, out);
  for (int64_t first = 0; first < n; first += kPanel) {
    lu_swap(pivots, first, block(out, first, 0, n - first, out.shape(2)));
  }
  solve_blocks(lu, out, false, true);
  solve_blocks(lu, out, true, false);
}

void GpuBackend::pivots(const Array& a, const Array& out) {
  const uint32_t n = side(a.shape(1));
  const Array lu(a.shape(), DType::f32, a.device(), Memory::device);
  const Array pivots({a.shape(0), a.shape(1)}, DType::i32, a.device(), Memory::device);
  const Array info({a.shape(0)}, DType::i32, a.device(), Memory::device);
  copy(a, lu);
  lu_factor(lu, pivots, info);
  run("lu", "lu_pivots", {},
      {Argument::in(lu), Argument::in(pivots), Argument::out(out), Argument::constant(n)},
      Grid::of_groups(a.shape(0), 1, 1, kernels::kSimdWidth));
}

}  // namespace bitmetal::gpu
