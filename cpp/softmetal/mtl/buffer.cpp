#include "mtl/buffer.h"

#include <Block.h>
#include <mach/mach.h>
#include <unistd.h>

#include <Metal/MTLBuffer.hpp>
#include <Metal/MTLHeap.hpp>
#include <algorithm>

#include "mtl/faults.h"
#include "mtl/misuse.h"

namespace softmetal {

namespace {

constexpr uint64_t round_up(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

MTL::StorageMode storage_mode(MTL::ResourceOptions options) {
  return static_cast<MTL::StorageMode>((options >> 4) & 0xf);
}

bool length_allowed(const char* method, const Device& device, uint64_t length) {
  if (length == 0) {
    explain_nil(method, "length is 0");
    return false;
  }
  if (length > device.profile.max_buffer_length) {
    explain_nil(method, "length is " + std::to_string(length) + ", maxBufferLength " +
                            std::to_string(device.profile.max_buffer_length));
    return false;
  }
  return true;
}

void check_options(const char* method, MTL::ResourceOptions options) {
  const MTL::StorageMode mode = storage_mode(options);
  if (mode != MTL::StorageModeShared && mode != MTL::StorageModePrivate) {
    misuse(method, "options: a buffer's storage mode is shared or private on an Apple GPU");
  }
}

}  // namespace

Reach reach_of(MTL::ResourceOptions options) {
  return storage_mode(options) == MTL::StorageModePrivate ? Reach::kernels : Reach::host;
}

Buffer::Buffer(Device& device, void* data, uint64_t length, MTL::ResourceOptions options,
               Memory memory, Deallocator deallocator)
    : Resource(device),
      data_(static_cast<std::byte*>(data)),
      length_(length),
      memory_(memory),
      deallocator_(Block_copy(deallocator)) {
  this->options = options;
  allocated_size = round_up(length, static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
}

Buffer::~Buffer() {
  switch (memory_) {
    case Memory::owned: device->deallocate(data_, length_, reach_of(options)); break;
    case Memory::heap: heap->free(heap_offset); break;
    case Memory::placed: break;
    case Memory::foreign: device->executor.unmap(data_); break;
  }
  if (deallocator_ != nullptr) {
    deallocator_(data_, length_);
    Block_release(deallocator_);
  }
}

uint64_t Buffer::marked_length(uint64_t offset) {
  std::lock_guard lock(mutex_);
  const auto marker = markers_.find(offset);
  return marker == markers_.end() ? length_ - offset : marker->second;
}

Ref<Buffer> new_buffer(const char* method, Device& device, uint64_t length,
                       MTL::ResourceOptions options) {
  check_options(method, options);
  if (!length_allowed(method, device, length)) return nullptr;
  void* data = device.allocate(method, length, reach_of(options));
  if (data == nullptr) return nullptr;
  return make<Buffer>(device, data, length, options, Buffer::Memory::owned);
}

Ref<Buffer> new_buffer_no_copy(const char* method, Device& device, void* data, uint64_t length,
                               MTL::ResourceOptions options, Deallocator deallocator) {
  check_options(method, options);
  if (storage_mode(options) != MTL::StorageModeShared) {
    misuse(method, "options: memory that the program owns can only be shared");
  }
  if (!length_allowed(method, device, length)) return nullptr;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<uintptr_t>(data);
  if (data == nullptr || address % page != 0 || length % page != 0) {
    explain_nil(method,
                "pointer and length must be multiples of the page size, " + std::to_string(page));
    return nullptr;
  }
  if (faults::allocation_fails()) {
    explain_nil(method, "a fault was asked for");
    return nullptr;
  }
  if (!device.executor.map(data, length)) {
    explain_nil(method, "the GPU cannot reach this memory");
    return nullptr;
  }
  return make<Buffer>(device, data, length, options, Buffer::Memory::foreign, deallocator);
}

Heap::Heap(Device& device, void* data, uint64_t size, MTL::ResourceOptions options,
           MTL::HeapType kind)
    : Allocation(device),
      data_(static_cast<std::byte*>(data)),
      size_(size),
      options_(options),
      kind_(kind) {
  allocated_size = size;
}

Heap::~Heap() { device->deallocate(data_, size_, reach_of(options_)); }

bool Heap::reserve(uint64_t size, uint64_t* offset) {
  std::lock_guard lock(mutex_);
  uint64_t at = 0;
  for (const auto& [start, end] : used_) {
    if (start - at >= size) break;
    at = round_up(end, Heap::kAlignment);
  }
  if (at > size_ || size_ - at < size) return false;
  used_.emplace(at, at + size);
  *offset = at;
  return true;
}

bool Heap::reserve_at(uint64_t offset, uint64_t size) {
  return offset % Heap::kAlignment == 0 && offset <= size_ && size <= size_ - offset;
}

void Heap::free(uint64_t offset) {
  std::lock_guard lock(mutex_);
  used_.erase(offset);
}

Ref<Heap> new_heap(const char* method, Device& device, const HeapDescriptor& descriptor) {
  const MTL::ResourceOptions options = descriptor.options();
  check_options(method, options);
  if (descriptor.kind == MTL::HeapTypeSparse) {
    misuse(method, "sparse heaps are not supported by softmetal");
  }
  if (!length_allowed(method, device, descriptor.size)) return nullptr;
  void* data = device.allocate(method, descriptor.size, reach_of(options));
  if (data == nullptr) return nullptr;
  return make<Heap>(device, data, descriptor.size, options, descriptor.kind);
}

namespace {

struct AllocationMethods : Allocation {
  uint64_t get_allocated_size() const { return allocated_size; }
};

constexpr Method kAllocationMethods[] = {
    method<&AllocationMethods::get_allocated_size>("allocatedSize"),
};

struct ResourceMethods : Resource {
  MTL::StorageMode mode() const { return storage_mode(options); }
  MTL::CPUCacheMode cache_mode() const { return static_cast<MTL::CPUCacheMode>(options & 0xf); }
  MTL::HazardTrackingMode tracking() const {
    // Resources of heaps are untracked unless asked for, all others tracked.
    const auto asked = static_cast<MTL::HazardTrackingMode>((options >> 8) & 0x3);
    if (asked != MTL::HazardTrackingModeDefault) return asked;
    return heap ? MTL::HazardTrackingModeUntracked : MTL::HazardTrackingModeTracked;
  }
  MTL::ResourceOptions get_options() const { return options; }
  Heap* get_heap() const { return heap.get(); }
  uint64_t get_heap_offset() const { return heap_offset; }
  bool aliasable() const { return false; }
  MTL::PurgeableState set_purgeable(MTL::PurgeableState) {
    return MTL::PurgeableStateNonVolatile;  // nothing is ever purged, so this is always the old
                                            // state
  }
};

constexpr Method kResourceMethods[] = {
    method<&ResourceMethods::mode>("storageMode"),
    method<&ResourceMethods::cache_mode>("cpuCacheMode"),
    method<&ResourceMethods::tracking>("hazardTrackingMode"),
    method<&ResourceMethods::get_options>("resourceOptions"),
    method<&ResourceMethods::get_heap>("heap"),
    method<&ResourceMethods::get_heap_offset>("heapOffset"),
    method<&ResourceMethods::aliasable>("isAliasable"),
    method<&ResourceMethods::set_purgeable>("setPurgeableState:"),
};

}  // namespace

struct BufferMethods : Buffer {
  void* contents() const {
    return storage_mode(options) == MTL::StorageModePrivate ? nullptr : data_;
  }
  MTL::GPUAddress gpu_address() const { return reinterpret_cast<uintptr_t>(data_); }
  void did_modify(NS::Range) {
    misuse("-[MTLBuffer didModifyRange:]", "the buffer's storage mode is not managed");
  }
  void add_marker(String*, NS::Range range) {
    if (range.location > length_ || range.length > length_ - range.location) {
      misuse("-[MTLBuffer addDebugMarker:range:]",
             "range ends beyond the buffer's length, " + std::to_string(length_));
    }
    std::lock_guard lock(mutex_);
    markers_[range.location] = range.length;
  }
  void remove_markers() {
    std::lock_guard lock(mutex_);
    markers_.clear();
  }
  MTL::BufferSparseTier sparse_tier() const { return MTL::BufferSparseTierNone; }
};

struct HeapMethods : Heap {
  Buffer* new_buffer(uint64_t length, MTL::ResourceOptions asked) {
    constexpr const char* kName = "-[MTLHeap newBufferWithLength:options:]";
    if (kind_ != MTL::HeapTypeAutomatic) misuse(kName, "the heap's type is not automatic");
    uint64_t offset = 0;
    if (length == 0 || !reserve(length, &offset)) {
      explain_nil(kName, "no gap of " + std::to_string(length) + " bytes is free");
      return nullptr;
    }
    return place(kName, length, asked, offset, Memory::tracked);
  }
  Buffer* new_buffer_at(uint64_t length, MTL::ResourceOptions asked, uint64_t offset) {
    constexpr const char* kName = "-[MTLHeap newBufferWithLength:options:offset:]";
    if (kind_ != MTL::HeapTypePlacement) misuse(kName, "the heap's type is not placement");
    if (length == 0 || !reserve_at(offset, length)) {
      explain_nil(kName, "offset is no multiple of 256 or the buffer ends beyond the heap");
      return nullptr;
    }
    return place(kName, length, asked, offset, Memory::placed);
  }
  uint64_t size() const { return size_; }
  uint64_t used() {
    std::lock_guard lock(mutex_);
    uint64_t sum = 0;
    for (const auto& [start, end] : used_) sum += end - start;
    return sum;
  }
  uint64_t max_available(uint64_t alignment) {
    std::lock_guard lock(mutex_);
    const uint64_t step = std::max(alignment, Heap::kAlignment);
    uint64_t at = 0, best = 0;
    for (const auto& [start, end] : used_) {
      best = std::max(best, start > at ? start - at : 0);
      at = round_up(end, step);
    }
    return std::max(best, size_ > at ? size_ - at : 0);
  }
  MTL::HeapType kind() const { return kind_; }
  MTL::StorageMode mode() const { return storage_mode(options_); }
  MTL::CPUCacheMode cache_mode() const { return static_cast<MTL::CPUCacheMode>(options_ & 0xf); }
  MTL::ResourceOptions get_options() const { return options_; }
  MTL::HazardTrackingMode tracking() const {
    const auto asked = static_cast<MTL::HazardTrackingMode>((options_ >> 8) & 0x3);
    return asked == MTL::HazardTrackingModeDefault ? MTL::HazardTrackingModeUntracked : asked;
  }
  MTL::PurgeableState set_purgeable(MTL::PurgeableState) { return MTL::PurgeableStateNonVolatile; }

 private:
  enum class Memory { tracked, placed };

  Buffer* place(const char* method, uint64_t length, MTL::ResourceOptions asked, uint64_t offset,
                Memory memory) {
    if (storage_mode(asked) != storage_mode(options_)) {
      if (memory == Memory::tracked) free(offset);
      misuse(method, "options: the storage mode is not the heap's");
    }
    auto buffer =
        make<Buffer>(*device, data_ + offset, length, asked,
                     memory == Memory::tracked ? Buffer::Memory::heap : Buffer::Memory::placed);
    buffer->heap = Ref<Heap>::retain(this);
    buffer->heap_offset = offset;
    buffer->allocated_size = length;
    return buffer.leak();
  }
};

namespace {

constexpr Method kBufferMethods[] = {
    method<&BufferMethods::contents>("contents"),
    method<&Buffer::length>("length"),
    method<&BufferMethods::gpu_address>("gpuAddress"),
    method<&BufferMethods::did_modify>("didModifyRange:"),
    method<&BufferMethods::add_marker>("addDebugMarker:range:"),
    method<&BufferMethods::remove_markers>("removeAllDebugMarkers"),
    method<&BufferMethods::sparse_tier>("sparseBufferTier"),
};

constexpr Method kHeapMethods[] = {
    method<&HeapMethods::new_buffer>("newBufferWithLength:options:"),
    method<&HeapMethods::new_buffer_at>("newBufferWithLength:options:offset:"),
    method<&HeapMethods::size>("size"),
    method<&HeapMethods::used>("usedSize"),
    method<&HeapMethods::size>("currentAllocatedSize"),
    method<&HeapMethods::max_available>("maxAvailableSizeWithAlignment:"),
    method<&HeapMethods::kind>("type"),
    method<&HeapMethods::mode>("storageMode"),
    method<&HeapMethods::cache_mode>("cpuCacheMode"),
    method<&HeapMethods::get_options>("resourceOptions"),
    method<&HeapMethods::tracking>("hazardTrackingMode"),
    method<&HeapMethods::set_purgeable>("setPurgeableState:"),
};

}  // namespace

constinit Type Allocation::type("MTLAllocation", &DeviceObject::type, kAllocationMethods);
constinit Type Resource::type("MTLResource", &Allocation::type, kResourceMethods);
constinit Type Buffer::type =
    Type::define<Buffer, Life::internal>("MTLBuffer", &Resource::type, kBufferMethods);
constinit Type Heap::type =
    Type::define<Heap, Life::internal>("MTLHeap", &Allocation::type, kHeapMethods);

}  // namespace softmetal
