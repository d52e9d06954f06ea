// How the CPU executor runs kernels: what a user switches on to find a fault.
//
// The options hold for the whole process and are read once per launch. Their first values come from
// the environment: SOFTMETAL_ORDER (forward, reverse, shuffled), SOFTMETAL_SEED, SOFTMETAL_CHECK (0
// or 1), SOFTMETAL_THREADS.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace softmetal {

struct ExecutionOptions {
  // The order in which the threads of a SIMD-group, its threadgroup and the grid start. A correct
  // kernel gives the same result in each.
  enum class Order : uint8_t { forward, reverse, shuffled };

  Order order = Order::forward;
  uint64_t seed = 0;     // of the shuffled order: the same seed gives the same order
  bool check = false;    // look for races, out-of-bounds accesses, uninitialised threadgroup reads
  unsigned threads = 0;  // worker threads; 0: one per processor. A checked launch uses one
};

ExecutionOptions execution_options();
void set_execution_options(const ExecutionOptions& options);

// One fault that the checker found; equal faults of one launch are counted, not repeated.
struct CheckReport {
  enum class Kind : uint8_t { race, out_of_bounds, uninitialized_read, divergent_barrier };

  Kind kind;
  std::string kernel;
  std::string argument;              // the kernel's parameter or threadgroup variable; may be empty
  int index = -1;                    // N of [[buffer(N)]] or [[threadgroup(N)]], -1 for a variable
  std::array<uint32_t, 3> thread{};  // position in the grid of the first thread that did it
  uint32_t line = 0;                 // in the MSL source, 0 where unknown
  uint32_t other_line = 0;           // of the other access of a race
  uint64_t count = 1;
  std::string message;  // all of it, as a sentence
};

// The reports since the last call, oldest first. At most kMaxReports are kept.
inline constexpr size_t kMaxReports = 1000;
std::vector<CheckReport> take_check_reports();

}  // namespace softmetal
