#include "core/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bitmetal/error.h"
#include "core/machine.h"

namespace bitmetal {
namespace {

using Body = FunctionRef<void(int64_t, int64_t)>;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");  // x86's pause lasts about as long; yield is a no-op on most cores
#endif
}

constexpr int kMaxThreads = 4096;

// About 30 microseconds: the gap between two operations of a Python program.
constexpr int kSpins = 2000;

// True as soon as `ready` is, false when the spins are used up.
template <class Ready>
bool spin(Ready ready) {
  for (int i = 0; i < kSpins; ++i) {
    if (ready()) return true;
    pause();
  }
  return false;
}

// One parallel_for: a counter from which threads take the next range.
struct Job {
  Body body;
  int64_t n;
  int64_t step;
  std::atomic<int64_t> next{0};
  std::once_flag failed_once;
  std::exception_ptr error;

  void work() {
    for (;;) {
      const int64_t begin = next.fetch_add(step, std::memory_order_relaxed);
      if (begin >= n) return;
      try {
        body(begin, std::min(n, begin + step));
      } catch (...) {
        std::call_once(failed_once, [&] { error = std::current_exception(); });
        next.store(n, std::memory_order_relaxed);
      }
    }
  }
};

thread_local bool inside_task = false;

// Workers enter a job through a gate that its caller opens and, once its own share is done, closes:
// the caller waits for those inside, never for a worker that has yet to wake up (which takes 100
// microseconds on a busy or virtual machine). It has as many places as there are ranges for
// helpers: of 64 threads, a job of two ranges wakes one and lets one in.
class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { serve(); });
  }
  ~Pool() {
    stop_.store(true, std::memory_order_relaxed);
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  void run(Job& job, int64_t ranges) {
    const int workers = size() - 1;
    const int helpers = static_cast<int>(std::min<int64_t>(workers, ranges - 1));
    job_ = &job;
    gate_.store(helpers * kPlace, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_seq_cst);
    wake(std::min(helpers, sleepers_.load(std::memory_order_seq_cst)));
    inside_task = true;
    job.work();
    inside_task = false;
    gate_.fetch_and(kInside, std::memory_order_acquire);
    if (!spin([&] { return gate_.load(std::memory_order_acquire) == 0; })) {
      for (int g; (g = gate_.load(std::memory_order_acquire)) != 0;) gate_.wait(g);
    }
  }

 private:
  // The gate counts the workers inside, and above them the places left; none where it is closed.
  static constexpr int kPlace = 1 << 13, kInside = kPlace - 1;
  static_assert(kMaxThreads < kPlace);

  void wake(int count) {
    if (count == size() - 1) return epoch_.notify_all();
    for (; count > 0; --count) epoch_.notify_one();
  }
  bool enter() {
    int g = gate_.load(std::memory_order_relaxed);
    while (g >= kPlace) {
      if (gate_.compare_exchange_weak(g, g - kPlace + 1, std::memory_order_acquire)) return true;
    }
    return false;
  }
  void leave() {
    if (gate_.fetch_sub(1, std::memory_order_release) == 1) gate_.notify_one();
  }

  void serve() {
    inside_task = true;
    for (uint32_t seen = 0;;) {
      if (!spin([&] { return epoch_.load(std::memory_order_acquire) != seen; })) {
        sleepers_.fetch_add(1, std::memory_order_seq_cst);
        epoch_.wait(seen, std::memory_order_seq_cst);
        sleepers_.fetch_sub(1, std::memory_order_relaxed);
      }
      seen = epoch_.load(std::memory_order_acquire);
      if (stop_.load(std::memory_order_relaxed)) return;
      if (!enter()) continue;
      job_->work();
      leave();
    }
  }

  std::vector<std::thread> workers_;
  std::atomic<uint32_t> epoch_{0};
  std::atomic<int> gate_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  Job* job_ = nullptr;
};

int default_thread_count() {
  if (const char* text = std::getenv("BITMETAL_NUM_THREADS"); text && *text) {
    char* end;
    const long n = std::strtol(text, &end, 10);
    if (*end || n < 1 || n > kMaxThreads) {
      fail<ValueError>("BITMETAL_NUM_THREADS: '", text, "' is not a number from 1 to ",
                       kMaxThreads);
    }
    return static_cast<int>(n);
  }
  return processor_count();
}

// The pool and who may use it. Replaced as a whole in a forked child, where the threads are gone
// and the mutex may be held by one of them; what was there leaks, since nothing of it can be joined
// or unlocked.
struct State {
  std::mutex busy;
  std::atomic<int> count{0};  // 0: not decided yet
  Pool* pool = nullptr;
};
std::atomic<State*> current{nullptr};

State& state() {
  State* found = current.load(std::memory_order_acquire);
  if (found) return *found;
  auto* made = new State;
  if (current.compare_exchange_strong(found, made, std::memory_order_acq_rel)) {
    static std::once_flag once;
    std::call_once(once, [] {
      pthread_atfork(nullptr, nullptr, [] {
        auto* fresh = new State;
        if (State* old = current.load()) fresh->count = old->count.load();
        current.store(fresh);
      });
    });
    return *made;
  }
  delete made;
  return *found;
}

}  // namespace

int thread_count() {
  State& s = state();
  int n = s.count.load(std::memory_order_relaxed);
  if (n == 0) s.count.store(n = default_thread_count(), std::memory_order_relaxed);
  return n;
}

void set_thread_count(int count) {
  if (count < 0 || count > kMaxThreads) {
    fail<ValueError>("set_num_threads: count is ", count, ", expected 0 to ", kMaxThreads);
  }
  State& s = state();
  std::lock_guard lock(s.busy);
  delete std::exchange(s.pool, nullptr);
  s.count = count;
}

void parallel_for(int64_t n, int64_t grain, Body body) {
  if (n <= 0) return;
  const int threads = n > grain && !inside_task ? thread_count() : 1;
  if (threads == 1) return body(0, n);
  State& s = state();
  std::unique_lock lock(s.busy, std::try_to_lock);
  if (!lock) return body(0, n);
  if (!s.pool) s.pool = new Pool(threads);
  // Four ranges a thread even out threads of unequal speed without many trips to the counter.
  const int64_t ranges = std::min((n + grain - 1) / grain, int64_t{4} * s.pool->size());
  Job job{body, n, std::max(grain, (n + ranges - 1) / ranges), {}, {}, {}};
  s.pool->run(job, ranges);
  lock.unlock();
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace bitmetal
