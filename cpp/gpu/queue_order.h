// Orders the work of a device's stream with that of another library's command queue on the same
// GPU: by shared events, so that the host does not wait.
//
// The other library is known by three functions, such as PyTorch's in torch/mps.h: its serial
// dispatch queue, on which alone it may be encoded for; its command buffer, which it makes where
// there is none; and what commits that.
//
// A command buffer of ours that fails lets the other queue go on all the same; who waits for our
// results gets its DeviceError. Calls may come from any thread.
#pragma once

#include <mutex>

#include "gpu/stream.h"

namespace bitmetal::gpu {

class QueueOrder {
 public:
  struct Other {
    void* (*dispatch_queue)();
    void* (*command_buffer)();
    void (*commit)();
  };

  QueueOrder(MTL::Device& device, Stream& stream, const Other& other);

  // What is recorded from now on runs after what the other library has encoded; so does the host
  // when it waits for memory that is wrapped from now on. Throws DeviceError.
  void wait_for_other();
  // What the other library encodes from now on runs after what is recorded. Throws DeviceError.
  void make_other_wait();

 private:
  void encode(void (^commands)(MTL::CommandBuffer& buffer));

  Stream& stream_;
  const Other other_;
  // Two, since the values of one have to grow in the order of one queue.
  Ref<MTL::SharedEvent> theirs_, ours_;
  std::mutex mutex_;
  uint64_t their_value_ = 0, our_value_ = 0;
};

}  // namespace bitmetal::gpu
