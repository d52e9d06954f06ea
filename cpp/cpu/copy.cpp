#include <cstdlib>
#include <utility>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/stream.h"
#include "cpu/transpose.h"
#include "cpu/walk.h"

namespace bitmetal::cpu {
namespace {

constexpr int64_t kBlock = 512;  // elements on their way through L1: 4 KiB at most
// A transposed tile has kTile of the input's neighbours; of the output's 64, or so many that they
// fill four cache lines.
constexpr int64_t kTile = 64;
constexpr int64_t kTileBytes = 256;
// Rows that are moved together fill an L1's third, of long ones a few.
constexpr int64_t kBlockBytes = 16 << 10, kMinRows = 16;

class Copier {
 public:
  Copier(const Array& in, const Array& out)
      : walk_(in, out),
        in_(in.data()),
        out_(out.data()),
        in_size_(size_of(in.dtype())),
        out_size_(size_of(out.dtype())),
        same_(in.dtype() == out.dtype()),
        streams_(out.bytes() >= kStreamBytes),
        convert_(kernels().convert.of(in.dtype(), out.dtype())),
        gather_(kernels().move.of(in_size_)),
        scatter_(kernels().move.of(out_size_)) {}

  void run() const {
    const int last = walk_.rank - 1;
    if (walk_.rank == 0) {
      convert_(in(walk_.in_offset), out(walk_.out_offset), 1);
    } else if (walk_.out_stride[last] != 1) {
      rows();
    } else if (walk_.in_stride[last] == 1) {
      walk_.rank == 1 ? whole() : rows();
    } else {
      // The dimension along which the input runs.
      int along = last;
      while (along >= 0 && walk_.in_stride[along] != 1) --along;
      along >= 0 ? tiles(along) : rows();
    }
  }

 private:
  const std::byte* in(int64_t offset) const { return in_ + offset * in_size_; }
  std::byte* out(int64_t offset) const { return out_ + offset * out_size_; }

  // Contiguous on both sides.
  void whole() const {
    const std::byte* from = in(walk_.in_offset);
    std::byte* to = out(walk_.out_offset);
    parallel_for(walk_.size[0], grain_of(in_size_ + out_size_), [&](int64_t begin, int64_t end) {
      const std::byte* source = from + begin * in_size_;
      std::byte* target = to + begin * out_size_;
      if (!streams_) return convert_(source, target, end - begin);
      if (same_) {
        stream(target, source, (end - begin) * out_size_);
        return stream_fence();
      }
      alignas(64) std::byte block[kBlock * 8];
      for (int64_t i = begin; i < end; i += kBlock) {
        const int64_t n = std::min(kBlock, end - i);
        convert_(from + i * in_size_, block, n);
        stream(to + i * out_size_, block, n * out_size_);
      }
      stream_fence();
    });
  }

  // Row by row along the last dimension, which may have any strides.
  void rows() const {
    const int last = walk_.rank - 1;
    const int64_t length = walk_.size[last];
    const int64_t bytes = length * (in_size_ + out_size_);
    if (walk_.rank == 1) {
      return parallel_for(length, grain_of(in_size_ + out_size_), [&](int64_t begin, int64_t end) {
        row(in(walk_.in_offset + begin * walk_.in_stride[0]),
            out(walk_.out_offset + begin * walk_.out_stride[0]), end - begin);
      });
    }
    if (same_) return moves(length);
    parallel_for(walk_.count(last), grain_of(bytes), [&](int64_t begin, int64_t end) {
      Position at(walk_, last, begin);
      for (int64_t i = begin; i < end; ++i, at.next()) row(in(at.in), out(at.out), length);
    });
  }

  // Without conversion: a block of neighbours of the output at a time, and before others of the
  // output those that are near in the input.
  void moves(int64_t length) const {
    const int last = walk_.rank - 1, beside = last - 1;
    int near = beside;
    for (int axis = 0; axis < last; ++axis) {
      if (std::abs(walk_.in_stride[axis]) < std::abs(walk_.in_stride[near])) near = axis;
    }
    const int64_t size = length * out_size_;
    const int64_t block = std::max(near == beside ? 1 : kMinRows, kBlockBytes / size);
    const int64_t in_stride = walk_.in_stride[last], out_stride = walk_.out_stride[last];
    const int64_t in_step = walk_.in_stride[beside], out_step = walk_.out_stride[beside];
    const Walk outer = in_tiles(beside, block, near, 1);
    const bool streams = streams_ && size >= kTileBytes && in_stride == 1 && out_stride == 1;
    parallel_for(outer.count(last), grain_of(2 * block * size), [&](int64_t begin, int64_t end) {
      Position at(outer, last, begin);
      for (int64_t i = begin; i < end; ++i, at.next()) {
        const int64_t count = std::min(block, walk_.size[beside] - at.index(near) * block);
        if (!streams) {
          gather_(
              {in(at.in), in_stride, out(at.out), out_stride, length, count, in_step, out_step});
          continue;
        }
        for (int64_t r = 0; r < count; ++r) {
          stream(out(at.out + r * out_step), in(at.in + r * in_step), size);
        }
      }
      if (streams) stream_fence();
    });
  }

