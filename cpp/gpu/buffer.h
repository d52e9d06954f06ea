// What a Block's handle is on a GPU device.
#pragma once

#include <atomic>
#include <cstdint>

#include "bitmetal/array.h"
#include "gpu/object.h"

namespace bitmetal::gpu {

// An MTL::Buffer and the command buffers that last used it. Owned by its Block, that is by
// the pool or by the Storage that wraps foreign memory, and it outlives every dispatch that is
// being recorded; once committed, Metal retains the MTL::Buffer itself.
//
// The stamps are serials of the device's Stream (0: never). They stay with the memory when it goes
// back to the pool, so that the host waits before it touches what a dead array's work still uses.
struct Buffer {
  explicit Buffer(Ref<MTL::Buffer> buffer)
      : metal(std::move(buffer)),
        base(metal->contents() ? static_cast<std::byte*>(metal->contents())
                               : reinterpret_cast<std::byte*>(metal->gpuAddress())) {}

  const Ref<MTL::Buffer> metal;
  // Where the host sees it. Of a private buffer where the GPU does: to tell ranges of bytes apart
  // (two spaces of addresses may cost a needless barrier, never a missing one).
  std::byte* const base;
  std::atomic<uint64_t> last_used{0};  // read or written; at least last_written
  std::atomic<uint64_t> last_written{0};
};

inline Buffer& buffer_of(const Array& a) {
  return *static_cast<Buffer*>(a.storage()->block().handle);
}

}  // namespace bitmetal::gpu
