// Memory that a thread keeps for its next operation.
#pragma once

#include <cstddef>

namespace bitmetal::cpu {

// `shared` is for what a caller prepares before a parallel_for and every thread then reads; inside
// tasks, which the caller's thread runs too, only `own` may be asked for.
enum class Scratch { own, shared };

// At least `bytes`, aligned to a cache line, until this thread's next call for the same purpose.
// Throws OutOfMemory.
std::byte* scratch(Scratch purpose, size_t bytes);

}  // namespace bitmetal::cpu
