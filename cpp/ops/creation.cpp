#include "core/backend.h"
#include "core/element.h"
#include "core/thread_pool.h"
#include "ops/check.h"
#include "ops/perform.h"

namespace bitmetal {

Array full(const Dims& shape, double value, DType dtype, Device& device) {
  Array out(shape, dtype, device);
  if (out.size() > 0) perform<&Backend::fill>(device, out, value);
  return out;
}

namespace {

template <class Value>
Array ranged(Value start, Value step, int64_t n, DType dtype, Device& device) {
  if (n < 0) fail<ValueError>("range: ", n, " elements");
  const Array out({n}, dtype, host_side(device));
  visit(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    T* elements = write_on_host<T>(out);
    parallel_for(n, int64_t{1} << 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Value value = start + static_cast<Value>(i) * step;
        if constexpr (std::is_integral_v<Value> && std::is_integral_v<T>) {
          elements[i] = static_cast<T>(value);
        } else {
          elements[i] = element_of<T>(static_cast<double>(value));
        }
      }
    });
  });
  return to_device(out, device);
}

}  // namespace

Array range(double start, double step, int64_t n, DType dtype, Device& device) {
  return ranged(start, step, n, dtype, device);
}

Array range(int64_t start, int64_t step, int64_t n, DType dtype, Device& device) {
  return ranged(start, step, n, dtype, device);
}

Array astype(const Array& a, DType dtype) {
  Array out(a.shape(), dtype, a.device());
  if (out.size() > 0) perform<&Backend::copy>(a.device(), a, out);
  return out;
}

Array copy(const Array& a) { return astype(a, a.dtype()); }

Array contiguous(const Array& a) { return a.row_major() ? a : copy(a); }

Array to_device(const Array& a, Device& device) {
  if (&a.device() == &device) return a;
  require_type(a.dtype(), device);
  if (!a.host_visible() || !device.unified_memory()) return copy_to_device(a, device);
  a.device().backend().host_reads(a);
  a.device().backend().host_writes(a);
  if (a.size() > 0) {
    const Storage& given = *a.storage();
    Block block{given.data(), given.bytes()};
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
  Array out(a.shape(), a.dtype(), device);
  if (out.size() == 0) return out;
  if (source.host_visible()) {
    source.device().backend().host_reads(source);
    device.backend().upload(source.data(), out);
  } else if (device.unified_memory()) {
    device.backend().host_writes(out);
    source.device().backend().download(source, out.data());
  } else {
    return copy_to_device(on_host(source), device);
  }
  return out;
}

Device& host_side(Device& device) { return device.unified_memory() ? device : find_device("cpu"); }

Array on_host(const Array& a) { return a.host_visible() ? a : to_device(a, find_device("cpu")); }

}  // namespace bitmetal
