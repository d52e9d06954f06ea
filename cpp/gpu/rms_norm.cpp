#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

void GpuBackend::rms_norm(const Array& in, const Array* weight, float eps, const Array& out) {
  HeldRows rows(in, out, eps, {weight});
  rows.constants.emplace_back(kernels::kFcHasWeight, weight != nullptr);
  run("rms_norm", cat("rms_norm_", suffix_of(in.dtype())), rows.constants,
      {Argument::in(in), Argument::out(out), weight ? Argument::in(*weight) : Argument::none(),
       Argument::constant(rows.params)},
      rows.grid);
}

}  // namespace bitmetal::gpu
