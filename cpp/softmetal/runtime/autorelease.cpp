#include "runtime/autorelease.h"

#include <cstdio>
#include <vector>

namespace softmetal {

namespace {

struct PoolStack {
  std::vector<Object*> objects;

  ~PoolStack() { drain_to(0); }

  void drain_to(size_t depth) {
    // Releasing one may push others.
    while (objects.size() > depth) {
      Object* object = objects.back();
      objects.pop_back();
      object->release();
    }
  }
};

thread_local PoolStack pool_stack;

}  // namespace

void add_to_pool(Object* object) { pool_stack.objects.push_back(object); }

PoolScope::PoolScope() : depth_(pool_stack.objects.size()) {}

PoolScope::~PoolScope() { pool_stack.drain_to(depth_); }

void AutoreleasePool::drain() { release(); }

void AutoreleasePool::add_object(Object* object) { object->autorelease(); }

void AutoreleasePool::show_pools() {
  std::fprintf(stderr, "softmetal: this thread's autorelease pools hold %zu objects\n",
               pool_stack.objects.size());
  for (const Object* object : pool_stack.objects) {
    std::fprintf(stderr, "  %p %s\n", static_cast<const void*>(object), object->isa->name);
  }
}

namespace {

constexpr Method kMethods[] = {
    method<&AutoreleasePool::drain>("drain"),
    method<&AutoreleasePool::add_object>("addObject:"),
};

constexpr Method kClassMethods[] = {
    method<&AutoreleasePool::show_pools>("showPools"),
};

}  // namespace

constinit Type AutoreleasePool::type = Type::define<AutoreleasePool, Life::allocated>(
    "NSAutoreleasePool", &RootObject::type, kMethods, kClassMethods);

}  // namespace softmetal

extern "C" void* objc_autoreleasePoolPush(void) {
  return softmetal::make<softmetal::AutoreleasePool>().leak();
}

extern "C" void objc_autoreleasePoolPop(void* pool) {
  static_cast<softmetal::AutoreleasePool*>(pool)->drain();
}
