// Runs the threads of one threadgroup on one operating system thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "abi.h"
#include "fiber.h"
#include "options.h"

namespace softmetal {

class Checker;

// A small, fast generator whose sequence depends on nothing but its seed (splitmix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  uint32_t below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }

 private:
  uint64_t state_;
};

// Two levels: the threads of a SIMD-group run until each is finished, waits in a SIMD operation or
// waits at a threadgroup barrier; then the SIMD operation that comes first in the program is done
// for the threads that reached it; when only barriers are left, the next SIMD-group runs. A thread
// starts on the stack of the one before where that one is finished, so a kernel without barriers is
// a plain loop.
class Scheduler {
 public:
  static constexpr uint32_t kMaxThreads = 1024;

  Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  struct Job {
    void (*entry)(sm_worker*);
    const sm_launch* launch;
    size_t threadgroup_bytes;
    ExecutionOptions options;
    Checker* checker;  // or nullptr
  };

  // Runs the threadgroup at `group`. Returns false, and says why in `error`, when some of its
  // threads wait at a barrier that the others never reach.
  bool run(const Job& job, const uint32_t group[3], std::string& error);

 private:
  struct Lane : sm_lane {
    Context context;
    size_t stack;
    void* value;
    sm_combine combine;
  };
  struct SimdGroup {
    uint32_t fresh, ready, in_simd, at_barrier, finished;
    bool runs() const { return (fresh | ready | in_simd) != 0; }
  };
  static constexpr size_t kMain = ~size_t{0};

  static void runtime_simd(sm_worker*, void* value, sm_combine);
  static void runtime_simdgroup_barrier(sm_worker*, uint32_t flags);
  static void runtime_threadgroup_barrier(sm_worker*, uint32_t flags);
  static void runtime_access(sm_worker*, const void*, uint64_t, uint32_t, const void*);
  static void runtime_enter(sm_worker*, const void*);
  static void runtime_leave(sm_worker*);
  static const sm_runtime kRuntime;
  static Scheduler& of(sm_worker* worker);
  static void fiber_main(void* scheduler);

  bool owns(const void* data) const;
  size_t next();
  size_t pick_simdgroup();
  uint32_t pick_lane(uint32_t mask);
  void release_simd(SimdGroup& group, size_t first_lane);
  bool release_barrier();
  void begin_lane(size_t lane);
  void wait(size_t lane);
  void switch_to(Context& from, size_t lane);

  StackArena arena_;
  sm_worker* worker_;
  std::vector<Lane> lanes_;
  std::vector<SimdGroup> simdgroups_;
  std::vector<size_t> free_stacks_;
  std::vector<std::byte> threadgroup_memory_;
  size_t stacks_used_ = 0;
  size_t starting_ = 0;   // the lane that the next fresh context runs
  size_t simdgroup_ = 0;  // the one that runs
  uint32_t lane_count_ = 0;
  uint32_t simdgroup_count_ = 0;
  uint32_t barrier_flags_ = 0;
  const Job* job_ = nullptr;
  std::string* error_ = nullptr;
  Random random_{0};
  Context main_;
};

}  // namespace softmetal
