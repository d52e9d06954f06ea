#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

void GpuBackend::softmax(const Array& in, const Array& out) {
  const kernels::RowParams params{static_cast<uint64_t>(in.shape(0)),
                                  static_cast<uint64_t>(in.shape(1)),
                                  in.stride(0),
                                  out.stride(0),
                                  0,
                                  0};
  run("softmax", cat("softmax_", suffix_of(in.dtype())), {},
      {Argument::in(in), Argument::out(out), Argument::constant(params)},
      Grid::of_groups(params.rows, 1, 1, kernels::kReduceThreads));
}

}  // namespace bitmetal::gpu
