// How much work is worth a thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace bitmetal::cpu {

// Waking a thread that sleeps takes 5 to 50 microseconds. In 10 one thread moves half a megabyte
// through its caches.
constexpr int64_t kGrainBytes = 512 << 10;

// The grain of a parallel_for whose items each move `bytes`.
constexpr int64_t grain_of(int64_t bytes) {
  return std::max<int64_t>(1, kGrainBytes / std::max<int64_t>(1, bytes));
}

}  // namespace bitmetal::cpu
