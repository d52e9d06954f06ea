#include "scheduler.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "checker.h"

namespace softmetal {
namespace {

// Orders two threads' places as the program's text does: the outermost difference decides.
int compare_places(const sm_lane& a, const sm_lane& b) {
  const uint32_t depth = std::min({a.depth, b.depth, uint32_t{SM_PATH_MAX}});
  for (uint32_t i = 0; i < depth; ++i)
    if (a.path[i] != b.path[i]) return a.path[i] < b.path[i] ? -1 : 1;
  const uint32_t next_a = depth < a.depth ? a.path[depth] : a.at;
  const uint32_t next_b = depth < b.depth ? b.path[depth] : b.at;
  if (next_a != next_b) return next_a < next_b ? -1 : 1;
  return a.depth == b.depth ? 0 : (a.depth < b.depth ? -1 : 1);
}

}  // namespace

uint64_t Random::next() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

const sm_runtime Scheduler::kRuntime = {
    runtime_simd,
    runtime_simdgroup_barrier,
    runtime_threadgroup_barrier,
    runtime_access,
    runtime_enter,
    runtime_leave,
};

Scheduler::Scheduler()
    : worker_(nullptr), lanes_(kMaxThreads), simdgroups_(kMaxThreads / SM_SIMD_WIDTH) {
  static_assert(StackArena::kSize == size_t{1} << SM_ARENA_LOG2);
  static_assert(StackArena::kMaxStacks >= kMaxThreads);
  static_assert(sizeof(sm_worker) + sizeof(Scheduler*) <= StackArena::kStackSize);
  worker_ = reinterpret_cast<sm_worker*>(arena_.base());
  worker_->runtime = &kRuntime;
  *reinterpret_cast<Scheduler**>(worker_ + 1) = this;
}

Scheduler& Scheduler::of(sm_worker* worker) { return **reinterpret_cast<Scheduler**>(worker + 1); }

bool Scheduler::run(const Job& job, const uint32_t group[3], std::string& error) {
  job_ = &job;
  error_ = &error;
  error.clear();
  lane_count_ = 1;
  uint64_t linear = 0;
  for (int i = 3; i-- > 0;) {
    const sm_launch& launch = *job.launch;
    worker_->group[i] = group[i];
    worker_->group_size[i] =
        std::min(launch.group_size[i], launch.grid[i] - group[i] * launch.group_size[i]);
    lane_count_ *= worker_->group_size[i];
    linear = linear * launch.groups[i] + group[i];
  }
  worker_->launch = job.launch;
  random_ = Random(job.options.seed * 0x2545f4914f6cdd1d + linear);

  // NaN in every floating-point type, and an index far outside: a read before the first write
  // shows.
  threadgroup_memory_.resize(job.threadgroup_bytes + 256);
  std::fill(threadgroup_memory_.begin(), threadgroup_memory_.end(), std::byte{0xff});
  const auto start = reinterpret_cast<uintptr_t>(threadgroup_memory_.data());
  worker_->threadgroup_memory = reinterpret_cast<uint8_t*>((start + 127) & ~uintptr_t{127});

  simdgroup_count_ = (lane_count_ + SM_SIMD_WIDTH - 1) / SM_SIMD_WIDTH;
  for (uint32_t i = 0; i < simdgroup_count_; ++i) {
    const uint32_t lanes = std::min<uint32_t>(SM_SIMD_WIDTH, lane_count_ - i * SM_SIMD_WIDTH);
    simdgroups_[i] = {lanes == SM_SIMD_WIDTH ? ~0u : (1u << lanes) - 1, 0, 0, 0, 0};
  }
  free_stacks_.clear();
  stacks_used_ = 0;
  simdgroup_ = 0;
  if (job.checker) job.checker->begin_group(*worker_, lane_count_);

  simdgroup_ = pick_simdgroup();
  const size_t first = next();
  if (first != kMain) switch_to(main_, first);
  return error.empty();
}

// The body of every stack: threads one after the other, as long as the next has not started.
void Scheduler::fiber_main(void* argument) {
  Context::arrived();
  auto& self = *static_cast<Scheduler*>(argument);
  for (;;) {
    const size_t lane = self.starting_;
    const size_t stack = self.lanes_[lane].stack;
    self.job_->entry(self.worker_);
    SimdGroup& group = self.simdgroups_[lane / SM_SIMD_WIDTH];
    group.finished |= 1u << lane % SM_SIMD_WIDTH;
    const size_t next = self.next();
    if (next != kMain && self.lanes_[next].stack == kMain) {
      self.begin_lane(next);
      self.lanes_[next].stack = stack;
      self.starting_ = next;
      continue;
    }
    self.free_stacks_.push_back(stack);
    Context abandoned;
    self.switch_to(abandoned, next);
  }
}

// The lane that goes on now; kMain when the threadgroup is finished or cannot be.
size_t Scheduler::next() {
  for (;;) {
    SimdGroup& group = simdgroups_[simdgroup_];
    const size_t base = simdgroup_ * SM_SIMD_WIDTH;
    if (const uint32_t can_run = group.fresh | group.ready) {
      const uint32_t lane = pick_lane(can_run);
      const uint32_t bit = 1u << lane;
      if (group.fresh & bit) lanes_[base + lane].stack = kMain;
      group.fresh &= ~bit;
      group.ready &= ~bit;
      return base + lane;
    }
    if (group.in_simd) {
      release_simd(group, base);
      // Elsewhere a SIMD-group would now be overtaken by another, so let the shuffled order do
      // that.
      if (job_->options.order == ExecutionOptions::Order::shuffled) simdgroup_ = pick_simdgroup();
      continue;
    }
    const size_t other = pick_simdgroup();
    if (other != kMain)
      simdgroup_ = other;
    else if (!release_barrier())
      return kMain;
  }
}

size_t Scheduler::pick_simdgroup() {
  const uint32_t n = simdgroup_count_;
  const auto order = job_->options.order;
  const uint32_t start = order == ExecutionOptions::Order::shuffled ? random_.below(n) : 0;
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t at = order == ExecutionOptions::Order::reverse ? n - 1 - i : (start + i) % n;
    if (simdgroups_[at].runs()) return at;
  }
  return kMain;
}

