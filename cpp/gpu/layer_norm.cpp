#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

void GpuBackend::layer_norm(const Array& in, const Array* weight, const Array* bias, double eps,
                            const Array& out) {
  const kernels::RowParams params{static_cast<uint64_t>(in.shape(0)),
                                  static_cast<uint64_t>(in.shape(1)),
                                  in.stride(0),
                                  out.stride(0),
                                  static_cast<float>(eps),
                                  0};
  const auto given = [](const Array* a) { return a ? Argument::in(*a) : Argument::none(); };
  run("layer_norm", cat("layer_norm_", suffix_of(in.dtype())),
      {{kernels::kFcHasWeight, weight != nullptr}, {kernels::kFcHasBias, bias != nullptr}},
      {Argument::in(in), Argument::out(out), given(weight), given(bias),
       Argument::constant(params)},
      Grid::of_groups(params.rows, 1, 1, kernels::kReduceThreads));
}

}  // namespace bitmetal::gpu
