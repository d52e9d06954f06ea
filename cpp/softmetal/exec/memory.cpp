#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>

namespace softmetal {
namespace {

struct Allocations {
  std::mutex mutex;
  std::map<uintptr_t, size_t> sizes;
};

Allocations& allocations() {
  static auto* all = new Allocations;
  return *all;
}

size_t page_size() {
  static const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

size_t mapped_size(size_t bytes) {
  return (std::max<size_t>(bytes, 1) + page_size() - 1) / page_size() * page_size() + page_size();
}

}  // namespace

void* allocate_memory(size_t bytes) {
  if (bytes > SIZE_MAX / 2) return nullptr;
  const size_t size = mapped_size(bytes);
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return nullptr;
  mprotect(static_cast<std::byte*>(data) + size - page_size(), page_size(), PROT_NONE);
  const std::lock_guard lock(allocations().mutex);
  allocations().sizes[reinterpret_cast<uintptr_t>(data)] = bytes;
  return data;
}

void deallocate_memory(void* data, size_t bytes) {
  if (!data) return;
  {
    const std::lock_guard lock(allocations().mutex);
    allocations().sizes.erase(reinterpret_cast<uintptr_t>(data));
  }
  munmap(data, mapped_size(bytes));
}

bool is_allocated(const void* data, size_t bytes) {
  const auto address = reinterpret_cast<uintptr_t>(data);
  const std::lock_guard lock(allocations().mutex);
  auto after = allocations().sizes.upper_bound(address);
  if (after == allocations().sizes.begin()) return false;
  --after;
  return address + bytes <= after->first + after->second;
}

void* unbound_memory() {
  constexpr size_t kSize = size_t{1} << 20;
  static void* const memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory;
}

}  // namespace softmetal
