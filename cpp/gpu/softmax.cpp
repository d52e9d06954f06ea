#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

void GpuBackend::softmax(const Array& in, const Array& out) {
  const HeldRows rows(in, out, 0, {});
  run("softmax", cat("softmax_", suffix_of(in.dtype())), rows.constants,
      {Argument::in(in), Argument::out(out), Argument::constant(rows.params)}, rows.grid);
}

}  // namespace bitmetal::gpu
