// Watches every access of a launch to device and threadgroup memory.
//
// Two accesses of different threads to one byte, one of them a write and not both atomic, are a
// race unless a barrier lies between them: a threadgroup barrier with the flag of that memory for
// threads of one threadgroup, also a SIMD-group barrier for threads of one SIMD-group, nothing for
// threads of different threadgroups. SIMD operations order no memory in Metal, and so not here.
//
// For one launch, on one operating system thread: equal launches give equal reports.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "abi.h"
#include "options.h"

namespace softmetal {

// A run of memory whose bytes are watched.
struct WatchedRange {
  std::string name;
  int index = -1;  // N of [[buffer(N)]] or [[threadgroup(N)]]
  size_t size = 0;
  const std::byte* data = nullptr;  // device memory
  size_t offset = 0;                // threadgroup memory, from its start
};

class LineTable;
class Module;

class Checker {
 public:
  struct Setting {
    std::string kernel;
    std::vector<WatchedRange> buffers;
    std::vector<WatchedRange> threadgroup;
    const LineTable* lines;
    const Module* module;
    // True for memory that a kernel may reach through pointers that it finds in its buffers.
    bool (*reachable)(const void* data, size_t bytes);
  };
  explicit Checker(Setting setting);
  ~Checker();
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  // From the scheduler.
  void begin_group(const sm_worker& worker, uint32_t lanes);
  void threadgroup_barrier(uint32_t mem_flags);
  void simdgroup_barrier(size_t simdgroup);
  void divergent_barrier(const sm_lane& lane, const std::string& what);
  // From the kernel.
  // False when the access is out of bounds: the thread must not go on, what it would touch is
  // unknown.
  bool access(const sm_lane& lane, const void* data, uint64_t bytes, uint32_t kind, const void* pc);
  void enter(const sm_lane& lane, const void* pc);
  void leave(const sm_lane& lane);

  std::vector<CheckReport> reports() const { return reports_; }

 private:
  // The last access of a kind to a byte. `thread` is the thread's number in the grid plus one, 0:
  // none.
  struct Access {
    uint32_t thread;
    uint32_t line;
    uint32_t group_epoch;
    uint32_t simd_epoch : 31;
    uint32_t atomic : 1;
  };
  // Two readers, so that one that a later write is ordered behind does not hide another.
  struct Cell {
    Access write, read[2];
  };
  using Page = std::array<Cell, 256>;

  bool ordered(const Access& before, const Access& now, bool device) const;
  // Notes `now` in the cell. Returns the earlier access that it races with, if any.
  const Access* note(Cell& cell, const Access& now, bool write, bool device, Access& other) const;
  Cell& device_cell(uintptr_t address);
  uint32_t line_of(const sm_lane& lane, const void* pc);
  uint32_t thread_number(const sm_lane& lane) const;
  std::array<uint32_t, 3> grid_position(uint32_t thread) const;
  void out_of_bounds(const sm_lane& lane, const std::byte* data, uint64_t bytes, bool write,
                     const void* pc);
  void race(const WatchedRange& range, size_t byte, const Access& now, bool write,
            const Access& other, bool other_writes);
  void report(CheckReport report);

  Setting setting_;
  std::unordered_map<uintptr_t, std::unique_ptr<Page>> device_shadow_;  // by address / 256
  uintptr_t last_page_ = 0;
  Page* last_ = nullptr;
  std::vector<Cell> threadgroup_shadow_;
  const sm_worker* worker_ = nullptr;
  uint32_t group_first_thread_ = 0;
  std::vector<std::vector<const void*>> callers_;  // return addresses, by thread
  // Barriers so far; device and threadgroup memory count those that order it.
  uint32_t device_epoch_ = 1, threadgroup_epoch_ = 1;
  std::vector<uint32_t> simd_epochs_;
  std::unordered_map<uint64_t, uint32_t> lines_;
  std::map<std::string, size_t> seen_;
  std::vector<CheckReport> reports_;
};

}  // namespace softmetal
