#include "core/backend.h"
#include "ops/check.h"

namespace bitmetal {

Array full(const Dims& shape, double value, DType dtype, Device& device) {
  Array out(shape, dtype, device);
  if (out.size() > 0) device.backend().fill(out, value);
  return out;
}

Array astype(const Array& a, DType dtype) {
  Array out(a.shape(), dtype, a.device());
  if (out.size() > 0) a.device().backend().copy(a, out);
  return out;
}

Array copy(const Array& a) { return astype(a, a.dtype()); }

Array contiguous(const Array& a) { return a.row_major() ? a : copy(a); }

Array to_device(const Array& a, Device& device) {
  if (&a.device() == &device) return a;
  fail<DeviceError>("to: no way from '", a.device().kind(), "' to '", device.kind(), "'");
}

}  // namespace bitmetal
