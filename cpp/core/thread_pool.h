// The cpu device's threads.
//
// One pool a process. The calling thread works too; the others spin briefly for the next piece of
// work (a mat-vec lasts tens of microseconds, waking a sleeper takes as long) and then sleep, so
// that an idle pool costs nothing beside another library's. A call that finds the pool busy, or
// comes from inside a task, runs on its own thread alone: never more threads than asked for, never
// a deadlock. A forked child starts with a fresh pool.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>

namespace bitmetal {

// A reference to a callable, valid while the callable is.
template <class Signature>
class FunctionRef;
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
  FunctionRef(F&& f)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(args...);
        }) {}
  R operator()(Args... args) const { return call_(object_, args...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

int thread_count();
// 0 puts back the default: BITMETAL_NUM_THREADS where set, else one thread a processor.
void set_thread_count(int count);

// Calls body(begin, end) over consecutive ranges that together cover [0, n), in parallel when n is
// more than `grain`; no range but the last is shorter than `grain`. Returns when all are done; the
// first exception is rethrown here.
void parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> body);

}  // namespace bitmetal
