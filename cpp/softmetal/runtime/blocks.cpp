// The runtime that clang's blocks call: moving a block to the heap, and the lives of what it
// captured. Layouts and flag values are those of the blocks ABI (clang's "Block Implementation
// Specification").
#include <Block.h>
#include <objc/runtime.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/object.h"

namespace {

enum BlockFlags : int32_t {
  kReferenceMask = 0xffff,
  kNeedsFree = 1 << 24,
  kHasCopyDispose = 1 << 25,
  kIsGlobal = 1 << 28,
};

// What kind of captured variable a copy helper is asked to handle.
enum FieldKind : int {
  kFieldObject = 3,
  kFieldBlock = 7,
  kFieldByref = 8,
  kFieldWeak = 16,
  kFieldByrefCaller = 128,
};

struct BlockDescriptor {
  unsigned long reserved;
  unsigned long size;
  void (*copy)(void* destination, const void* source);
  void (*dispose)(const void* block);
};

struct Block {
  void* isa;
  std::atomic<int32_t> flags;
  int32_t reserved;
  void (*invoke)(void*, ...);
  BlockDescriptor* descriptor;
};

// A __block variable. `forwarding` points at its heap copy once there is one.
struct Byref {
  void* isa;
  Byref* forwarding;
  std::atomic<int32_t> flags;
  uint32_t size;
  void (*keep)(Byref* destination, Byref* source);
  void (*destroy)(Byref*);
};

// Flags of a heap Byref start at two references: the stack frame's and the first block's.
void* copy_byref(Byref* source) {
  Byref* target = source->forwarding;
  if (target->flags.load(std::memory_order_relaxed) & kNeedsFree) {
    target->flags.fetch_add(1, std::memory_order_relaxed);
    return target;
  }
  auto* copy = static_cast<Byref*>(std::malloc(source->size));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(static_cast<void*>(copy), source, source->size);
  copy->flags.store(
      (source->flags.load(std::memory_order_relaxed) & ~kReferenceMask) | kNeedsFree | 2,
      std::memory_order_relaxed);
  copy->forwarding = copy;
  source->forwarding = copy;
  if (copy->flags.load(std::memory_order_relaxed) & kHasCopyDispose) copy->keep(copy, source);
  return copy;
}

void release_byref(Byref* source) {
  Byref* target = source->forwarding;
  const int32_t flags = target->flags.load(std::memory_order_relaxed);
  if (!(flags & kNeedsFree)) return;
  const int32_t before = target->flags.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & kReferenceMask) != 1) return;
  if (before & kHasCopyDispose) target->destroy(target);
  std::free(target);
}

}  // namespace

extern "C" {

SOFTMETAL_API void* _NSConcreteStackBlock[32];
SOFTMETAL_API void* _NSConcreteGlobalBlock[32];
static void* concrete_malloc_block[32];

void* _Block_copy(const void* argument) {
  auto* block = static_cast<Block*>(const_cast<void*>(argument));
  if (block == nullptr) return nullptr;
  const int32_t flags = block->flags.load(std::memory_order_relaxed);
  if (flags & kIsGlobal) return block;
  if (flags & kNeedsFree) {
    block->flags.fetch_add(1, std::memory_order_relaxed);
    return block;
  }
  auto* copy = static_cast<Block*>(std::malloc(block->descriptor->size));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(static_cast<void*>(copy), block, block->descriptor->size);
  copy->isa = concrete_malloc_block;
  copy->flags.store((flags & ~kReferenceMask) | kNeedsFree | 1, std::memory_order_relaxed);
  if (flags & kHasCopyDispose) copy->descriptor->copy(copy, block);
  return copy;
}

void _Block_release(const void* argument) {
  auto* block = static_cast<Block*>(const_cast<void*>(argument));
  if (block == nullptr) return;
  if (!(block->flags.load(std::memory_order_relaxed) & kNeedsFree)) return;
  const int32_t before = block->flags.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & kReferenceMask) != 1) return;
  if (before & kHasCopyDispose) block->descriptor->dispose(block);
  std::free(block);
}

SOFTMETAL_API void _Block_object_assign(void* destination, const void* object, int kind) {
  auto** target = static_cast<const void**>(destination);
  if ((kind & kFieldByrefCaller) || (kind & kFieldWeak)) {
    *target = object;  // inside a __block variable nothing is retained
  } else if (kind == kFieldByref) {
    *target = copy_byref(static_cast<Byref*>(const_cast<void*>(object)));
  } else if (kind == kFieldBlock) {
    *target = _Block_copy(object);
  } else {
    auto* retained = static_cast<softmetal::Object*>(const_cast<void*>(object));
    if (kind == kFieldObject && retained != nullptr) retained->retain();
    *target = object;
  }
}

SOFTMETAL_API void _Block_object_dispose(const void* object, int kind) {
  if ((kind & kFieldByrefCaller) || (kind & kFieldWeak)) return;
  if (kind == kFieldByref) {
    release_byref(static_cast<Byref*>(const_cast<void*>(object)));
  } else if (kind == kFieldBlock) {
    _Block_release(object);
  } else if (kind == kFieldObject && object != nullptr) {
    static_cast<softmetal::Object*>(const_cast<void*>(object))->release();
  }
}

}  // extern "C"
