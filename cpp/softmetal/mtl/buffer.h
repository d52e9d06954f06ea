// MTLResource, MTLBuffer and MTLHeap.
#pragma once

#include <Metal/MTLResource.hpp>
#include <map>
#include <mutex>

#include "mtl/descriptors.h"
#include "mtl/device.h"

namespace softmetal {

// What a residency set can hold.
class Allocation : public DeviceObject {
 public:
  static Type type;

  uint64_t allocated_size = 0;

 protected:
  using DeviceObject::DeviceObject;
};

using Deallocator = void (^)(void*, NS::UInteger);

class Heap : public Allocation {
 public:
  static Type type;

  // Of what a heap hands out; on Apple GPUs a heap buffer is aligned so too.
  static constexpr uint64_t kAlignment = 256;
  static constexpr uint64_t round_size(uint64_t size) {
    return (size + kAlignment - 1) / kAlignment * kAlignment;
  }

  Heap(Device& device, void* data, uint64_t size, MTL::ResourceOptions options, MTL::HeapType kind);
  ~Heap();

  // The first gap that fits, or a given place. False where there is none.
  bool reserve(uint64_t size, uint64_t* offset);
  bool reserve_at(uint64_t offset, uint64_t size);
  void free(uint64_t offset);

  std::byte* data() const { return data_; }

 private:
  friend struct HeapMethods;

  std::byte* const data_;
  const uint64_t size_;
  const MTL::ResourceOptions options_;
  const MTL::HeapType kind_;
  std::mutex mutex_;
  std::map<uint64_t, uint64_t>
      used_;  // offset -> end; of placed resources, which may overlap, none
};

class Resource : public Allocation {
 public:
  static Type type;

  MTL::ResourceOptions options = 0;
  Ref<Heap> heap;
  uint64_t heap_offset = 0;
  std::atomic<uint64_t> command_uses{0};  // references that command buffers hold

 protected:
  using Allocation::Allocation;
};

class Buffer : public Resource {
 public:
  static Type type;

  // Where the bytes come from, and what becomes of them at the end: the device's, the program's, a
  // heap's (that hands them out, or that was told where).
  enum class Memory { owned, foreign, heap, placed };

  Buffer(Device& device, void* data, uint64_t length, MTL::ResourceOptions options, Memory memory,
         Deallocator deallocator = nullptr);
  ~Buffer();

  std::byte* data() const { return data_; }
  uint64_t length() const { return length_; }
  // From `offset` to the end of the debug marker that starts there, of the newest where there are
  // several; to the end of the buffer where there is none.
  uint64_t marked_length(uint64_t offset);

 private:
  friend struct BufferMethods;

  std::byte* const data_;
  const uint64_t length_;
  const Memory memory_;
  const Deallocator deallocator_;
  std::mutex mutex_;
  std::map<uint64_t, uint64_t> markers_;  // offset -> length
};

// Who reaches the memory of a resource with these options.
Reach reach_of(MTL::ResourceOptions options);

// Metal's -newBuffer..., for the device and for heaps.
Ref<Buffer> new_buffer(const char* method, Device& device, uint64_t length,
                       MTL::ResourceOptions options);
Ref<Buffer> new_buffer_no_copy(const char* method, Device& device, void* data, uint64_t length,
                               MTL::ResourceOptions options, Deallocator deallocator);
Ref<Heap> new_heap(const char* method, Device& device, const HeapDescriptor& descriptor);

}  // namespace softmetal
