#include "core/element.h"
#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {

void GpuBackend::fill(const Array& out, double value) {
  const uint64_t bits = element_bits(out.dtype(), value);  // kernels know the size only
  const size_t size = size_of(out.dtype());
  const kernels::FillParams params{static_cast<uint64_t>(out.size())};
  run("fill", cat("fill_", 8 * size), {},
      {Argument::out(out), Argument::bytes(&bits, size), Argument::constant(params)},
      grid_of_elements(params.count));
}

}  // namespace bitmetal::gpu
