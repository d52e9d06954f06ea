#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

void GpuBackend::take(const Array& in, const Array& indices, const Array& out) {
  const kernels::TakeParams params{
      static_cast<uint64_t>(in.shape(0)), static_cast<uint64_t>(in.shape(1)),
      static_cast<uint64_t>(out.shape(1)), static_cast<uint64_t>(in.shape(2))};
  run("take", cat("take_", 8 * size_of(in.dtype())), {},
      {Argument::in(in), Argument::in(indices), Argument::out(out), Argument::constant(params)},
      grid_of_elements(static_cast<uint64_t>(out.size())));
}

}  // namespace bitmetal::gpu
