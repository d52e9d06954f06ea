#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

void GpuBackend::rms_norm(const Array& in, const Array* weight, float eps, const Array& out) {
  const kernels::RowParams params{static_cast<uint64_t>(in.shape(0)),
                                  static_cast<uint64_t>(in.shape(1)),
                                  in.stride(0),
                                  out.stride(0),
                                  eps,
                                  0};
  run("rms_norm", cat("rms_norm_", suffix_of(in.dtype())),
      {{kernels::kFcHasWeight, weight != nullptr}},
      {Argument::in(in), Argument::out(out), weight ? Argument::in(*weight) : Argument::none(),
       Argument::constant(params)},
      Grid::of_groups(params.rows, 1, 1, kernels::kReduceThreads));
}

}  // namespace bitmetal::gpu
