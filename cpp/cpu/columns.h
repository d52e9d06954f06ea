// Blocks of columns that lie side by side.
#pragma once

#include <algorithm>
#include <memory>

#include "bitmetal/array.h"
#include "core/thread_pool.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"

namespace bitmetal::cpu {

// Of `in`, viewed as [outer, axis, inner], and the places of their partial results.
class Columns {
 public:
  Columns(const Array& in, int across)
      : in_(in),
        across(across),
        n(in.shape(1)),
        width(in.shape(across)),
        groups(in.shape(2 - across)),
        chunk_rows(std::max(kChunkRows, kChunkElements / std::max<int64_t>(width, 1))),
        chunks((n + chunk_rows - 1) / chunk_rows),
        results(groups * chunks * width),
        tile_(tile_of(width, groups * chunks)),
        tiles_((width + tile_ - 1) / tile_) {}

  // Calls body(first, rows, columns, at) for each block: `at` is the place of its partial results
  // among all of [groups, chunks, width].
  template <class Body>
  void each(Body&& body) const {
    const auto element = static_cast<int64_t>(size_of(in_.dtype()));
    const int64_t bytes = std::min(n, chunk_rows) * std::min(width, tile_) * element;
    parallel_for(groups * chunks * tiles_, grain_of(bytes), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = i % tiles_ * tile_, block = i / tiles_;
        const int64_t g = block / chunks, row = block % chunks * chunk_rows;
        const int64_t start = g * in_.stride(2 - across) + row * in_.stride(1) + first;
        body(in_.data() + start * element, std::min(chunk_rows, n - row),
             std::min(tile_, width - first), block * width + first);
      }
    });
  }

 private:
  // Columns of a task: 4 KiB or more of a row at a time, and fewer only for want of tasks.
  static constexpr int64_t kTile = 2048, kShortTile = 128;
  // Rows are cut into chunks whatever the number of threads: so many rows, or elements, at least,
  // that partial results are few beside them.
  static constexpr int64_t kChunkRows = 512, kChunkElements = 1 << 17;

  // Columns do not depend on each other: their results are the same for any number of threads.
  static int64_t tile_of(int64_t width, int64_t blocks) {
    int64_t tile = kTile;
    while (tile > kShortTile && blocks * ((width + tile - 1) / tile) < thread_count()) tile /= 2;
    return tile;
  }

  const Array& in_;

 public:
  const int across;  // the dimension that counts columns
  const int64_t n, width, groups, chunk_rows, chunks, results;

 private:
  const int64_t tile_, tiles_;
};

// The sums of e^x down each column of each group. `in` is of a floating type.
inline std::unique_ptr<ExponentialSum[]> column_sums(const Columns& columns, const Array& in) {
  const auto kernel = kernels().softmax.of(in.dtype()).column_sums;
  auto sums = std::make_unique_for_overwrite<ExponentialSum[]>(columns.results);
  columns.each([&](const std::byte* first, int64_t rows, int64_t width, int64_t at) {
    kernel(first, rows, in.stride(1), width, &sums[at]);
  });
  const int64_t width = columns.width;
  for (int64_t g = 0; g < columns.groups; ++g) {
    const ExponentialSum* chunk = &sums[g * columns.chunks * width];
    ExponentialSum* total = &sums[g * width];  // no later than what it is made of
    std::copy_n(chunk, width, total);
    for (int64_t i = width; i < columns.chunks * width; ++i) {
      total[i % width] = join_sums(total[i % width], chunk[i]);
    }
  }
  return sums;
}

}  // namespace bitmetal::cpu
