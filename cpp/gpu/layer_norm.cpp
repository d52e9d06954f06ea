#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

void GpuBackend::layer_norm(const Array& in, const Array* weight, const Array* bias, double eps,
                            const Array& out) {
  HeldRows rows(in, out, eps, {weight, bias});
  rows.constants.emplace_back(kernels::kFcHasWeight, weight != nullptr);
  rows.constants.emplace_back(kernels::kFcHasBias, bias != nullptr);
  const auto given = [](const Array* a) { return a ? Argument::in(*a) : Argument::none(); };
  run("layer_norm", cat("layer_norm_", suffix_of(in.dtype())), rows.constants,
      {Argument::in(in), Argument::out(out), given(weight), given(bias),
       Argument::constant(rows.params)},
      rows.grid);
}

}  // namespace bitmetal::gpu
