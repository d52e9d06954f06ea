// Owns a heap copy of a block.
#pragma once

#include <Block.h>

#include <utility>

namespace softmetal {

template <class Block>
class BlockRef {
 public:
  explicit BlockRef(Block block) : block_(Block_copy(block)) {}
  BlockRef(const BlockRef& other) : block_(Block_copy(other.block_)) {}
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BlockRef() {
    if (block_ != nullptr) Block_release(block_);
  }

  Block get() const { return block_; }

 private:
  Block block_;
};

}  // namespace softmetal
