// Steps over the elements of a walk.
#pragma once

#include "core/walk.h"

namespace bitmetal::cpu {

// Steps through dimensions [0, rank) of a walk in order, from any start.
class Position {
 public:
  Position(const Walk& walk, int rank, int64_t index)
      : walk_(walk), rank_(rank), in(walk.in_offset), out(walk.out_offset) {
    for (int i = rank - 1; i >= 0; --i) {
      at_[i] = index % walk.size[i];
      index /= walk.size[i];
      in += at_[i] * walk.in_stride[i];
      out += at_[i] * walk.out_stride[i];
    }
  }

  int64_t index(int axis) const { return at_[axis]; }

  void next() {
    for (int i = rank_ - 1; i >= 0; --i) {
      in += walk_.in_stride[i];
      out += walk_.out_stride[i];
      if (++at_[i] < walk_.size[i]) return;
      in -= walk_.size[i] * walk_.in_stride[i];
      out -= walk_.size[i] * walk_.out_stride[i];
      at_[i] = 0;
    }
  }

 private:
  const Walk& walk_;
  int rank_;
  int64_t at_[kMaxRank];

 public:
  int64_t in, out;  // offsets in elements
};

}  // namespace bitmetal::cpu
