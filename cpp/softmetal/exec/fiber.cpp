#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

#if SOFTMETAL_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace softmetal {

#if SOFTMETAL_ASAN

namespace {

thread_local Context* leaving = nullptr;

}  // namespace

void Context::arrived() {
  __sanitizer_finish_switch_fiber(nullptr, &leaving->stack_low_, &leaving->stack_size_);
}

void Context::switch_to(Context& from, Context& to) {
  leaving = &from;
  void* fake_stack;
  __sanitizer_start_switch_fiber(&fake_stack, to.stack_low_, to.stack_size_);
  exchange(from, to);
  __sanitizer_finish_switch_fiber(fake_stack, &leaving->stack_low_, &leaving->stack_size_);
}

void Context::start_at(std::byte* stack_low, std::byte* stack_top, void (*entry)(void*),
                       void* argument) {
  stack_low_ = stack_low;
  stack_size_ = static_cast<size_t>(stack_top - stack_low);
  // Frames that were left behind here have not taken back their marks.
  __asan_unpoison_memory_region(stack_low, stack_size_);
  prepare(stack_low, stack_top, entry, argument);
}

#else

void Context::arrived() {}

void Context::switch_to(Context& from, Context& to) { exchange(from, to); }

void Context::start_at(std::byte* stack_low, std::byte* stack_top, void (*entry)(void*),
                       void* argument) {
  prepare(stack_low, stack_top, entry, argument);
}

#endif

#if !SOFTMETAL_UCONTEXT

// softmetal_switch(void** save, void* to): keeps the callee-saved registers on the old stack.
// softmetal_fiber_start: where a fresh context begins; it finds entry and argument in callee-saved
// registers and leaves a zero return address, at which debuggers stop.
extern "C" {
__attribute__((visibility("hidden"))) void softmetal_switch(void** save, void* to);
__attribute__((visibility("hidden"))) void softmetal_fiber_start();
}

#if defined(__x86_64__)

asm(R"(
.text
.p2align 4
.hidden softmetal_switch
.globl softmetal_switch
.type softmetal_switch, @function
softmetal_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size softmetal_switch, . - softmetal_switch

.p2align 4
.hidden softmetal_fiber_start
.globl softmetal_fiber_start
.type softmetal_fiber_start, @function
softmetal_fiber_start:
  .cfi_startproc
  .cfi_undefined rip
  movq %r13, %rdi
  xorl %ebp, %ebp
  pushq $0
  jmpq *%r12
  .cfi_endproc
.size softmetal_fiber_start, . - softmetal_fiber_start
)");

void Context::prepare(std::byte*, std::byte* stack_top, void (*entry)(void*), void* argument) {
  auto** frame =
      reinterpret_cast<void**>(stack_top) - 9;     // leaves the ABI's alignment at the entry
  for (int i = 0; i < 6; ++i) frame[i] = nullptr;  // r15 r14 r13 r12 rbx rbp
  frame[2] = argument;
  frame[3] = reinterpret_cast<void*>(entry);
  frame[6] = reinterpret_cast<void*>(&softmetal_fiber_start);
  stack_pointer_ = frame;
}

#else  // __aarch64__

asm(R"(
.text
.p2align 4
.hidden softmetal_switch
.globl softmetal_switch
.type softmetal_switch, %function
softmetal_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size softmetal_switch, . - softmetal_switch

.p2align 4
.hidden softmetal_fiber_start
.globl softmetal_fiber_start
.type softmetal_fiber_start, %function
softmetal_fiber_start:
  .cfi_startproc
  .cfi_undefined x30
  mov x0, x20
  mov x29, xzr
  mov x30, xzr
  br x19
  .cfi_endproc
.size softmetal_fiber_start, . - softmetal_fiber_start
)");

void Context::prepare(std::byte*, std::byte* stack_top, void (*entry)(void*), void* argument) {
  auto** frame = reinterpret_cast<void**>(stack_top) - 20;
  for (int i = 0; i < 20; ++i) frame[i] = nullptr;
  frame[0] = reinterpret_cast<void*>(entry);                    // x19
  frame[1] = argument;                                          // x20
  frame[11] = reinterpret_cast<void*>(&softmetal_fiber_start);  // x30
  stack_pointer_ = frame;
}

#endif

void Context::exchange(Context& from, Context& to) {
  softmetal_switch(&from.stack_pointer_, to.stack_pointer_);
}

#else  // SOFTMETAL_UCONTEXT

namespace {

// makecontext passes ints only.
void start(unsigned entry_high, unsigned entry_low, unsigned argument_high, unsigned argument_low) {
  const auto join = [](unsigned high, unsigned low) {
    return reinterpret_cast<void*>(static_cast<uintptr_t>((uint64_t{high} << 32) | low));
  };
  reinterpret_cast<void (*)(void*)>(join(entry_high, entry_low))(join(argument_high, argument_low));
}

}  // namespace

void Context::prepare(std::byte* stack_low, std::byte* stack_top, void (*entry)(void*),
                      void* argument) {
  const uint64_t e = reinterpret_cast<uintptr_t>(entry);
  const uint64_t a = reinterpret_cast<uintptr_t>(argument);
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_low;
  context_.uc_stack.ss_size = static_cast<size_t>(stack_top - stack_low);
  context_.uc_link = nullptr;
  makecontext(&context_, reinterpret_cast<void (*)()>(&start), 4, unsigned(e >> 32), unsigned(e),
              unsigned(a >> 32), unsigned(a));
}

void Context::exchange(Context& from, Context& to) { swapcontext(&from.context_, &to.context_); }

#endif

StackArena::StackArena() {
  mapping_size_ = 2 * kSize;  // to find an aligned half in it
  mapping_ =
      mmap(nullptr, mapping_size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  const uintptr_t start = reinterpret_cast<uintptr_t>(mapping_);
  base_ = reinterpret_cast<std::byte*>((start + kSize - 1) & ~(kSize - 1));
  if (mprotect(base_, kStackSize, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping_, mapping_size_);
    throw std::bad_alloc();
  }
}

StackArena::~StackArena() { munmap(mapping_, mapping_size_); }

StackArena::Stack StackArena::stack(size_t n) {
  static const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // One page more than a power of two: equal distances would put all stacks into two sets of the
  // TLB, and a switch between 256 threads then takes ten times as long.
  const size_t stride = kStackSize + page;
  for (; stacks_ <= n; ++stacks_) {
    if (stacks_ >= kMaxStacks ||
        mprotect(base_ + (stacks_ + 1) * stride + page, kStackSize, PROT_READ | PROT_WRITE) != 0)
      throw std::bad_alloc();
  }
  std::byte* low = base_ + (n + 1) * stride + page;
  // Tops at one page offset would share a few cache sets, which costs a factor of three at 1,024
  // threads. An odd number of lines apart, they use all.
  const size_t colour = (n * 15 % 256) * 64;
  return {low, low + kStackSize - colour};
}

}  // namespace softmetal
