#include "gpu/backend.h"

namespace bitmetal::gpu {

void GpuBackend::take(const Array&, const Array&, const Array&) {
  fail<CapabilityError>("take: this device has no kernel for it yet; use the cpu device");
}

}  // namespace bitmetal::gpu
