// Memory that a thread keeps for its next operation.
#pragma once

#include <cstddef>

namespace bitmetal::cpu {

// At least `bytes`, aligned to a cache line, until this thread's next call. Throws OutOfMemory.
std::byte* scratch(size_t bytes);

template <class T>
T* scratch_of(size_t count) {
  return reinterpret_cast<T*>(scratch(count * sizeof(T)));
}

}  // namespace bitmetal::cpu
