#include "core/profile.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace bitmetal {
namespace {

double now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

uint64_t this_thread() {
  static std::atomic<uint64_t> last{0};
  thread_local const uint64_t number = ++last;
  return number;
}

thread_local int depth = 0;

std::mutex mutex;  // guards all that follows, and the events of each
std::vector<Profile*>& recording() {
  static auto& all = *new std::vector<Profile*>;  // never destroyed: GPU threads may outlive us
  return all;
}

}  // namespace

Profile::Profile() {
  const std::lock_guard lock(mutex);
  recording().push_back(this);
  ++active_;
}

void Profile::stop() {
  const std::lock_guard lock(mutex);
  active_ -= static_cast<int>(std::erase(recording(), this));
}

std::vector<ProfileEvent> Profile::events() const {
  const std::lock_guard lock(mutex);
  return events_;
}

void Profile::record(ProfileEvent event) {
  const std::lock_guard lock(mutex);
  for (Profile* profile : recording()) profile->events_.push_back(event);
}

void Profile::lock() { mutex.lock(); }
void Profile::unlock() { mutex.unlock(); }

ProfileScope::ProfileScope(std::string name, const std::string& device, uint64_t bytes)
    : event_{std::move(name), device, 0, 0, bytes, this_thread()} {
  ++depth;
  event_.begin = now();
}

ProfileScope::~ProfileScope() {
  event_.end = now();
  if (--depth == 0) Profile::record(std::move(event_));
}

}  // namespace bitmetal
