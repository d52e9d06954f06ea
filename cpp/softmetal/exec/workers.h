// The operating system threads that threadgroups are spread over.
#pragma once

#include <cstdint>
#include <functional>

namespace softmetal {

class Scheduler;

// Calls `body(scheduler, i)` once for every i in [0, count), from at most `threads` threads of
// which the caller is one, each with a scheduler of its own. Stops early, after what has begun,
// once `body` returns false. Safe to call from several threads, and in a forked child, which starts
// threads of its own.
void for_each_group(uint64_t count, unsigned threads,
                    const std::function<bool(Scheduler&, uint64_t)>& body);

// What ExecutionOptions::threads = 0 means here.
unsigned default_threads();

}  // namespace softmetal
