// MTLEvent, MTLSharedEvent and MTLFence: what one command waits for that another does.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "foundation/dispatch.h"
#include "mtl/device.h"

namespace softmetal {

// How long a command waits before its command buffer fails with a timeout. Long enough for any
// program that is not stuck, and short enough for a test run to end.
inline constexpr std::chrono::seconds kWaitLimit{60};

class Event : public DeviceObject {
 public:
  static Type type;

  explicit Event(Device& device) : DeviceObject(device) {}

  uint64_t value();
  // Values only grow: a signal below the present one changes nothing.
  void signal(uint64_t value);
  bool wait(uint64_t value, std::chrono::milliseconds limit);
  // Calls back once, on the thread that signals, or now where the value is already reached.
  void when(uint64_t value, std::function<void()> callback);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t value_ = 0;
  std::vector<std::pair<uint64_t, std::function<void()>>> callbacks_;
};

class SharedEvent : public Event {
 public:
  static Type type;
  using Event::Event;
};

// Names an event to another process on a Mac; here, within this process, it holds the event itself.
class SharedEventHandle : public Object {
 public:
  static Type type;

  explicit SharedEventHandle(SharedEvent& shared) : event(Ref<SharedEvent>::retain(&shared)) {}

  const Ref<SharedEvent> event;
};

class SharedEventListener : public Object {
 public:
  static Type type;

  // Where the blocks run.
  Ref<DispatchQueue> queue = make<DispatchQueue>("softmetal.shared-event-listener");

  dispatch_queue_t dispatch_queue() const { return queue->handle(); }

  Object* init_with_queue(dispatch_queue_t asked) {
    queue = Ref<DispatchQueue>::retain(DispatchQueue::from(asked));
    return this;
  }

  static SharedEventListener* shared() {
    static SharedEventListener* const listener = [] {
      SharedEventListener* out = make<SharedEventListener>().leak();
      leave_uncounted(*out);
      leave_uncounted(*out->queue);
      return out;
    }();
    return listener;
  }
};

class Fence : public DeviceObject {
 public:
  static Type type;

  explicit Fence(Device& device) : DeviceObject(device) {}

  // While encoding: an update is announced, a wait is for all announced before it.
  void announce() { announced_.fetch_add(1); }
  uint64_t announced() const { return announced_.load(); }

  void update();
  bool wait(uint64_t updates, std::chrono::milliseconds limit);

 private:
  std::atomic<uint64_t> announced_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t updates_ = 0;
};

}  // namespace softmetal
