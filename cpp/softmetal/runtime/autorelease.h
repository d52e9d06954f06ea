// Autorelease pools: a stack of them per thread, over one stack of objects.
#pragma once

#include "runtime/class.h"

namespace softmetal {

// Released when the innermost pool of this thread is drained; where the thread has none, when it
// ends.
void add_to_pool(Object* object);

// Drains what was added since it was made.
class PoolScope {
 public:
  PoolScope();
  ~PoolScope();
  PoolScope(const PoolScope&) = delete;
  PoolScope& operator=(const PoolScope&) = delete;

 private:
  size_t depth_;  // objects below this one belong to outer pools
};

// A pool drains as its last reference goes, and those opened after it drain with it.
class AutoreleasePool : public Object {
 public:
  static Type type;

  void drain();
  void add_object(Object* object);
  static void show_pools();

 private:
  PoolScope scope_;
};

}  // namespace softmetal
