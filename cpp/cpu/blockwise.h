// What the cpu device's blockwise operations share.
#pragma once

#include "bitmetal/blockwise.h"
#include "cpu/kernels/blockwise.h"

namespace bitmetal::cpu {

BlockLoader loader_of(const BlockwiseArray& q);

// A tensor's scales and biases in float32, whatever they are stored as.
class BlockScales {
 public:
  explicit BlockScales(const BlockwiseArray& q);

  // Floats that run() may write to `buffer` for so many blocks.
  int64_t buffer(int64_t blocks) const { return (own_scales_ + own_biases_) * blocks; }

  // The run of elements [first, first + count); see BlockRun for what `first` may be.
  BlockRun run(int64_t first, int64_t count, float* buffer) const;

 private:
  void read_scales(int64_t block, int64_t count, float* to) const;

  const BlockwiseArray& q_;
  const int64_t bits_;
  const bool own_scales_, own_biases_;  // what is not stored as float32
};

}  // namespace bitmetal::cpu
