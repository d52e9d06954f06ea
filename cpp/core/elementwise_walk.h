// The shape of an element-wise operation on several arrays, reduced to as few dimensions as their
// strides allow: what core/walk.h does for one input.
#pragma once

#include <span>

#include "bitmetal/elementwise.h"

namespace bitmetal {

// Dimensions of length 1 are gone, those that lie one after another in all arrays are merged, and
// the output's strides descend, all of them positive. Strides and offsets are in elements.
struct ElementwiseWalk {
  int rank = 0;
  int64_t size[kMaxRank];
  // Index 0 is the output, i + 1 is input i.
  int64_t stride[kMaxExpressionInputs + 1][kMaxRank];
  int64_t offset[kMaxExpressionInputs + 1];

  ElementwiseWalk(std::span<const Array> inputs, const Array& out)
      : arrays_(static_cast<int>(inputs.size()) + 1) {
    std::fill_n(offset, arrays_, 0);
    for (int axis = 0; axis < out.rank(); ++axis) {
      if (out.shape(axis) != 1) insert(inputs, out, axis);
    }
    merge();
  }

 private:
  void insert(std::span<const Array> inputs, const Array& out, int axis) {
    const int64_t length = out.shape(axis), step = out.stride(axis);
    int at = rank++;
    for (; at > 0 && stride[0][at - 1] < std::abs(step); --at) {
      size[at] = size[at - 1];
      for (int k = 0; k < arrays_; ++k) stride[k][at] = stride[k][at - 1];
    }
    size[at] = length;
    for (int k = 0; k < arrays_; ++k) {
      int64_t along = k == 0 ? step : inputs[k - 1].stride(axis);
      if (step < 0) {  // walked backwards, in all of them
        offset[k] += (length - 1) * along;
        along = -along;
      }
      stride[k][at] = along;
    }
  }

  void merge() {
    int kept = 0;
    for (int i = 1; i < rank; ++i) {
      bool joins = true;
      for (int k = 0; k < arrays_; ++k) joins &= stride[k][kept] == stride[k][i] * size[i];
      if (joins) {
        size[kept] *= size[i];
      } else {
        size[++kept] = size[i];
      }
      for (int k = 0; k < arrays_; ++k) stride[k][kept] = stride[k][i];
    }
    if (rank > 0) rank = kept + 1;
  }

  int arrays_;
};

}  // namespace bitmetal
