#include "workers.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "scheduler.h"

namespace softmetal {
namespace {

struct Work {
  Work(uint64_t n, const std::function<bool(Scheduler&, uint64_t)>& f)
      : count(n), chunk(std::max<uint64_t>(1, n / 512)), body(f) {}

  const uint64_t count;
  const uint64_t
      chunk;  // groups claimed at once: small enough to balance, large enough to be cheap
  const std::function<bool(Scheduler&, uint64_t)>& body;
  std::atomic<uint64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::exception_ptr failure;

  void run(Scheduler& scheduler) noexcept {
    try {
      while (!stop.load(std::memory_order_relaxed)) {
        const uint64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
        if (begin >= count) return;
        const uint64_t end = std::min(count, begin + chunk);
        for (uint64_t i = begin; i < end; ++i)
          if (!body(scheduler, i)) stop.store(true, std::memory_order_relaxed);
      }
    } catch (...) {
      stop.store(true, std::memory_order_relaxed);
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  }
};

// Threads that sleep until a Work is offered. One Work at a time; a second caller does its own
// alone.
class Pool {
 public:
  void run(Work& work, unsigned threads) {
    std::unique_ptr<Scheduler> own = take_scheduler();
    const bool alone = threads <= 1 || !offer_lock_.try_lock();
    if (!alone) {
      {
        const std::lock_guard lock(mutex_);
        while (threads_ + 1 < threads) {
          try {
            std::thread([this] { serve(); }).detach();
          } catch (const std::system_error&) {
            break;  // fewer will do
          }
          ++threads_;
        }
        work_ = &work;
        wanted_ = threads - 1;
        ++generation_;
      }
      offered_.notify_all();
    }
    work.run(*own);
    if (!alone) {
      std::unique_lock lock(mutex_);
      work_ = nullptr;
      done_.wait(lock, [&] { return active_ == 0; });
      lock.unlock();
      offer_lock_.unlock();
    }
    give_scheduler(std::move(own));
    if (work.failure) std::rethrow_exception(work.failure);
  }

 private:
  // Callers come and go (a thread per command buffer, say): their arenas are kept for the next.
  std::unique_ptr<Scheduler> take_scheduler() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Scheduler> scheduler = std::move(idle_.back());
        idle_.pop_back();
        return scheduler;
      }
    }
    return std::make_unique<Scheduler>();
  }

  void give_scheduler(std::unique_ptr<Scheduler> scheduler) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < 4) idle_.push_back(std::move(scheduler));
  }

  void serve() {
    std::unique_ptr<Scheduler> own;
    uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
      offered_.wait(lock, [&] { return work_ && generation_ != seen && active_ < wanted_; });
      seen = generation_;
      Work& work = *work_;
      ++active_;
      lock.unlock();
      try {
        if (!own) own = std::make_unique<Scheduler>();
        work.run(*own);
      } catch (const std::bad_alloc&) {
        // No arena for this thread: the others do its share.
      }
      lock.lock();
      if (--active_ == 0) done_.notify_all();
    }
  }

  std::mutex offer_lock_;
  std::mutex mutex_;
  std::condition_variable offered_, done_;
  Work* work_ = nullptr;
  uint64_t generation_ = 0;
  unsigned threads_ = 0, active_ = 0, wanted_ = 0;
  std::vector<std::unique_ptr<Scheduler>> idle_;
};

std::atomic<Pool*> g_pool{nullptr};

// The threads of the parent do not exist in a forked child, and its locks may be held by one of
// them: the child leaves that pool behind and makes its own at need. Never destroyed: its threads
// do not end.
Pool& pool() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { g_pool.store(nullptr); });
  (void)registered;
  Pool* current = g_pool.load(std::memory_order_acquire);
  if (current) return *current;
  auto fresh = std::make_unique<Pool>();
  if (g_pool.compare_exchange_strong(current, fresh.get())) return *fresh.release();
  return *current;
}

}  // namespace

void for_each_group(uint64_t count, unsigned threads,
                    const std::function<bool(Scheduler&, uint64_t)>& body) {
  Work work(count, body);
  pool().run(work, static_cast<unsigned>(std::min<uint64_t>(threads, count)));
}

unsigned default_threads() {
  static const unsigned count = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return static_cast<unsigned>(std::clamp(allowed, 1, 64));
  }();
  return count;
}

}  // namespace softmetal
