// What crosses between this library and a kernel compiled at run time: plain C data, no allocation
// and no C++ object. The text of this header is also the first part of every generated program, so
// it includes nothing.
#pragma once

typedef __UINT8_TYPE__ sm_u8;
typedef __UINT32_TYPE__ sm_u32;
typedef __UINT64_TYPE__ sm_u64;
typedef __UINTPTR_TYPE__ sm_uptr;

enum {
  SM_ABI_VERSION = 1,
  SM_SIMD_WIDTH = 32,
  SM_BUFFERS = 31,
  SM_PATH_MAX = 48,
  // Every thread's stack lies in its worker's arena, which is aligned to its own size: kernel code
  // finds the worker by clearing the low bits of its frame address. Thread-local storage would cost
  // more, and its fast model is not available to a library loaded by Python.
  SM_ARENA_LOG2 = 29
};

// One Metal thread.
//
// `path` and `at` say where it is: `at` numbers the call site in the source, `path` holds the
// enclosing calls and loops with their iteration, outermost first. Threads at the same place take
// part in the same SIMD operation; of two places the smaller comes first in the program.
struct sm_lane {
  sm_u32 position[3];  // in the threadgroup
  sm_u32 index;        // the same, linear
  sm_u32 at;
  sm_u32 depth;
  sm_u32 path[SM_PATH_MAX];
};

struct sm_launch {
  sm_u32 grid[3];        // in threads
  sm_u32 groups[3];      // in threadgroups
  sm_u32 group_size[3];  // of a threadgroup that is not at the grid's edge
  void* buffers[SM_BUFFERS];
  sm_u64 threadgroup_offset[SM_BUFFERS];
};

struct sm_runtime;

// What an operating system thread runs at this moment. Lies at the base of its arena.
struct sm_worker {
  const struct sm_runtime* runtime;
  struct sm_lane* lane;
  const struct sm_launch* launch;
  sm_u8* threadgroup_memory;
  sm_u32 group[3];       // position in the grid of threadgroups
  sm_u32 group_size[3];  // its own: smaller at the grid's edge
};

// Sees the value of every thread that takes part, by its lane, and replaces it by that thread's
// result.
typedef void (*sm_combine)(sm_u32 mask, void* const* values);

enum sm_access_kind { SM_READ = 0, SM_WRITE = 1, SM_ATOMIC = 2 };

struct sm_runtime {
  // Waits until the threads of the SIMD-group that can reach this place have done so, then
  // combines.
  void (*simd)(struct sm_worker*, void* value, sm_combine);
  void (*simdgroup_barrier)(struct sm_worker*, sm_u32 mem_flags);
  void (*threadgroup_barrier)(struct sm_worker*, sm_u32 mem_flags);
  // The checker. `pc` is an address behind the access; `enter` and `leave` bracket calls.
  void (*access)(struct sm_worker*, const void* data, sm_u64 bytes, sm_u32 kind, const void* pc);
  void (*enter)(struct sm_worker*, const void* pc);
  void (*leave)(struct sm_worker*);
};

// A threadgroup variable of a kernel. The library lays the variables out and writes `offset`.
struct sm_local {
  const void* kernel;
  sm_u64 id;  // the translator's: its name stands there
  sm_u64 size;
  sm_u64 alignment;
  sm_u64 offset;
  struct sm_local* next;
};

struct sm_argument {
  sm_u64 size;
  sm_u64 alignment;
  sm_u32 read_only;
};

struct sm_kernel {
  const void* function;
  void (*entry)(struct sm_worker*);
  const struct sm_argument* arguments;  // in the order of the parameters that are bound
};

struct sm_module {
  sm_u32 abi_version;
  sm_u32 kernel_count;
  const struct sm_kernel* kernels;
  struct sm_local** locals;
  sm_u32* loaded;  // set once loading is done: before that no code runs on a worker's stack
};