  // The walk with blocks in place of elements of two dimensions, which change places: `first` is
  // where `second` was.
  Walk in_tiles(int first, int64_t first_block, int second, int64_t second_block) const {
    Walk outer = walk_;
    for (const auto& [axis, block] : {std::pair{first, first_block}, {second, second_block}}) {
      if (block == 1) continue;
      outer.size[axis] = (walk_.size[axis] + block - 1) / block;
      outer.in_stride[axis] *= block;
      outer.out_stride[axis] *= block;
    }
    std::swap(outer.size[first], outer.size[second]);
    std::swap(outer.in_stride[first], outer.in_stride[second]);
    std::swap(outer.out_stride[first], outer.out_stride[second]);
    return outer;
  }

  void row(const std::byte* from, std::byte* to, int64_t n) const {
    const int64_t in_stride = walk_.in_stride[walk_.rank - 1];
    const int64_t out_stride = walk_.out_stride[walk_.rank - 1];
    if (same_) return gather_({from, in_stride, to, out_stride, n});
    if (in_stride == 1 && out_stride == 1) return convert_(from, to, n);
    alignas(64) std::byte gathered[kBlock * 8], converted[kBlock * 8];
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t count = std::min(kBlock, n - i);
      const std::byte* source = from + i * in_stride * in_size_;
      std::byte* target = to + i * out_stride * out_size_;
      if (in_stride != 1) {
        gather_({source, in_stride, gathered, 1, count});
        source = gathered;
      }
      if (out_stride == 1) {
        convert_(source, target, count);
      } else {
        convert_(source, converted, count);
        scatter_({converted, 1, target, out_stride, count});
      }
    }
  }

  // The output runs along the last dimension, the input along another: tile by tile of the two, and
  // first along the input, where what comes next is fetched ahead.
  void tiles(int along) const {
    const int last = walk_.rank - 1;
    const int64_t rows = std::max(kTile, kTileBytes / in_size_), columns = kTile;
    const Walk outer = in_tiles(along, columns, last, rows);
    parallel_for(outer.count(outer.rank), grain_of(rows * columns * (in_size_ + out_size_)),
                 [&](int64_t begin, int64_t end) {
                   Position at(outer, outer.rank, begin);
                   for (int64_t i = begin; i < end; ++i, at.next()) {
                     tile(in(at.in), out(at.out), along,
                          std::min(columns, walk_.size[along] - at.index(last) * columns),
                          std::min(rows, walk_.size[last] - at.index(along) * rows));
                   }
                   if (streams_) stream_fence();
                 });
  }

  // `columns` elements follow one another in the input, `rows` in the output.
  void tile(const std::byte* from, std::byte* to, int along, int64_t columns, int64_t rows) const {
    const int64_t in_stride = walk_.in_stride[walk_.rank - 1], out_stride = walk_.out_stride[along];
    by_size(in_size_, [&](auto word) {
      using Word = decltype(word);
      if (same_ && !streams_) {
        return transpose_block<Word>(from, in_stride, rows, columns, to, out_stride);
      }
      constexpr int64_t kRows = std::max<int64_t>(kTile, kTileBytes / sizeof(Word));
      alignas(64) Word turned[kTile * kRows];
      alignas(64) std::byte converted[kRows * 8];
      turn_rows<Word>(from, in_stride, rows, columns, turned, kRows);
      for (int64_t j = 0; j < columns; ++j) {
        std::byte* target = to + j * out_stride * out_size_;
        const void* result = turned + j * kRows;
        if (!same_) {
          convert_(result, streams_ ? converted : target, rows);
          result = converted;
        }
        if (streams_) stream(target, result, rows * out_size_);
      }
    });
  }

  const Walk walk_;
  const std::byte* const in_;
  std::byte* const out_;
  const int64_t in_size_, out_size_;
  const bool same_, streams_;
  const ConvertRun convert_;
  void (*const gather_)(const Moves&);
  void (*const scatter_)(const Moves&);
};

}  // namespace

void CpuBackend::copy(const Array& in, const Array& out) { Copier(in, out).run(); }

}  // namespace bitmetal::cpu
