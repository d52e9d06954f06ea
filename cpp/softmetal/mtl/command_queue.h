// MTLCommandQueue: runs its command buffers in order on a thread of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "mtl/descriptors.h"
#include "mtl/device.h"
#include "runtime/lane.h"

namespace softmetal {

class CommandBuffer;

class CommandQueue : public DeviceObject {
 public:
  static Type type;

  CommandQueue(Device& device, uint64_t max_command_buffers);

  // A command buffer takes one of a bounded number of places until it has completed or is
  // destroyed.
  void take_place(const char* method);
  void free_place();

  // The buffer's turn comes after all enqueued before it.
  void enqueue(CommandBuffer& buffer);
  // Runs every buffer whose turn has come.
  void start_ready();
  void count_committed() { ++committed_; }

  Lane execution;
  Lane delivery;  // of handlers, so that one may wait for a later command buffer

 private:
  const uint64_t max_places_;
  std::mutex mutex_;
  std::condition_variable place_freed_;
  uint64_t places_ = 0;
  std::atomic<uint64_t> committed_{0};
  std::deque<Ref<CommandBuffer>> enqueued_;
};

}  // namespace softmetal
