#include "foundation/dispatch.h"

#include <future>

#include "runtime/block_ref.h"

namespace softmetal {

constinit Type DispatchQueue::type =
    Type::define<DispatchQueue, Life::internal>("OS_dispatch_queue", &RootObject::type, {});
constinit Type DispatchData::type =
    Type::define<DispatchData, Life::internal>("OS_dispatch_data", &RootObject::type, {});

}  // namespace softmetal

using softmetal::BlockRef;
using softmetal::DispatchData;
using softmetal::DispatchQueue;
using softmetal::UsageError;

extern "C" {

dispatch_queue_t dispatch_queue_create(const char* label, dispatch_queue_attr_t attributes) {
  if (attributes != DISPATCH_QUEUE_SERIAL) {
    throw UsageError("dispatch_queue_create: only serial queues are supported by softmetal");
  }
  return softmetal::make<DispatchQueue>(label).leak()->handle();
}

void dispatch_async(dispatch_queue_t queue, dispatch_block_t block) {
  // The task keeps the queue: a program may release it with work outstanding.
  auto self = softmetal::Ref<DispatchQueue>::retain(DispatchQueue::from(queue));
  DispatchQueue::from(queue)->lane.post([self, block = BlockRef(block)] { block.get()(); });
}

void dispatch_sync(dispatch_queue_t queue, dispatch_block_t block) {
  if (DispatchQueue::from(queue)->lane.is_current()) {
    throw UsageError("dispatch_sync: a task waits for its own queue");
  }
  std::promise<void> done;
  DispatchQueue::from(queue)->lane.post([&] {
    block();
    done.set_value();
  });
  done.get_future().wait();
}

dispatch_data_t dispatch_data_create(const void* bytes, size_t size, dispatch_queue_t,
                                     dispatch_block_t destructor) {
  if (destructor != DISPATCH_DATA_DESTRUCTOR_DEFAULT) {
    throw UsageError("dispatch_data_create: destructors are not supported by softmetal");
  }
  std::string_view text(static_cast<const char*>(bytes), size);
  return reinterpret_cast<dispatch_data_t>(softmetal::make<DispatchData>(text).leak());
}

void dispatch_retain(const void* object) {
  static_cast<softmetal::Object*>(const_cast<void*>(object))->retain();
}

void dispatch_release(const void* object) {
  static_cast<softmetal::Object*>(const_cast<void*>(object))->release();
}

}  // extern "C"
