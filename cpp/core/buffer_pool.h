// Keeps the memory that arrays leave behind, so that the next array of about that size costs
// neither a system call nor page faults.
//
// Policy only: memory comes from and returns to a Backend. Sizes are rounded up to a bucket (a
// whole number of pages; eight buckets to a power of two, so at most 1/8 is wasted) and a block is
// reused for requests of its own bucket and kind of memory. What is kept is bounded in bytes and in
// objects, since a GPU driver runs out of object handles (Apple's at 499,000) long before small
// buffers fill the memory; past a bound the least recently used block goes first. Foreign memory
// never enters a pool.
//
// All members may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/backend.h"

namespace bitmetal {

struct PoolStats {
  size_t active_bytes = 0, active_blocks = 0;  // in use by arrays
  size_t cached_bytes = 0, cached_blocks = 0;  // kept for reuse
  size_t peak_bytes = 0;                       // most ever in use
  uint64_t hits = 0, misses = 0, evictions = 0;
  size_t limit_bytes = 0;        // bound on active + cached
  size_t cache_limit_bytes = 0;  // bound on cached
  size_t object_limit = 0;       // bound on active + cached blocks, past which none is cached
  size_t private_bytes = 0;      // of active + cached, what the device alone reaches
};

class BufferPool {
 public:
  explicit BufferPool(Backend& backend);
  ~BufferPool() { trim(0); }

  // At least `bytes` long. Throws OutOfMemory when the limit or the memory itself is exhausted even
  // with nothing cached.
  Block take(size_t bytes, Memory memory);
  void give_back(Block block);

  // Frees cached blocks, oldest first, until at most `keep` bytes are cached.
  void trim(size_t keep);
  void set_limit(size_t bytes);
  void set_cache_limit(size_t bytes);
  void set_object_limit(size_t blocks);
  PoolStats stats() const;
  void reset_peak();

  static size_t bucket_size(size_t bytes);

  // Held across fork(), so that the child finds the pool in one piece.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  using Age = std::list<Block>;  // cached blocks, oldest first
  // Blocks of one size, used as a stack: the last one returned is the warmest in the cache, the
  // oldest is at the front.
  using Bucket = std::deque<Age::iterator>;

  Bucket& bucket_of(size_t bytes, Memory memory) {
    return buckets_[static_cast<size_t>(memory)][bytes];
  }
  // Until at most so many bytes are cached, and no more blocks than the object limit leaves.
  void evict_until(size_t cached_bytes, std::vector<Block>& freed);
  void release(const std::vector<Block>& blocks);

  Backend& backend_;
  mutable std::mutex mutex_;
  std::unordered_map<size_t, Bucket> buckets_[2];  // by Memory
  Age by_age_;
  PoolStats stats_;
};

}  // namespace bitmetal
