#include "gpu/backend.h"

namespace bitmetal::gpu {

void GpuBackend::elementwise(const Expression& expression, std::span<const Array>, const Array&) {
  fail<CapabilityError>(name_of(expression.result().op),
                        ": this device has no element-wise kernels yet; use the cpu device");
}

}  // namespace bitmetal::gpu
