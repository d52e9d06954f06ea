// A thread that runs tasks one after another: a command queue's execution, the delivery of its
// handlers, a dispatch queue.
#pragma once

#include <functional>
#include <memory>

namespace softmetal {

class Lane {
 public:
  Lane();
  // Runs what is left first. A task may destroy its own lane.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // The thread starts with the first task. Each task has an autorelease pool around it. An
  // exception out of a task ends the process, as one out of a Metal handler does.
  void post(std::function<void()> task);

  bool is_current() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace softmetal
