#include "cpu/scratch.h"

#include <cstdlib>
#include <memory>

#include "bitmetal/error.h"

namespace bitmetal::cpu {
namespace {

constexpr size_t kCacheLine = 64;

struct Free {
  void operator()(void* p) const { std::free(p); }
};
struct Kept {
  std::unique_ptr<void, Free> data;
  size_t bytes = 0;
};
thread_local Kept kept_for[2];

}  // namespace

std::byte* scratch(Scratch purpose, size_t bytes) {
  Kept& kept = kept_for[static_cast<int>(purpose)];
  if (bytes > kept.bytes) {
    kept.bytes = 0;
    kept.data.reset();
    const size_t size = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
    kept.data.reset(std::aligned_alloc(kCacheLine, size));
    if (!kept.data) fail<OutOfMemory>("memory: no ", size, " bytes left for intermediate results");
    kept.bytes = size;
  }
  return static_cast<std::byte*>(kept.data.get());
}

}  // namespace bitmetal::cpu
