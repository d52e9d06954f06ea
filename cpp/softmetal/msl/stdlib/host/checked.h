// What the checker needs inside a program. In a checked build the compiler calls __tsan_* before
// every access to memory; here these calls are turned over to the library. Nothing of
// ThreadSanitizer is linked.
#if SM_CHECK

// With no_sanitize alone clang would still bracket the function in __tsan_func_entry and _exit.
#if defined(__clang__)
#define SM_UNCHECKED __attribute__((disable_sanitizer_instrumentation, noinline))
#else
#define SM_UNCHECKED __attribute__((no_sanitize("thread"), noinline))
#endif
// A function of the standard library that reports its accesses itself, with its caller's line.
#define SM_CHECKED SM_UNCHECKED

namespace sm_program {
// Private variables lie on the thread's stack, in the arena, and need no further look.
SM_UNCHECKED static void sm_access(const volatile void* data, sm_u64 bytes, sm_u32 kind,
                                   const void* pc) {
  if (!sm_loaded) return;
  const sm_uptr frame = reinterpret_cast<sm_uptr>(__builtin_frame_address(0));
  if (((reinterpret_cast<sm_uptr>(data) ^ frame) >> SM_ARENA_LOG2) == 0) return;
  sm_worker* worker = reinterpret_cast<sm_worker*>(frame >> SM_ARENA_LOG2 << SM_ARENA_LOG2);
  worker->runtime->access(worker, const_cast<const void*>(data), bytes, kind, pc);
}
SM_UNCHECKED static sm_worker* sm_checked_worker() {
  return reinterpret_cast<sm_worker*>(reinterpret_cast<sm_uptr>(__builtin_frame_address(0)) >>
                                      SM_ARENA_LOG2 << SM_ARENA_LOG2);
}
}  // namespace sm_program

namespace sm_program {
template <class T>
SM_UNCHECKED inline const T& sm_value(const T& value) {
  return value;
}
}  // namespace sm_program

// An access that a function of this library makes on behalf of its caller.
#define sm_touch(data, bytes, kind) sm_access(data, bytes, kind, __builtin_return_address(0))

// Hidden, lest the process's own sanitizer, if it has one, gets the calls.
#define SM_HOOK extern "C" SM_UNCHECKED __attribute__((visibility("hidden"), used))
#define SM_PC __builtin_return_address(0)
SM_HOOK void __tsan_init() {}
SM_HOOK void __tsan_func_entry(void* pc) {
  if (!sm_program::sm_loaded) return;
  sm_worker* worker = sm_program::sm_checked_worker();
  worker->runtime->enter(worker, pc);
}
SM_HOOK void __tsan_func_exit() {
  if (!sm_program::sm_loaded) return;
  sm_worker* worker = sm_program::sm_checked_worker();
  worker->runtime->leave(worker);
}
#define SM_ACCESS(n)                                                                               \
  SM_HOOK void __tsan_read##n(void* p) { sm_program::sm_access(p, n, SM_READ, SM_PC); }            \
  SM_HOOK void __tsan_write##n(void* p) { sm_program::sm_access(p, n, SM_WRITE, SM_PC); }          \
  SM_HOOK void __tsan_unaligned_read##n(void* p) { sm_program::sm_access(p, n, SM_READ, SM_PC); }  \
  SM_HOOK void __tsan_unaligned_write##n(void* p) {                                                \
    sm_program::sm_access(p, n, SM_WRITE, SM_PC);                                                  \
  }                                                                                                \
  SM_HOOK void __tsan_volatile_read##n(void* p) { sm_program::sm_access(p, n, SM_READ, SM_PC); }   \
  SM_HOOK void __tsan_volatile_write##n(void* p) { sm_program::sm_access(p, n, SM_WRITE, SM_PC); } \
  SM_HOOK void __tsan_read_write##n(void* p) {                                                     \
    sm_program::sm_access(p, n, SM_READ, SM_PC);                                                   \
    sm_program::sm_access(p, n, SM_WRITE, SM_PC);                                                  \
  }                                                                                                \
  SM_HOOK void __tsan_unaligned_read_write##n(void* p) { __tsan_read_write##n(p); }
// clang-format off
SM_ACCESS(1) SM_ACCESS(2) SM_ACCESS(4) SM_ACCESS(8) SM_ACCESS(16)
// clang-format on
#undef SM_ACCESS
    SM_HOOK void __tsan_read_range(void* p, unsigned long n) {
  sm_program::sm_access(p, n, SM_READ, SM_PC);
}
SM_HOOK void __tsan_write_range(void* p, unsigned long n) {
  sm_program::sm_access(p, n, SM_WRITE, SM_PC);
}
SM_HOOK void* __tsan_memcpy(void* to, const void* from, unsigned long n) {
  sm_program::sm_access(from, n, SM_READ, SM_PC);
  sm_program::sm_access(to, n, SM_WRITE, SM_PC);
  return __builtin_memcpy(to, from, n);
}
SM_HOOK void* __tsan_memmove(void* to, const void* from, unsigned long n) {
  sm_program::sm_access(from, n, SM_READ, SM_PC);
  sm_program::sm_access(to, n, SM_WRITE, SM_PC);
  return __builtin_memmove(to, from, n);
}
SM_HOOK void* __tsan_memset(void* to, int value, unsigned long n) {
  sm_program::sm_access(to, n, SM_WRITE, SM_PC);
  return __builtin_memset(to, value, n);
}
#undef SM_HOOK
#undef SM_PC

#else

#define SM_CHECKED
#define sm_touch(data, bytes, kind) static_cast<void>(0)

#endif
