#include "runtime/lane.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "runtime/autorelease.h"

namespace softmetal {

struct Lane::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> tasks;
  bool closed = false;
  std::thread thread;

  void run() noexcept {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return closed || !tasks.empty(); });
      if (tasks.empty()) return;
      std::function<void()> task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      {
        PoolScope pool;
        task();
        task = nullptr;
      }
      lock.lock();
    }
  }
};

Lane::Lane() : state_(std::make_shared<State>()) {}

Lane::~Lane() {
  std::thread thread;
  {
    std::lock_guard lock(state_->mutex);
    state_->closed = true;
    thread = std::move(state_->thread);
  }
  state_->wake.notify_all();
  if (!thread.joinable()) return;
  if (thread.get_id() == std::this_thread::get_id()) {
    thread.detach();  // this very task runs on it; it ends after the task
  } else {
    thread.join();
  }
}

void Lane::post(std::function<void()> task) {
  // The task may run, and destroy this lane, before this function returns.
  const std::shared_ptr<State> state = state_;
  std::lock_guard lock(state->mutex);
  state->tasks.push_back(std::move(task));
  if (!state->thread.joinable()) state->thread = std::thread([state] { state->run(); });
  state->wake.notify_one();
}

bool Lane::is_current() const {
  std::lock_guard lock(state_->mutex);
  return state_->thread.get_id() == std::this_thread::get_id();
}

}  // namespace softmetal