uint32_t Scheduler::pick_lane(uint32_t mask) {
  switch (job_->options.order) {
    case ExecutionOptions::Order::forward: break;
    case ExecutionOptions::Order::reverse:
      return 31 - static_cast<uint32_t>(std::countl_zero(mask));
    case ExecutionOptions::Order::shuffled:
      for (uint32_t skip = random_.below(static_cast<uint32_t>(std::popcount(mask))); skip > 0;
           --skip)
        mask &= mask - 1;
  }
  return static_cast<uint32_t>(std::countr_zero(mask));
}

// Every thread of the SIMD-group waits or is done: the operation at the first place can be carried
// out.
void Scheduler::release_simd(SimdGroup& group, size_t base) {
  uint32_t mask = 0;
  const Lane* first = nullptr;
  for (uint32_t rest = group.in_simd; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<uint32_t>(std::countr_zero(rest));
    const Lane& candidate = lanes_[base + lane];
    const int order = first ? compare_places(candidate, *first) : -1;
    if (order < 0) {
      first = &candidate;
      mask = 0;
    }
    if (order <= 0) mask |= 1u << lane;
  }
  group.in_simd &= ~mask;
  group.ready |= mask;
  if (first->combine) {
    void* values[SM_SIMD_WIDTH];
    for (uint32_t i = 0; i < SM_SIMD_WIDTH; ++i) values[i] = lanes_[base + i].value;
    first->combine(mask, values);
  } else if (job_->checker) {
    job_->checker->simdgroup_barrier(base / SM_SIMD_WIDTH);
  }
}

// True when all threads wait at a barrier and may go on.
bool Scheduler::release_barrier() {
  const Lane* waiting = nullptr;
  const Lane* elsewhere = nullptr;
  const Lane* gone = nullptr;
  for (uint32_t i = 0; i < lane_count_; ++i) {
    const SimdGroup& group = simdgroups_[i / SM_SIMD_WIDTH];
    const Lane& lane = lanes_[i];
    if (group.finished >> i % SM_SIMD_WIDTH & 1) {
      if (!gone) gone = &lane;
    } else if (!waiting) {
      waiting = &lane;
    } else if (!elsewhere && lane.at != waiting->at) {
      elsewhere = &lane;
    }
  }
  if (!waiting) return false;
  if (gone) {
    const auto place = [](const Lane& lane) {
      return "(" + std::to_string(lane.position[0]) + ", " + std::to_string(lane.position[1]) +
             ", " + std::to_string(lane.position[2]) + ")";
    };
    *error_ = "thread " + place(*waiting) + " waits at a threadgroup barrier that thread " +
              place(*gone) + " of its threadgroup never reaches";
    if (job_->checker) job_->checker->divergent_barrier(*waiting, *error_);
    return false;
  }
  if (job_->checker) {
    if (elsewhere)
      job_->checker->divergent_barrier(*elsewhere,
                                       "threads of one threadgroup wait at different barriers");
    job_->checker->threadgroup_barrier(barrier_flags_);
  }
  barrier_flags_ = 0;
  for (uint32_t i = 0; i < simdgroup_count_; ++i) {
    simdgroups_[i].ready = simdgroups_[i].at_barrier;
    simdgroups_[i].at_barrier = 0;
  }
  simdgroup_ = pick_simdgroup();
  return true;
}

