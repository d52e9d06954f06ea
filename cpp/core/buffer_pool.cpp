#include "core/buffer_pool.h"

#include <bit>

#include "core/machine.h"

namespace bitmetal {
namespace {

// Half of the driver limit that Apple documents by failing at it; the rest belongs to the program.
constexpr size_t kObjectLimit = 499000 / 2;

}  // namespace

BufferPool::BufferPool(Backend& backend) : backend_(backend) {
  stats_.limit_bytes = backend.memory();
  // An eighth keeps a model's temporaries warm and leaves a laptop usable.
  stats_.cache_limit_bytes = backend.memory() / 8;
  stats_.object_limit = kObjectLimit;
}

size_t BufferPool::bucket_size(size_t bytes) {
  const size_t page = page_size();
  if (bytes <= page) return page;
  const size_t step = std::max(page, std::bit_floor(bytes - 1) / 8);
  return (bytes + step - 1) / step * step;
}

Block BufferPool::take(size_t bytes, Memory memory) {
  const size_t size = bucket_size(bytes);
  std::vector<Block> evicted;
  {
    std::lock_guard lock(mutex_);
    if (Bucket& bucket = bucket_of(size, memory); !bucket.empty()) {
      const Age::iterator top = bucket.back();
      const Block block = *top;
      by_age_.erase(top);
      bucket.pop_back();
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
    ++stats_.active_blocks;
    evict_until(stats_.limit_bytes - size - stats_.active_bytes, evicted);
    stats_.active_bytes += size;
    if (memory == Memory::device) stats_.private_bytes += size;
  }
  release(evicted);
  Block block = backend_.allocate(size, memory);
  if (!block.data) {
    backend_.drain();
    trim(0);
    block = backend_.allocate(size, memory);
  }
  std::lock_guard lock(mutex_);
  if (!block.data) {
    stats_.active_bytes -= size;
    --stats_.active_blocks;
    if (memory == Memory::device) stats_.private_bytes -= size;
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
    bucket_of(block.bytes, block.memory).push_back(by_age_.insert(by_age_.end(), block));
    stats_.cached_bytes += block.bytes;
    ++stats_.cached_blocks;
    const size_t room = stats_.limit_bytes - std::min(stats_.limit_bytes, stats_.active_bytes);
    evict_until(std::min(stats_.cache_limit_bytes, room), evicted);
  }
  release(evicted);
}

void BufferPool::evict_until(size_t cached_bytes, std::vector<Block>& freed) {
  const size_t cached_blocks =
      stats_.object_limit - std::min(stats_.object_limit, stats_.active_blocks);
  while (stats_.cached_bytes > cached_bytes || stats_.cached_blocks > cached_blocks) {
    const Block block = by_age_.front();
    by_age_.pop_front();
    bucket_of(block.bytes, block.memory).pop_front();
    stats_.cached_bytes -= block.bytes;
    --stats_.cached_blocks;
    ++stats_.evictions;
    if (block.memory == Memory::device) stats_.private_bytes -= block.bytes;
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
    evict_until(keep, freed);
  }
  release(freed);
}

void BufferPool::set_limit(size_t bytes) {
  std::vector<Block> freed;
  {
    std::lock_guard lock(mutex_);
    stats_.limit_bytes = bytes;
    evict_until(bytes - std::min(bytes, stats_.active_bytes), freed);
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
    stats_.object_limit = blocks;
    evict_until(stats_.cached_bytes, freed);
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
