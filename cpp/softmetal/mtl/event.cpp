#include "mtl/event.h"

#include <Metal/MTLEvent.hpp>

#include "foundation/dispatch.h"
#include "mtl/misuse.h"
#include "runtime/block_ref.h"

namespace softmetal {

uint64_t Event::value() {
  std::lock_guard lock(mutex_);
  return value_;
}

void Event::signal(uint64_t value) {
  std::vector<std::function<void()>> ready;
  {
    std::lock_guard lock(mutex_);
    if (value <= value_) return;
    value_ = value;
    std::erase_if(callbacks_, [&](auto& each) {
      if (each.first > value) return false;
      ready.push_back(std::move(each.second));
      return true;
    });
  }
  changed_.notify_all();
  for (const auto& callback : ready) callback();
}

bool Event::wait(uint64_t value, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return value_ >= value; });
}

void Event::when(uint64_t value, std::function<void()> callback) {
  {
    std::lock_guard lock(mutex_);
    if (value_ < value) {
      callbacks_.emplace_back(value, std::move(callback));
      return;
    }
  }
  callback();
}

void Fence::update() {
  {
    std::lock_guard lock(mutex_);
    ++updates_;
  }
  changed_.notify_all();
}

bool Fence::wait(uint64_t updates, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return updates_ >= updates; });
}

namespace {

using NotificationBlock = void (^)(SharedEvent*, uint64_t);

struct SharedEventMethods : SharedEvent {
  SharedEventHandle* new_handle() { return make<SharedEventHandle>(*this).leak(); }

  void notify(SharedEventListener* listener, uint64_t value, NotificationBlock block) {
    if (listener == nullptr || block == nullptr) {
      misuse("-[MTLSharedEvent notifyListener:atValue:block:]", "listener or block is nil");
    }
    when(value, [self = Ref<SharedEvent>::retain(this), queue = listener->queue, value,
                 block = BlockRef(block)] {
      queue->lane.post([self, value, block] { block.get()(self.get(), value); });
    });
  }

  bool wait_until(uint64_t value, uint64_t milliseconds) {
    // A year stands for ever: the clock's arithmetic overflows on larger ones.
    constexpr uint64_t kLongest = 365ull * 24 * 3600 * 1000;
    return wait(value, std::chrono::milliseconds(std::min(milliseconds, kLongest)));
  }
};

constexpr Method kSharedEvent[] = {
    method<&SharedEventMethods::new_handle>("newSharedEventHandle"),
    method<&SharedEventMethods::notify>("notifyListener:atValue:block:"),
    method<&Event::signal>("setSignaledValue:"),
    method<&Event::value>("signaledValue"),
    method<&SharedEventMethods::wait_until>("waitUntilSignaledValue:timeoutMS:"),
};

struct HandleMethods : SharedEventHandle {
  String* get_label() const { return event->label.get(); }
};

constexpr Method kHandle[] = {
    method<&HandleMethods::get_label>("label"),
};

constexpr Method kListener[] = {
    method<&SharedEventListener::dispatch_queue>("dispatchQueue"),
    method<&SharedEventListener::init_with_queue>("initWithDispatchQueue:"),
};

constexpr Method kListenerClass[] = {
    method<&SharedEventListener::shared>("sharedListener"),
};

}  // namespace

constinit Type Event::type =
    Type::define<Event, Life::internal>("MTLEvent", &DeviceObject::type, {});
constinit Type SharedEvent::type =
    Type::define<SharedEvent, Life::internal>("MTLSharedEvent", &Event::type, kSharedEvent);
constinit Type SharedEventHandle::type = Type::define<SharedEventHandle, Life::internal>(
    "MTLSharedEventHandle", &RootObject::type, kHandle);
constinit Type SharedEventListener::type = Type::define<SharedEventListener, Life::allocated>(
    "MTLSharedEventListener", &RootObject::type, kListener, kListenerClass);
constinit Type Fence::type =
    Type::define<Fence, Life::internal>("MTLFence", &DeviceObject::type, {});

}  // namespace softmetal
