// How much work is worth a thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace bitmetal::cpu {

// Handing work to a thread that is awake takes 1 to 2 microseconds, in which one thread reads
// about 64 KiB.
constexpr int64_t kGrainBytes = 64 << 10;

// The grain of a parallel_for whose items each move `bytes`.
constexpr int64_t grain_of(int64_t bytes) {
  return std::max<int64_t>(1, kGrainBytes / std::max<int64_t>(1, bytes));
}

}  // namespace bitmetal::cpu
