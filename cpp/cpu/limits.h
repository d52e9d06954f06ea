// What this machine can do at most, measured: the yardsticks of the benchmarks. All threads of the
// pool work at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bitmetal::cpu {

// Seconds of the fastest call within about `budget` seconds.
template <class F>
double best_time(F call, double budget = 0.2) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](auto d) { return std::chrono::duration<double>(d).count(); };
  const auto begin = Clock::now();
  double best = 1e9;
  int calls = 0;
  do {
    const auto start = Clock::now();
    call();
    best = std::min(best, seconds(Clock::now() - start));
  } while (++calls < 3 || seconds(Clock::now() - begin) < budget);
  return best;
}

// Bytes a second read from memory of `bytes` bytes in all; small sizes measure the caches.
double read_rate(int64_t bytes);
// Bytes a second, read plus written, of a plain copy of 256 MiB.
double copy_rate();
// 8-bit multiplications and additions a second in registers, with the active instruction set; 0 for
// the generic one.
double multiply_rate();

}  // namespace bitmetal::cpu
