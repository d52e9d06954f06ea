// Memory that host and kernels share.
#pragma once

#include <cstddef>

namespace softmetal {

// Page-aligned and zeroed, with an unmapped page behind it; nullptr when there is none left.
void* allocate_memory(size_t bytes);
void deallocate_memory(void* data, size_t bytes);

// True when all of it lies in one live allocation.
bool is_allocated(const void* data, size_t bytes);

// What an argument points to that was never set. Kernels read arguments that a function constant
// disables, and Metal lets them.
void* unbound_memory();

}  // namespace softmetal
