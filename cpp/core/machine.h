// What the machine has: memory, pages, processors. Read once.
#pragma once

#include <cstddef>
#include <string>

namespace bitmetal {

size_t page_size();
size_t memory_size();  // bytes of RAM, or the container's limit where that is lower
// Processors this process may use: its affinity mask, and the container's CPU quota rounded up.
int processor_count();
std::string processor_name();

}  // namespace bitmetal
