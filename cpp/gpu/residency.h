// The device's buffers as a set that stays where the GPU reaches it, so that a command buffer need
// not make each of them resident: where the
// system has such sets (macOS 15 and later).
#pragma once

#include <cstdint>
#include <mutex>

#include "gpu/object.h"

namespace bitmetal::gpu {

// All members may be called from any thread.
class Residency {
 public:
  // Holds buffers up to `budget` bytes: the system recommends no more than its working set.
  Residency(MTL::Device& device, uint64_t budget);

  // For every command buffer of the queue.
  void attach(MTL::CommandQueue& queue);
  void add(MTL::Buffer& buffer);
  void remove(MTL::Buffer& buffer);
  // Makes what was added count; before a commit.
  void update();

  uint64_t bytes() const;  // 0 where there are no such sets

 private:
  const uint64_t budget_;
  mutable std::mutex mutex_;
  Ref<MTL::ResidencySet> set_;
  uint64_t bytes_ = 0;
  bool changed_ = false;
};

}  // namespace bitmetal::gpu
