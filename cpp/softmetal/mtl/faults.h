// Faults that a test asks for (softmetal/softmetal.h describes them).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace softmetal::faults {

void fail_allocations(uint64_t skip, uint64_t count);
void fail_every_nth_allocation(uint64_t n);
void fail_command_buffers(uint64_t skip, uint64_t count, int64_t code);
void lose_device(bool lost);
void delay_completion(std::chrono::microseconds delay);
void clear();

// Asked once for each allocation and each command buffer: they count.
bool allocation_fails();
std::optional<int64_t> command_buffer_failure();

bool device_lost();
std::chrono::microseconds completion_delay();

}  // namespace softmetal::faults
