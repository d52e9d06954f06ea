#include "mtl/faults.h"

#include <mutex>

namespace softmetal::faults {

namespace {

struct Window {
  uint64_t skip = 0;
  uint64_t count = 0;

  bool take() {
    if (skip > 0) {
      --skip;
      return false;
    }
    if (count == 0) return false;
    --count;
    return true;
  }
};

struct State {
  Window allocations;
  uint64_t every_nth = 0;
  uint64_t allocated = 0;  // since every_nth was set
  Window command_buffers;
  int64_t code = 0;
  bool lost = false;
  std::chrono::microseconds delay{0};
};

std::mutex mutex;
State state;

}  // namespace

void fail_allocations(uint64_t skip, uint64_t count) {
  std::lock_guard lock(mutex);
  state.allocations = {skip, count};
}

void fail_every_nth_allocation(uint64_t n) {
  std::lock_guard lock(mutex);
  state.every_nth = n;
  state.allocated = 0;
}

void fail_command_buffers(uint64_t skip, uint64_t count, int64_t code) {
  std::lock_guard lock(mutex);
  state.command_buffers = {skip, count};
  state.code = code;
}

void lose_device(bool lost) {
  std::lock_guard lock(mutex);
  state.lost = lost;
}

void delay_completion(std::chrono::microseconds delay) {
  std::lock_guard lock(mutex);
  state.delay = delay;
}

void clear() {
  std::lock_guard lock(mutex);
  state = {};
}

bool allocation_fails() {
  std::lock_guard lock(mutex);
  ++state.allocated;
  const bool in_window = state.allocations.take();
  const bool is_nth = state.every_nth != 0 && state.allocated % state.every_nth == 0;
  return in_window || is_nth || state.lost;
}

std::optional<int64_t> command_buffer_failure() {
  std::lock_guard lock(mutex);
  if (!state.command_buffers.take()) return std::nullopt;
  return state.code;
}

bool device_lost() {
  std::lock_guard lock(mutex);
  return state.lost;
}

std::chrono::microseconds completion_delay() {
  std::lock_guard lock(mutex);
  return state.delay;
}

}  // namespace softmetal::faults
