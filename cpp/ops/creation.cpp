#include <cstring>

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
  require_type(a.dtype(), device);
  if (!a.device().unified_memory() || !device.unified_memory()) {
    fail<DeviceError>("to: no way from '", a.device().kind(), "' to '", device.kind(), "'");
  }
  a.device().backend().host_reads(a);
  a.device().backend().host_writes(a);
  if (a.size() > 0) {
    const Storage& given = *a.storage();
    Block block{given.data(), given.bytes(), nullptr};
    if (device.backend().wrap(block)) {
      const StorageRef shared = a.storage();
      return Array(StorageRef(Storage::adopt(device, block, a.read_only(), [shared] {})),
                   a.offset(), a.shape(), a.strides(), a.dtype());
    }
  }
  return copy_to_device(a, device);
}

Array copy_to_device(const Array& a, Device& device) {
  const Array source = contiguous(a);
  source.device().backend().host_reads(source);
  Array out(a.shape(), a.dtype(), device);
  device.backend().host_writes(out);
  std::memcpy(out.data(), source.data(), out.bytes());
  return out;
}

}  // namespace bitmetal