void Scheduler::begin_lane(size_t index) {
  Lane& lane = lanes_[index];
  const uint32_t* size = worker_->group_size;
  const auto i = static_cast<uint32_t>(index);
  lane.index = i;
  lane.at = lane.depth = 0;
  if (lane_count_ == size[0]) {
    lane.position[0] = i;
    lane.position[1] = lane.position[2] = 0;
  } else {
    lane.position[0] = i % size[0];
    lane.position[1] = i / size[0] % size[1];
    lane.position[2] = i / size[0] / size[1];
  }
  worker_->lane = &lane;
}

void Scheduler::switch_to(Context& from, size_t index) {
  if (index == kMain) {
    Context::switch_to(from, main_);
    return;
  }
  Lane& lane = lanes_[index];
  if (lane.stack == kMain) {
    if (free_stacks_.empty()) free_stacks_.push_back(stacks_used_++);
    lane.stack = free_stacks_.back();
    free_stacks_.pop_back();
    const StackArena::Stack stack = arena_.stack(lane.stack);
    lane.context.start_at(stack.low, stack.top, &fiber_main, this);
    begin_lane(index);
    starting_ = index;
  }
  worker_->lane = &lane;
  Context::switch_to(from, lane.context);
}

void Scheduler::wait(size_t lane) {
  const size_t other = next();
  if (other != lane) switch_to(lanes_[lane].context, other);
}

void Scheduler::runtime_simd(sm_worker* worker, void* value, sm_combine combine) {
  Scheduler& self = of(worker);
  const uint32_t index = worker->lane->index;
  Lane& lane = self.lanes_[index];
  lane.value = value;
  lane.combine = combine;
  self.simdgroups_[index / SM_SIMD_WIDTH].in_simd |= 1u << index % SM_SIMD_WIDTH;
  self.wait(index);
}

void Scheduler::runtime_simdgroup_barrier(sm_worker* worker, uint32_t) {
  runtime_simd(worker, nullptr, nullptr);
}

void Scheduler::runtime_threadgroup_barrier(sm_worker* worker, uint32_t flags) {
  Scheduler& self = of(worker);
  const uint32_t index = worker->lane->index;
  self.barrier_flags_ |= flags;
  self.simdgroups_[index / SM_SIMD_WIDTH].at_barrier |= 1u << index % SM_SIMD_WIDTH;
  self.wait(index);
}

void Scheduler::runtime_access(sm_worker* worker, const void* data, uint64_t bytes, uint32_t kind,
                               const void* pc) {
  Scheduler& self = of(worker);
  Checker* checker = self.job_->checker;
  if (!checker || self.owns(data) || checker->access(*worker->lane, data, bytes, kind, pc)) return;
  *self.error_ = "out of bounds";
  self.switch_to(self.lanes_[worker->lane->index].context, kMain);
}

// True for what the standard library itself reads of abi.h's structures.
bool Scheduler::owns(const void* data) const {
  const auto inside = [data](const void* begin, size_t size) {
    return reinterpret_cast<uintptr_t>(data) - reinterpret_cast<uintptr_t>(begin) < size;
  };
  return inside(lanes_.data(), lanes_.size() * sizeof(Lane)) ||
         inside(job_->launch, sizeof *job_->launch) || inside(&kRuntime, sizeof kRuntime);
}

void Scheduler::runtime_enter(sm_worker* worker, const void* pc) {
  if (Checker* checker = of(worker).job_->checker) checker->enter(*worker->lane, pc);
}

void Scheduler::runtime_leave(sm_worker* worker) {
  if (Checker* checker = of(worker).job_->checker) checker->leave(*worker->lane);
}

}  // namespace softmetal
