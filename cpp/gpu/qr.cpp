#include "gpu/linalg.h"

namespace bitmetal::gpu {
namespace {

constexpr int64_t kPanel = kernels::kQrPanel;

// The panel that starts at column `first`.
struct Panel {
  int64_t first, rows, columns, steps;

  Panel(const Array& a, int64_t at)
      : first(at),
        rows(a.shape(1) - at),
        columns(std::min(kPanel, a.shape(2) - at)),
        steps(std::min(rows, columns)) {}
  Array of(const Array& a) const { return block(a, first, first, rows, columns); }
  Array t_of(const Array& t) const {
    return t.with({t.shape(0), kPanel, kPanel}, {t.stride(0), kPanel, 1}, first * kPanel);
  }
};

int64_t reflections(const Array& a) { return std::min(a.shape(1), a.shape(2)); }

}  // namespace

Array GpuBackend::qr_factor(const Array& a) {
  const int64_t batch = a.shape(0), columns = a.shape(2);
  const Array t({batch, ceil_div(reflections(a), kPanel) * kPanel, kPanel}, DType::f32, a.device(),
                Memory::device);
  for (int64_t first = 0; first < reflections(a); first += kPanel) {
    const Panel panel(a, first);
    const kernels::QrPanelParams params{side(panel.rows), side(panel.columns), side(panel.steps), 0,
                                        a.stride(1),      a.stride(0),         t.stride(0)};
    const int64_t held = ceil_div(panel.rows, kernels::kQrThreads);
    const int64_t threads = std::min<int64_t>(
        kernels::kQrThreads, ceil_div(panel.rows, kernels::kSimdWidth) * kernels::kSimdWidth);
    run("qr", cat("qr_panel_", held > 2 ? 0 : held), {},
        {Argument::in_out(panel.of(a)), Argument::out(panel.t_of(t)), Argument::constant(params)},
        Grid::of_groups(batch, 1, 1, threads));
    const int64_t next = first + panel.columns;
    if (next < columns) {
      qr_apply(a, t, first, block(a, first, next, panel.rows, columns - next), true);
    }
  }
  return t;
}

void GpuBackend::qr_apply(const Array& a, const Array& t, int64_t first, const Array& c,
                          bool transpose_q) {
  const Panel panel(a, first);
  const kernels::QrApplyParams params{side(panel.rows), side(panel.steps), side(c.shape(2)),
                                      transpose_q,      a.stride(1),       a.stride(0),
                                      t.stride(0),      c.stride(1),       c.stride(0)};
  run("qr", "qr_apply", {},
      {Argument::in(panel.of(a)), Argument::in(panel.t_of(t)), Argument::in_out(c),
       Argument::constant(params)},
      Grid::of_groups(ceil_div(c.shape(2), kPanel), c.shape(0), 1, kernels::kTileThreads));
}

void GpuBackend::qr_apply_all(const Array& a, const Array& t, const Array& c, int64_t zeros_left) {
  for (int64_t first = (reflections(a) - 1) / kPanel * kPanel; first >= 0; first -= kPanel) {
    const int64_t left = std::min(first, zeros_left);
    qr_apply(a, t, first, block(c, first, left, c.shape(1) - first, c.shape(2) - left), false);
  }
}

void GpuBackend::qr(const Array& a, const Array* q, const Array& r) {
  const Array work(a.shape(), DType::f32, a.device(), Memory::device);
  copy(a, work);
  const Array t = qr_factor(work);
  copy_matrix(block(work, 0, 0, r.shape(1), r.shape(2)), r, kernels::kUpper);
  if (!q) return;
  set_identity(*q);
  qr_apply_all(work, t, *q, q->shape(2));
}

}  // namespace bitmetal::gpu
