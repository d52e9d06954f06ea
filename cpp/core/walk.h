// The shape of an element-by-element operation on two arrays, reduced to as few dimensions as their
// strides allow.
#pragma once

#include "bitmetal/array.h"

namespace bitmetal {

// Dimensions of length 1 are gone, those that lie one after another in both arrays are merged, and
// the output's strides descend, all of them positive: the last dimension is the best one to write
// along. Strides are in elements.
struct Walk {
  int rank = 0;
  int64_t size[kMaxRank];
  int64_t in_stride[kMaxRank];
  int64_t out_stride[kMaxRank];
  int64_t in_offset = 0, out_offset = 0;  // where the walk starts

  Walk(const Array& in, const Array& out) {
    for (int axis = 0; axis < out.rank(); ++axis) {
      if (out.shape(axis) != 1) insert(out.shape(axis), in.stride(axis), out.stride(axis));
    }
    merge();
  }

  // The number of elements in dimensions [0, last).
  int64_t count(int last) const {
    int64_t n = 1;
    for (int i = 0; i < last; ++i) n *= size[i];
    return n;
  }

 private:
  void insert(int64_t length, int64_t in, int64_t out) {
    if (out < 0) {
      in_offset += (length - 1) * in;
      out_offset += (length - 1) * out;
      in = -in;
      out = -out;
    }
    int at = rank++;
    for (; at > 0 && out_stride[at - 1] < out; --at) {
      size[at] = size[at - 1];
      in_stride[at] = in_stride[at - 1];
      out_stride[at] = out_stride[at - 1];
    }
    size[at] = length;
    in_stride[at] = in;
    out_stride[at] = out;
  }

  void merge() {
    int kept = 0;
    for (int i = 1; i < rank; ++i) {
      if (in_stride[kept] == in_stride[i] * size[i] &&
          out_stride[kept] == out_stride[i] * size[i]) {
        size[kept] *= size[i];
      } else {
        size[++kept] = size[i];
      }
      in_stride[kept] = in_stride[i];
      out_stride[kept] = out_stride[i];
    }
    if (rank > 0) rank = kept + 1;
  }
};

}  // namespace bitmetal
