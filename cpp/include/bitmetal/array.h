// Arrays: a view of storage that lives on a device.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "bitmetal/device.h"
#include "bitmetal/dims.h"
#include "bitmetal/dtype.h"

namespace bitmetal {

// Who reaches a piece of memory: the host, too, or the device alone. On a device whose memory is
// not unified all of it is the device's alone.
enum class Memory : uint8_t { shared, device };

// A piece of memory that a device can use.
struct Block {
  void* data = nullptr;  // where the host sees it; the device's address where the host does not
  size_t bytes = 0;
  void* handle = nullptr;  // the backend's own object for it; null on the cpu device
  Memory memory = Memory::shared;
};

// Memory of one device: taken from its pool and given back there, or foreign and released to its
// owner. Counted by references; freed by the last one, on whichever thread that is.
class Storage {
 public:
  // Page-aligned and uninitialised. Throws OutOfMemory.
  static Storage* allocate(Device& device, size_t bytes, Memory memory);
  // Somebody else's memory, as the device's backend shows it (Backend::wrap). `release` runs once,
  // when the last reference goes.
  static Storage* adopt(Device& device, const Block& block, bool read_only,
                        std::function<void()> release);

  Device& device() const { return device_; }
  std::byte* data() const { return static_cast<std::byte*>(block_.data); }
  size_t bytes() const { return block_.bytes; }
  const Block& block() const { return block_; }
  bool read_only() const { return read_only_; }
  bool foreign() const { return static_cast<bool>(release_); }

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void drop() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  Storage(Device& device, const Block& block) noexcept : device_(device), block_(block) {}
  ~Storage();

  std::atomic<long> references_{1};
  Device& device_;
  Block block_;
  bool read_only_ = false;
  std::function<void()> release_;
};

// Owns one reference to a Storage.
class StorageRef {
 public:
  StorageRef() = default;
  explicit StorageRef(Storage* taken) : storage_(taken) {}
  StorageRef(const StorageRef& other) : storage_(other.storage_) {
    if (storage_) storage_->retain();
  }
  StorageRef(StorageRef&& other) noexcept : storage_(std::exchange(other.storage_, nullptr)) {}
  StorageRef& operator=(StorageRef other) noexcept {
    std::swap(storage_, other.storage_);
    return *this;
  }
  ~StorageRef() {
    if (storage_) storage_->drop();
  }
  Storage* operator->() const { return storage_; }
  Storage& operator*() const { return *storage_; }

 private:
  Storage* storage_ = nullptr;
};

// An n-dimensional view: shape, strides counted in elements (any sign, 0 where broadcast), and an
// offset in bytes into its storage. A value type: copying one copies no data.
class Array {
 public:
  // Uninitialised, row-major. Throws OutOfMemory, and CapabilityError for a type that the device
  // has not.
  Array(const Dims& shape, DType dtype, Device& device, Memory memory = Memory::shared);
  Array(StorageRef storage, size_t offset, const Dims& shape, const Dims& strides, DType dtype)
      : storage_(std::move(storage)),
        offset_(offset),
        shape_(shape),
        strides_(strides),
        dtype_(dtype) {}

  const Dims& shape() const { return shape_; }
  const Dims& strides() const { return strides_; }
  int64_t shape(int axis) const { return shape_[axis < 0 ? axis + rank() : axis]; }
  int64_t stride(int axis) const { return strides_[axis < 0 ? axis + rank() : axis]; }
  int rank() const { return shape_.size(); }
  DType dtype() const { return dtype_; }
  Device& device() const { return storage_->device(); }
  const StorageRef& storage() const { return storage_; }
  size_t offset() const { return offset_; }
  bool read_only() const { return storage_->read_only(); }
  // Whether the host reads and writes the elements in place.
  bool host_visible() const { return storage_->block().memory == Memory::shared; }

  int64_t size() const;
  size_t bytes() const { return static_cast<size_t>(size()) * size_of(dtype_); }
  std::byte* data() const { return storage_->data() + offset_; }
  template <class T>
  T* data_as() const {
    return reinterpret_cast<T*>(data());
  }
  bool row_major() const;     // C-contiguous, as NumPy defines it
  bool column_major() const;  // F-contiguous

  Array with(const Dims& shape, const Dims& strides, int64_t offset_elements = 0) const {
    return Array(storage_, offset_ + offset_elements * static_cast<int64_t>(size_of(dtype_)), shape,
                 strides, dtype_);
  }

 private:
  StorageRef storage_;
  size_t offset_ = 0;
  Dims shape_;
  Dims strides_;
  DType dtype_;
};

// Throws CapabilityError where the device cannot hold elements of that type.
void require_type(DType dtype, const Device& device);
Dims row_major_strides(const Dims& shape);
// The number of elements; throws ValueError for a negative size or where the bytes pass 2^63.
int64_t checked_size(const Dims& shape, DType dtype);
// The first and one past the last byte that a view can touch.
std::pair<const std::byte*, const std::byte*> byte_range(const Array& array);
bool may_overlap(const Array& a, const Array& b);

}  // namespace bitmetal
