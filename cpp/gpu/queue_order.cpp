#include "gpu/queue_order.h"

#include <dispatch/dispatch.h>

#include "bitmetal/error.h"

namespace bitmetal::gpu {

QueueOrder::QueueOrder(MTL::Device& device, Stream& stream, const Other& other)
    : stream_(stream),
      other_(other),
      theirs_(device.newSharedEvent()),
      ours_(device.newSharedEvent()) {
  if (!theirs_ || !ours_) fail<DeviceError>("the system gave no shared event");
}

void QueueOrder::encode(void (^commands)(MTL::CommandBuffer& buffer)) {
  dispatch_sync(static_cast<dispatch_queue_t>(other_.dispatch_queue()), ^{
    const AutoreleaseScope scope;
    commands(*static_cast<MTL::CommandBuffer*>(other_.command_buffer()));
  });
}

void QueueOrder::wait_for_other() {
  stream_.require_own_process();
  const std::lock_guard lock(mutex_);
  const uint64_t value = ++their_value_;
  encode(^(MTL::CommandBuffer& buffer) {
    buffer.encodeSignalEvent(theirs_.get(), value);
    other_.commit();
  });
  stream_.wait_for(*theirs_.get(), value);
}

void QueueOrder::make_other_wait() {
  const std::lock_guard lock(mutex_);
  const uint64_t value = ++our_value_;
  stream_.signal(*ours_.get(), value);
  encode(^(MTL::CommandBuffer& buffer) {
    buffer.encodeWait(ours_.get(), value);
  });
}

}  // namespace bitmetal::gpu
