#include "mtl/command_queue.h"

#include <algorithm>
#include <chrono>

#include "mtl/command_buffer.h"
#include "mtl/misuse.h"
#include "mtl/residency_set.h"

namespace softmetal {

CommandQueue::CommandQueue(Device& owner, uint64_t max_command_buffers)
    : DeviceObject(owner), max_places_(max_command_buffers) {}

void CommandQueue::take_place(const char* method) {
  // Metal waits for ever. Where no command buffer is on its way nothing will free a place, unless
  // another thread is about to commit one: that long is waited for it.
  constexpr std::chrono::seconds kPatience{10};
  std::unique_lock lock(mutex_);
  const auto has_place = [&] { return places_ < max_places_; };
  while (!place_freed_.wait_for(lock, kPatience, has_place)) {
    if (committed_ == 0) {
      misuse(method, "all " + std::to_string(max_places_) +
                         " command buffers of the queue are in use and none is committed");
    }
  }
  ++places_;
}

void CommandQueue::free_place() {
  {
    std::lock_guard lock(mutex_);
    --places_;
  }
  place_freed_.notify_one();
}

void CommandQueue::enqueue(CommandBuffer& buffer) {
  std::lock_guard lock(mutex_);
  enqueued_.push_back(Ref<CommandBuffer>::retain(&buffer));
}

void CommandQueue::start_ready() {
  // Posted under the lock: two threads that commit keep the order of the queue.
  std::lock_guard lock(mutex_);
  while (!enqueued_.empty() && enqueued_.front()->is_committed()) {
    execution.post(
        [next = std::move(enqueued_.front())]() mutable { CommandBuffer::run(std::move(next)); });
    enqueued_.pop_front();
  }
}

namespace {

struct QueueMethods : CommandQueue {
  CommandBuffer* command_buffer() {
    return new_buffer("-[MTLCommandQueue commandBuffer]", true, MTL::CommandBufferErrorOptionNone);
  }
  CommandBuffer* unretained() {
    return new_buffer("-[MTLCommandQueue commandBufferWithUnretainedReferences]", false,
                      MTL::CommandBufferErrorOptionNone);
  }
  CommandBuffer* with_descriptor(CommandBufferDescriptor* descriptor) {
    constexpr const char* kName = "-[MTLCommandQueue commandBufferWithDescriptor:]";
    if (descriptor == nullptr) misuse(kName, "descriptor is nil");
    if (descriptor->log_state) misuse(kName, "descriptor.logState is not supported by softmetal");
    return new_buffer(kName, descriptor->retained_references, descriptor->error_options);
  }
  // Residency is only a hint here: host memory is always resident.
  void add_set(ResidencySet*) {}
  void add_sets(ResidencySet* const*, uint64_t) {}
  void debug_boundary() {}

 private:
  CommandBuffer* new_buffer(const char* method, bool retained,
                            MTL::CommandBufferErrorOption error_options) {
    take_place(method);
    return make<CommandBuffer>(*this, retained, error_options).autorelease();
  }
};

constexpr Method kMethods[] = {
    method<&QueueMethods::command_buffer>("commandBuffer"),
    method<&QueueMethods::unretained>("commandBufferWithUnretainedReferences"),
    method<&QueueMethods::with_descriptor>("commandBufferWithDescriptor:"),
    method<&QueueMethods::add_set>("addResidencySet:"),
    method<&QueueMethods::add_sets>("addResidencySets:count:"),
    method<&QueueMethods::add_set>("removeResidencySet:"),
    method<&QueueMethods::add_sets>("removeResidencySets:count:"),
    method<&QueueMethods::debug_boundary>("insertDebugCaptureBoundary"),
};

}  // namespace

constinit Type CommandQueue::type =
    Type::define<CommandQueue, Life::internal>("MTLCommandQueue", &DeviceObject::type, kMethods);

}  // namespace softmetal
