#include "bitmetal/array.h"

#include <memory>

#include "core/backend.h"
#include "core/buffer_pool.h"

namespace bitmetal {

Storage* Storage::allocate(Device& device, size_t bytes, Memory memory) {
  if (!device.unified_memory()) memory = Memory::device;
  const Block block = device.pool().take(bytes, memory);
  device.backend().renew(block);
  return new Storage(device, block);
}

Storage* Storage::adopt(Device& device, const Block& block, bool read_only,
                        std::function<void()> release) {
  auto* storage = new Storage(device, block);
  storage->read_only_ = read_only;
  storage->release_ = std::move(release);
  return storage;
}

Storage::~Storage() {
  if (release_) {
    device_.backend().unwrap(block_);
    release_();
  } else {
    device_.pool().give_back(block_);
  }
}

namespace {

Storage* allocate_for(const Dims& shape, DType dtype, Device& device, Memory memory) {
  require_type(dtype, device);
  return Storage::allocate(device, checked_size(shape, dtype) * size_of(dtype), memory);
}

}  // namespace

void require_type(DType dtype, const Device& device) {
  if (device.backend().supports(dtype)) return;
  fail<CapabilityError>(name_of(dtype), ": device '", device.kind(),
                        "' has no such type (no GPU under Metal has); convert to float32, or use "
                        "the cpu device");
}

Array::Array(const Dims& shape, DType dtype, Device& device, Memory memory)
    : storage_(allocate_for(shape, dtype, device, memory)),
      shape_(shape),
      strides_(row_major_strides(shape)),
      dtype_(dtype) {}

int64_t Array::size() const {
  int64_t n = 1;
  for (int64_t length : shape_) n *= length;
  return n;
}

bool Array::row_major() const {
  int64_t expected = 1;
  for (int i = rank() - 1; i >= 0; --i) {
    if (shape_[i] == 0) return true;
    if (shape_[i] != 1 && strides_[i] != expected) return size() == 0;
    expected *= shape_[i];
  }
  return true;
}

bool Array::column_major() const {
  int64_t expected = 1;
  for (int i = 0; i < rank(); ++i) {
    if (shape_[i] == 0) return true;
    if (shape_[i] != 1 && strides_[i] != expected) return size() == 0;
    expected *= shape_[i];
  }
  return true;
}

Dims row_major_strides(const Dims& shape) {
  Dims strides = shape;
  int64_t step = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

int64_t checked_size(const Dims& shape, DType dtype) {
  int64_t bytes = static_cast<int64_t>(size_of(dtype));
  bool empty = false;
  for (int64_t length : shape) {
    if (length < 0) fail<ValueError>("shape: ", shape, " has a negative size");
    empty |= length == 0;
  }
  for (int64_t length : shape) {
    if (!empty && __builtin_mul_overflow(bytes, length, &bytes)) {
      fail<ValueError>("shape: ", shape, " of ", name_of(dtype), " is larger than 2^63 bytes");
    }
  }
  return empty ? 0 : bytes / static_cast<int64_t>(size_of(dtype));
}

std::pair<const std::byte*, const std::byte*> byte_range(const Array& array) {
  const std::byte* low = array.data();
  if (array.size() == 0) return {low, low};
  const std::byte* high = low + size_of(array.dtype());
  for (int i = 0; i < array.rank(); ++i) {
    const int64_t reach =
        (array.shape(i) - 1) * array.stride(i) * static_cast<int64_t>(size_of(array.dtype()));
    (reach < 0 ? low : high) += reach;
  }
  return {low, high};
}

bool may_overlap(const Array& a, const Array& b) {
  const auto [a_low, a_high] = byte_range(a);
  const auto [b_low, b_high] = byte_range(b);
  return a_low < b_high && b_low < a_high;
}

}  // namespace bitmetal
