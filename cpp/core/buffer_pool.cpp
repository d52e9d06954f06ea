#include "core/buffer_pool.h"

#include <bit>

#include "core/machine.h"

namespace bitmetal {
namespace {

// Half of the driver limit that Apple documents by failing at it; the rest belongs to the program.
constexpr size_t kObjectLimit = 499000 / 2;

}  // namespace

BufferPool::BufferPool(Backend& backend) : backend_(backend), object_limit_(kObjectLimit) {
  stats_.limit_bytes = backend.memory();
  // An eighth keeps a model's temporaries warm and leaves a laptop usable.
  stats_.cache_limit_bytes = backend.memory() / 8;
}

size_t BufferPool::bucket_size(size_t bytes) {
  const size_t page = page_size();
  if (bytes <= page) return page;
  const size_t step = std::max(page, std::bit_floor(bytes - 1) / 8);
  return (bytes + step - 1) / step * step;
}

Block BufferPool::take(size_t bytes) {
  const size_t size = bucket_size(bytes);
  std::vector<Block> evicted;
  {
    std::lock_guard lock(mutex_);
    auto bucket = buckets_.find(size);
    if (bucket != buckets_.end() && !bucket->second.empty()) {
      const Age::iterator top = bucket->second.back();
      const Block block = *top;
      by_age_.erase(top);
      bucket->second.pop_back();
      ++stats_.hits;
      stats_.cached_bytes -= size;
      --stats_.cached_blocks;
      stats_.active_bytes += size;
      ++stats_.active_blocks;
      stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.active_bytes);
      return block;
    }
    if (size > stats_.limit_bytes || stats_.active_bytes > stats_.limit_bytes - size) {
      fail<OutOfMemory>("memory: ", bytes, " bytes asked for, ", stats_.active_bytes,
                        " in use, the limit is ", stats_.limit_bytes);
    }
    ++stats_.misses;
    evict_until(stats_.limit_bytes - size - stats_.active_bytes, object_limit_, evicted);
    stats_.active_bytes += size;
    ++stats_.active_blocks;
  }
  release(evicted);
  Block block = backend_.allocate(size);
  if (!block.data) {
    backend_.drain();
    trim(0);
    block = backend_.allocate(size);
  }
  std::lock_guard lock(mutex_);
  if (!block.data) {
    stats_.active_bytes -= size;
    --stats_.active_blocks;
    fail<OutOfMemory>("memory: the system has no ", bytes, " bytes left (", stats_.active_bytes,
                      " in use)");
  }
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.active_bytes);
  return block;
}

void BufferPool::give_back(Block block) {
  std::vector<Block> evicted;
  {
    std::lock_guard lock(mutex_);
    stats_.active_bytes -= block.bytes;
    --stats_.active_blocks;
    buckets_[block.bytes].push_back(by_age_.insert(by_age_.end(), block));
    stats_.cached_bytes += block.bytes;
    ++stats_.cached_blocks;
    const size_t room = stats_.limit_bytes - std::min(stats_.limit_bytes, stats_.active_bytes);
    evict_until(std::min(stats_.cache_limit_bytes, room), object_limit_, evicted);
  }
  release(evicted);
}

void BufferPool::evict_until(size_t cached_bytes, size_t cached_blocks, std::vector<Block>& freed) {
  while (stats_.cached_bytes > cached_bytes || stats_.cached_blocks > cached_blocks) {
    const Block block = by_age_.front();
    by_age_.pop_front();
    buckets_[block.bytes].pop_front();
    stats_.cached_bytes -= block.bytes;
    --stats_.cached_blocks;
    ++stats_.evictions;
    freed.push_back(block);
  }
}

void BufferPool::release(const std::vector<Block>& blocks) {
  for (Block block : blocks) backend_.release(block);
}

void BufferPool::trim(size_t keep) {
  std::vector<Block> freed;
  {
    std::lock_guard lock(mutex_);
    evict_until(keep, object_limit_, freed);
  }
  release(freed);
}

void BufferPool::set_limit(size_t bytes) {
  std::vector<Block> freed;
  {
    std::lock_guard lock(mutex_);
    stats_.limit_bytes = bytes;
    evict_until(bytes - std::min(bytes, stats_.active_bytes), object_limit_, freed);
  }
  release(freed);
}

void BufferPool::set_cache_limit(size_t bytes) {
  {
    std::lock_guard lock(mutex_);
    stats_.cache_limit_bytes = bytes;
  }
  trim(bytes);
}

void BufferPool::set_object_limit(size_t blocks) {
  std::vector<Block> freed;
  {
    std::lock_guard lock(mutex_);
    object_limit_ = blocks;
    evict_until(stats_.cached_bytes, blocks, freed);
  }
  release(freed);
}

PoolStats BufferPool::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void BufferPool::reset_peak() {
  std::lock_guard lock(mutex_);
  stats_.peak_bytes = stats_.active_bytes;
}

}  // namespace bitmetal
