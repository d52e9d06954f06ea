// The lines of a view [outer, axis, inner] along its axis, as runs of elements of one type.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "bitmetal/array.h"
#include "cpu/isa/kernels.h"
#include "cpu/scratch.h"
#include "cpu/transpose.h"

namespace bitmetal::cpu {

// Lines are worked through in tasks. A task is a chunk of one line or, where lines lie side by side
// in memory, of as many as a cache line is wide: those are transposed on their way.
class Lines {
 public:
  // Rows of a transposed chunk: 64 KiB, which an L2 holds beside what it was read from.
  static constexpr int64_t kSideChunk = 1024;
  static constexpr int64_t kSideBytes = 64;

  Lines(const Array& in, DType type)
      : in_(in),
        size_(size_of(in.dtype())),
        type_size_(size_of(type)),
        same_(type == in.dtype()),
        convert_(kernels().convert.of(in.dtype(), type)),
        outer_step_(in.shape(2)) {
    for (int dimension : {2, 0}) {
      const bool beside = in.stride(dimension) == 1 && in.shape(dimension) > 1;
      if (in.stride(1) != 1 && in.shape(1) > 1 && beside && across_ < 0) across_ = dimension;
    }
  }

  int64_t length() const { return in_.shape(1); }
  int64_t count() const { return in_.shape(0) * in_.shape(2); }
  bool side_by_side() const { return across_ >= 0; }
  int across() const { return across_; }  // the dimension that counts lines side by side

  // Where the first line begins, if every line is one run at the same distance from the last; else
  // null.
  const std::byte* rows() const {
    const bool apart = in_.shape(0) == 1 || in_.shape(2) == 1;
    return same_ && apart && chunks() == 1 && in_.stride(1) == 1 ? in_.data() : nullptr;
  }
  int64_t row_stride() const { return in_.stride(in_.shape(2) == 1 ? 0 : 2); }

  int64_t chunk_length() const { return side_by_side() ? kSideChunk : kChunk; }
  int64_t chunks() const { return (length() + chunk_length() - 1) / chunk_length(); }
  int64_t tasks() const { return groups() * tiles() * chunks(); }
  // Bytes that a task reads.
  int64_t task_bytes() const { return std::min(length(), chunk_length()) * size_ * width(); }

  // Calls body(line, begin, run, n) for each of the lines in a task; `run` is in place or in this
  // thread's scratch memory until the next call.
  template <class Body>
  void each(int64_t task, Body&& body) const {
    const int64_t begin = task % chunks() * chunk_length();
    const int64_t n = std::min(chunk_length(), length() - begin);
    const int64_t tile = task / chunks();
    if (!side_by_side()) return body(tile, begin, run(tile, begin, n), n);

    const int along = 2 - across_;
    const int64_t group = tile / tiles(), first = tile % tiles() * width();
    const int64_t lines = std::min(width(), in_.shape(across_) - first);
    const std::byte* from =
        in_.data() + (group * in_.stride(along) + begin * in_.stride(1) + first) * size_;
    std::byte* turned = scratch(Scratch::own, width() * n * (size_ + (same_ ? 0 : type_size_)));
    by_size(size_, [&](auto word) {
      transpose_block<decltype(word)>(from, in_.stride(1), n, lines, turned, n);
    });
    const std::byte* runs = turned;
    if (!same_) {
      std::byte* converted = turned + width() * n * size_;
      convert_(turned, converted, lines * n);
      runs = converted;
    }
    const int64_t step = across_ == 2 ? 1 : outer_step_;
    const int64_t start = group * (across_ == 2 ? outer_step_ : 1) + first * step;
    for (int64_t i = 0; i < lines; ++i) {
      body(start + i * step, begin, runs + i * n * type_size_, n);
    }
  }

  // n <= kChunk elements of a line.
  const std::byte* run(int64_t line, int64_t begin, int64_t n) const {
    const std::byte* from =
        in_.data() + (line / outer_step_ * in_.stride(0) + line % outer_step_ * in_.stride(2) +
                      begin * in_.stride(1)) *
                         size_;
    if (in_.stride(1) == 1 || n == 1) {
      if (same_) return from;
      std::byte* converted = scratch(Scratch::own, n * type_size_);
      convert_(from, converted, n);
      return converted;
    }
    const int64_t bytes = (n * size_ + kSideBytes - 1) / kSideBytes * kSideBytes;
    std::byte* gathered = scratch(Scratch::own, bytes + (same_ ? 0 : n * type_size_));
    kernels().move.of(size_)({from, in_.stride(1), gathered, 1, n});
    if (same_) return gathered;
    convert_(gathered, gathered + bytes, n);
    return gathered + bytes;
  }

 private:
  int64_t groups() const { return side_by_side() ? in_.shape(2 - across_) : count(); }
  int64_t width() const { return side_by_side() ? kSideBytes / size_ : 1; }
  int64_t tiles() const {
    return side_by_side() ? (in_.shape(across_) + width() - 1) / width() : 1;
  }

  const Array& in_;
  const int64_t size_, type_size_;
  const bool same_;
  const ConvertRun convert_;
  const int64_t outer_step_;
  int across_ = -1;
};

}  // namespace bitmetal::cpu
