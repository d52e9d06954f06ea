// What operations and kernels take, noted for as long as somebody asks.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace bitmetal {

struct ProfileEvent {
  std::string name;    // an operation of the cpu device, a kernel, or a copy
  std::string device;  // its kind
  double begin, end;   // seconds, of the GPU's clock where it ran there
  uint64_t bytes;      // of all operands
  uint64_t thread;     // from 1; 0: the GPU
};

// Records the events of all threads from its construction until stop(). Several may record at a
// time. While one does, a GPU gets a command buffer for each dispatch, so that each is timed; while
// none does, an operation costs the look at one flag more.
class Profile {
 public:
  Profile();
  ~Profile() { stop(); }
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  void stop();
  std::vector<ProfileEvent> events() const;

  static bool active() { return active_.load(std::memory_order_relaxed) > 0; }
  static void record(ProfileEvent event);

  // Held across fork(), so that the child finds all in one piece.
  static void lock();
  static void unlock();

 private:
  static inline std::atomic<int> active_{0};
  std::vector<ProfileEvent> events_;
};

// Records the time from its construction to its end, on the host. One within another is part of it.
class ProfileScope {
 public:
  ProfileScope(std::string name, const std::string& device, uint64_t bytes);
  ~ProfileScope();

 private:
  ProfileEvent event_;
};

}  // namespace bitmetal
