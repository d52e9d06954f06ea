// Stacks and the switch between them: nothing here knows of Metal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#if !defined(__x86_64__) && !defined(__aarch64__)
#define SOFTMETAL_UCONTEXT 1
#include <ucontext.h>
#else
#define SOFTMETAL_UCONTEXT 0
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SOFTMETAL_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SOFTMETAL_ASAN 1
#endif

namespace softmetal {

// A suspended flow of control. A fresh one starts `entry(argument)`, which never returns.
class Context {
 public:
  void start_at(std::byte* stack_low, std::byte* stack_top, void (*entry)(void*), void* argument);
  // Suspends the caller in `from` and goes on where `to` stands.
  static void switch_to(Context& from, Context& to);
  // What `entry` calls first.
  static void arrived();

 private:
  void prepare(std::byte* stack_low, std::byte* stack_top, void (*entry)(void*), void* argument);
  static void exchange(Context& from, Context& to);

#if SOFTMETAL_ASAN
  // AddressSanitizer has to know the stack that a flow of control goes on with.
  const void* stack_low_ = nullptr;
  size_t stack_size_ = 0;
#endif
#if SOFTMETAL_UCONTEXT
  ucontext_t context_;
#else
  void* stack_pointer_ = nullptr;
#endif
};

// One address range, aligned to its size, that holds a block of the owner's choice at its base and
// above it stacks with a guard page each. Only touched pages cost memory.
class StackArena {
 public:
  static constexpr size_t kSize = size_t{1} << 29;
  static constexpr size_t kStackSize = size_t{1} << 18;
  // With the page between two stacks counted; pages have at most 64 KiB.
  static constexpr size_t kMaxStacks = kSize / (kStackSize + (size_t{1} << 16)) - 1;

  StackArena();  // throws std::bad_alloc
  ~StackArena();
  StackArena(const StackArena&) = delete;
  StackArena& operator=(const StackArena&) = delete;

  std::byte* base() const { return base_; }
  struct Stack {
    std::byte* low;
    std::byte* top;
  };
  // The n-th stack. Stacks are made in order, at their first use.
  Stack stack(size_t n);

 private:
  void* mapping_ = nullptr;
  size_t mapping_size_ = 0;
  std::byte* base_ = nullptr;
  size_t stacks_ = 0;
};

}  // namespace softmetal
