#include "gpu/linalg.h"

namespace bitmetal::gpu {

void GpuBackend::copy_matrix(const Array& in, const Array& out, uint32_t part) {
  const kernels::MatrixCopyParams params{
      side(out.shape(1)), side(out.shape(2)), part,         0,
      in.stride(1),       in.stride(2),       in.stride(0), out.stride(1),
      out.stride(2),      out.stride(0)};
  run("matrix", "copy_matrix", {},
      {Argument::in(in), Argument::out(out), Argument::constant(params)},
      Grid::of_groups(ceil_div(out.shape(2), 32), ceil_div(out.shape(1), 32), out.shape(0),
                      kernels::kMatrixCopyThreads));
}

void GpuBackend::set_identity(const Array& out) {
  kernels::MatrixCopyParams params{};
  params.rows = side(out.shape(1));
  params.columns = side(out.shape(2));
  run("matrix", "identity", {}, {Argument::out(out), Argument::constant(params)},
      Grid::of_groups(ceil_div(params.columns, 32), ceil_div(params.rows, 8), out.shape(0),
                      kernels::kMatrixCopyThreads));
}

}  // namespace bitmetal::gpu
