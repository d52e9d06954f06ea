#include "checker.h"

#include <algorithm>

#include "line_table.h"
#include "module.h"

namespace softmetal {
namespace {

std::string tuple(const std::array<uint32_t, 3>& v) {
  return "(" + std::to_string(v[0]) + ", " + std::to_string(v[1]) + ", " + std::to_string(v[2]) +
         ")";
}

std::string at_line(uint32_t line) {
  return line ? " at program_source:" + std::to_string(line) : "";
}

std::string named(const WatchedRange& range) {
  std::string text = range.data ? "buffer '" : "threadgroup memory '";
  text += range.name + "'";
  if (range.index >= 0)
    text += std::string(range.data ? " [[buffer(" : " [[threadgroup(") +
            std::to_string(range.index) + ")]]";
  return text;
}

}  // namespace

Checker::Checker(Setting setting) : setting_(std::move(setting)) {}
Checker::~Checker() = default;

void Checker::begin_group(const sm_worker& worker, uint32_t lanes) {
  worker_ = &worker;
  const sm_launch& launch = *worker.launch;
  const uint32_t group =
      (worker.group[2] * launch.groups[1] + worker.group[1]) * launch.groups[0] + worker.group[0];
  group_first_thread_ = group * launch.group_size[0] * launch.group_size[1] * launch.group_size[2];
  size_t bytes = 0;
  for (const WatchedRange& range : setting_.threadgroup)
    bytes = std::max(bytes, range.offset + range.size);
  threadgroup_shadow_.assign(bytes, Cell{});
  callers_.assign(lanes, {});
  simd_epochs_.assign((lanes + SM_SIMD_WIDTH - 1) / SM_SIMD_WIDTH, 1);
  ++device_epoch_;
}

void Checker::threadgroup_barrier(uint32_t mem_flags) {
  if (mem_flags & 1) ++device_epoch_;
  if (mem_flags & 2) ++threadgroup_epoch_;
}

void Checker::simdgroup_barrier(size_t simdgroup) { ++simd_epochs_[simdgroup]; }

void Checker::enter(const sm_lane& lane, const void* pc) { callers_[lane.index].push_back(pc); }

void Checker::leave(const sm_lane& lane) {
  if (!callers_[lane.index].empty()) callers_[lane.index].pop_back();
}

uint32_t Checker::thread_number(const sm_lane& lane) const {
  return group_first_thread_ + lane.index + 1;
}

std::array<uint32_t, 3> Checker::grid_position(uint32_t thread) const {
  const sm_launch& launch = *worker_->launch;
  const uint32_t* size = launch.group_size;
  uint32_t group = (thread - 1) / (size[0] * size[1] * size[2]);
  uint32_t index = (thread - 1) % (size[0] * size[1] * size[2]);
  std::array<uint32_t, 3> position{};
  for (int i = 0; i < 3; ++i) {
    const uint32_t first = group % launch.groups[i] * size[i];
    const uint32_t own = std::min(size[i], launch.grid[i] - first);
    position[i] = first + index % own;
    group /= launch.groups[i];
    index /= own;
  }
  return position;
}

// The innermost line of the program on the thread's stack: the access itself may be in the library.
uint32_t Checker::line_of(const sm_lane& lane, const void* pc) {
  const auto& callers = callers_[lane.index];
  uint64_t key = reinterpret_cast<uintptr_t>(pc);
  for (size_t i = callers.size(), n = 0; i-- > 0 && n < 3; ++n)
    key = key * 0x9e3779b97f4a7c15 + reinterpret_cast<uintptr_t>(callers[i]);
  const auto [entry, fresh] = lines_.try_emplace(key, 0);
  if (!fresh) return entry->second;
  // A return address is behind its call, perhaps already on the next line.
  const auto lookup = [&](const void* address) {
    return setting_.lines->line(reinterpret_cast<uintptr_t>(address) - 1 -
                                setting_.module->load_address());
  };
  entry->second = lookup(pc);
  for (size_t i = callers.size(); entry->second == 0 && i-- > 0;)
    entry->second = lookup(callers[i]);
  return entry->second;
}

bool Checker::ordered(const Access& before, const Access& now, bool device) const {
  if (before.thread == now.thread) return true;
  const uint32_t* size = worker_->launch->group_size;
  const uint32_t volume = size[0] * size[1] * size[2];
  const uint32_t a = before.thread - 1, b = now.thread - 1;
  if (device && a / volume != b / volume) return false;
  if (before.group_epoch != now.group_epoch) return true;
  return a % volume / SM_SIMD_WIDTH == b % volume / SM_SIMD_WIDTH &&
         before.simd_epoch != now.simd_epoch;
}

const Checker::Access* Checker::note(Cell& cell, const Access& now, bool write, bool device,
                                     Access& other) const {
  const auto conflicts = [&](const Access& before) {
    return before.thread != 0 && !(before.atomic && now.atomic) && !ordered(before, now, device);
  };
  const Access* found = nullptr;
  if (conflicts(cell.write)) {
    other = cell.write;
    found = &cell.write;
  }
  if (!write) {
    Access& kept = cell.read[0].thread == 0 || ordered(cell.read[0], now, device) ? cell.read[0]
                                                                                  : cell.read[1];
    kept = now;
    return found;
  }
  for (const Access& read : cell.read)
    if (!found && conflicts(read)) {
      other = read;
      found = &read;
    }
  cell.write = now;
  return found;
}

Checker::Cell& Checker::device_cell(uintptr_t address) {
  if (!last_ || last_page_ != address / 256) {
    auto& page = device_shadow_[address / 256];
    if (!page) page = std::make_unique<Page>();
    last_page_ = address / 256;
    last_ = page.get();
  }
  return (*last_)[address % 256];
}

bool Checker::access(const sm_lane& lane, const void* data, uint64_t bytes, uint32_t kind,
                     const void* pc) {
  const auto* at = static_cast<const std::byte*>(data);
  const bool write = kind & SM_WRITE;
  Access now{thread_number(lane), 0, 0, simd_epochs_[lane.index / SM_SIMD_WIDTH] & 0x7fffffffu,
             kind & SM_ATOMIC ? 1u : 0u};

  const auto* threadgroup = reinterpret_cast<const std::byte*>(worker_->threadgroup_memory);
  const std::ptrdiff_t local = at - threadgroup;
  const WatchedRange* range = nullptr;
  size_t offset = 0;
  for (const WatchedRange& candidate : setting_.threadgroup) {
    const auto first = static_cast<std::ptrdiff_t>(candidate.offset);
    if (local < first || local + static_cast<std::ptrdiff_t>(bytes) >
                             first + static_cast<std::ptrdiff_t>(candidate.size))
      continue;
    range = &candidate;
    offset = static_cast<size_t>(local - first);
  }
  const bool device = !range;
  for (const WatchedRange& candidate : setting_.buffers) {
    if (range || at < candidate.data || at + bytes > candidate.data + candidate.size) continue;
    range = &candidate;
    offset = static_cast<size_t>(at - candidate.data);
  }
  if (!range) {
    if (setting_.module->contains(data)) return true;
    bool in_bound = false;
    for (const WatchedRange& buffer : setting_.buffers)
      in_bound = in_bound || (at + 4096 > buffer.data && at < buffer.data + buffer.size + 4096);
    if (!in_bound && setting_.reachable(data, bytes)) return true;
    out_of_bounds(lane, at, bytes, write, pc);
    return false;
  }

  now.line = line_of(lane, pc);
  now.group_epoch = device ? device_epoch_ : threadgroup_epoch_;
  bool raced = false, unwritten = false;
  for (uint64_t i = 0; i < bytes; ++i) {
    Cell& cell = device ? device_cell(reinterpret_cast<uintptr_t>(at) + i)
                        : threadgroup_shadow_[range->offset + offset + i];
    if (!device && !write && cell.write.thread == 0 && !unwritten) {
      unwritten = true;
      report({CheckReport::Kind::uninitialized_read, setting_.kernel, range->name, range->index,
              grid_position(now.thread), now.line, 0, 1,
              "kernel '" + setting_.kernel + "': thread " + tuple(grid_position(now.thread)) +
                  " reads " + named(*range) + " at byte " + std::to_string(offset + i) +
                  " before it was written" + at_line(now.line)});
    }
    Access other{};
    const Access* found = note(cell, now, write, device, other);
    if (found && !raced) {
      raced = true;
      race(*range, offset + i, now, write, other, found == &cell.write);
    }
  }
  return true;
}

void Checker::race(const WatchedRange& range, size_t byte, const Access& now, bool write,
                   const Access& other, bool other_writes) {
  report({CheckReport::Kind::race, setting_.kernel, range.name, range.index,
          grid_position(now.thread), now.line, other.line, 1,
          "kernel '" + setting_.kernel + "': data race on " + named(range) + " at byte " +
              std::to_string(byte) + ": thread " + tuple(grid_position(now.thread)) +
              (write ? " writes" : " reads") + at_line(now.line) + ", thread " +
              tuple(grid_position(other.thread)) + (other_writes ? " wrote" : " read") +
              at_line(other.line) + ", and no barrier lies between"});
}

void Checker::out_of_bounds(const sm_lane& lane, const std::byte* data, uint64_t bytes, bool write,
                            const void* pc) {
  // What it was meant for: the memory whose nearest end is nearest.
  const WatchedRange* nearest = nullptr;
  std::ptrdiff_t nearest_offset = 0;
  uint64_t nearest_distance = ~uint64_t{0};
  const auto consider = [&](const WatchedRange& range, std::ptrdiff_t offset) {
    const auto size = static_cast<std::ptrdiff_t>(range.size);
    const uint64_t distance = offset < 0
                                  ? static_cast<uint64_t>(-offset)
                                  : static_cast<uint64_t>(std::max<std::ptrdiff_t>(
                                        0, offset + static_cast<std::ptrdiff_t>(bytes) - size));
    if (distance >= nearest_distance) return;
    nearest = &range, nearest_offset = offset, nearest_distance = distance;
  };
  const auto* threadgroup = reinterpret_cast<const std::byte*>(worker_->threadgroup_memory);
  for (const WatchedRange& range : setting_.threadgroup)
    consider(range, data - threadgroup - static_cast<std::ptrdiff_t>(range.offset));
  for (const WatchedRange& range : setting_.buffers) consider(range, data - range.data);

  const uint32_t line = line_of(lane, pc);
  const auto thread = grid_position(thread_number(lane));
  std::string message = "kernel '" + setting_.kernel + "': thread " + tuple(thread) +
                        (write ? " writes " : " reads ") + std::to_string(bytes) + " bytes ";
  if (nearest)
    message += "at offset " + std::to_string(nearest_offset) + " of " + named(*nearest) +
               ", which has " + std::to_string(nearest->size) + " bytes";
  else
    message += "outside of all its memory";
  report({CheckReport::Kind::out_of_bounds, setting_.kernel, nearest ? nearest->name : "",
          nearest ? nearest->index : -1, thread, line, 0, 1, message + at_line(line)});
}

void Checker::divergent_barrier(const sm_lane& lane, const std::string& what) {
  const auto thread = grid_position(thread_number(lane));
  report({CheckReport::Kind::divergent_barrier, setting_.kernel, "", -1, thread, 0, 0, 1,
          "kernel '" + setting_.kernel + "': " + what});
}

void Checker::report(CheckReport report) {
  const std::string key = std::to_string(static_cast<int>(report.kind)) + "|" + report.argument +
                          "|" + std::to_string(report.line) + "|" +
                          std::to_string(report.other_line);
  const auto [entry, fresh] = seen_.try_emplace(key, reports_.size());
  if (!fresh) {
    ++reports_[entry->second].count;
  } else if (reports_.size() < kMaxReports) {
    reports_.push_back(std::move(report));
  } else {
    seen_.erase(entry);
  }
}

}  // namespace softmetal
