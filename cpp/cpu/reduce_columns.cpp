#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "core/thread_pool.h"
#include "cpu/grain.h"
#include "cpu/reduce.h"

namespace bitmetal::cpu {
namespace {

// Columns of a task: 4 KiB or more of a row at a time, and fewer only for want of tasks.
constexpr int64_t kTile = 2048, kShortTile = 128;
// Rows are cut into chunks whatever the number of threads: so many rows, or elements, at least,
// that partial results are few beside them.
constexpr int64_t kChunkRows = 512, kChunkElements = 1 << 17;

// Blocks of columns of `in`, and where their results go.
class Columns {
 public:
  Columns(const Array& in, int across)
      : in_(in),
        across_(across),
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
        const int64_t start = g * in_.stride(2 - across_) + row * in_.stride(1) + first;
        body(in_.data() + start * element, std::min(chunk_rows, n - row),
             std::min(tile_, width - first), block * width + first);
      }
    });
  }

  // Results of a group's columns to the output: neighbours of columns are neighbours there where
  // they are counted by the last dimension.
  template <class T>
  void write(const ResultWriter& out, int64_t group, const T* values) const {
    if (across_ == 2) return out.write(group * width, values, width);
    for (int64_t c = 0; c < width; ++c) out.write(c * groups + group, values[c]);
  }
  void write_bytes(const ResultWriter& out, int64_t group, const std::byte* values) const {
    const size_t size = size_of(in_.dtype());
    if (across_ == 2) {
      std::memcpy(out.at(group * width), values, width * size);
      return;
    }
    for (int64_t c = 0; c < width; ++c) {
      std::memcpy(out.at(c * groups + group), values + c * size, size);
    }
  }

 private:
  // Columns do not depend on each other: their results are the same for any number of threads.
  static int64_t tile_of(int64_t width, int64_t blocks) {
    int64_t tile = kTile;
    while (tile > kShortTile && blocks * ((width + tile - 1) / tile) < thread_count()) tile /= 2;
    return tile;
  }

  const Array& in_;
  const int across_;

 public:
  const int64_t n, width, groups, chunk_rows, chunks, results;

 private:
  const int64_t tile_, tiles_;
};

ColumnFold fold_of(Reduction op) {
  switch (op) {
    case Reduction::prod: return ColumnFold::product;
    case Reduction::norm1: return ColumnFold::magnitudes;
    case Reduction::norm2: return ColumnFold::squares;
    case Reduction::all:
    case Reduction::any:
    case Reduction::count_nonzero: return ColumnFold::nonzero;
    default: return ColumnFold::sum;
  }
}

void finish(Reduction op, bool floating, int64_t n, std::span<Sum> totals) {
  switch (op) {
    case Reduction::mean:
      for (Sum& t : totals) {
        t.real = (floating ? t.real : static_cast<double>(t.integer)) / static_cast<double>(n);
      }
      break;
    case Reduction::norm2:
      for (Sum& t : totals) t.real = std::sqrt(t.real);
      break;
    case Reduction::any:
      for (Sum& t : totals) t.integer = t.integer > 0;
      break;
    case Reduction::all:
      for (Sum& t : totals) t.integer = t.integer == n;
      break;
    default: break;
  }
}

void totals(Reduction op, const Columns& columns, const Array& in, const ResultWriter& out) {
  const ReduceTypeKernels& kernels = cpu::kernels().reduce.of(in.dtype());
  const ColumnFold fold = fold_of(op);
  const bool floating = is_floating(in.dtype()) && fold != ColumnFold::nonzero;
  const auto partial = std::make_unique_for_overwrite<Sum[]>(columns.results);
  columns.each([&](const std::byte* first, int64_t rows, int64_t width, int64_t at) {
    kernels.fold_columns(fold, first, rows, in.stride(1), width, &partial[at]);
  });
  for (int64_t g = 0; g < columns.groups; ++g) {
    Sum* total = &partial[g * columns.chunks * columns.width];
    for (int64_t i = columns.width; i < columns.chunks * columns.width; ++i) {
      join_totals(fold, floating, total[i % columns.width], total[i]);
    }
    finish(op, floating, columns.n, {total, static_cast<size_t>(columns.width)});
    if (floating || op == Reduction::mean) {
      columns.write(out, g, &total->real);
    } else {
      columns.write(out, g, &total->integer);
    }
  }
}

void best(bool least, const Columns& columns, const Array& in, const ResultWriter& out) {
  const ReduceTypeKernels& kernels = cpu::kernels().reduce.of(in.dtype());
  const auto size = static_cast<int64_t>(size_of(in.dtype()));
  const auto partial = std::make_unique_for_overwrite<std::byte[]>(columns.results * size);
  columns.each([&](const std::byte* first, int64_t rows, int64_t width, int64_t at) {
    kernels.best_columns(first, rows, in.stride(1), width, least, &partial[at * size]);
  });
  for (int64_t g = 0; g < columns.groups; ++g) {
    std::byte* of_group = &partial[g * columns.chunks * columns.width * size];
    kernels.best_columns(of_group, columns.chunks, columns.width, columns.width, least, of_group);
    columns.write_bytes(out, g, of_group);
  }
}

void find_best(bool least, const Columns& columns, const Array& in, const ResultWriter& out) {
  const ReduceTypeKernels& kernels = cpu::kernels().reduce.of(in.dtype());
  const auto size = static_cast<int64_t>(size_of(in.dtype()));
  const auto partial = std::make_unique_for_overwrite<std::byte[]>(columns.results * size);
  const auto where = std::make_unique_for_overwrite<int32_t[]>(columns.results);
  columns.each([&](const std::byte* first, int64_t rows, int64_t width, int64_t at) {
    kernels.find_columns(first, rows, in.stride(1), width, least, &partial[at * size], &where[at]);
  });
  std::vector<int32_t> chunk(columns.width);
  std::vector<int64_t> index(columns.width);
  for (int64_t g = 0; g < columns.groups; ++g) {
    const int64_t first = g * columns.chunks * columns.width;
    std::byte* of_group = &partial[first * size];
    kernels.find_columns(of_group, columns.chunks, columns.width, columns.width, least, of_group,
                         chunk.data());
    for (int64_t c = 0; c < columns.width; ++c) {
      index[c] = chunk[c] * columns.chunk_rows + where[first + chunk[c] * columns.width + c];
    }
    columns.write(out, g, index.data());
  }
}

void variance(bool root, double ddof, const Columns& columns, const Array& in,
              const ResultWriter& out) {
  const auto moments = cpu::kernels().moments.of(in.dtype()).moments_columns;
  const auto mean = std::make_unique_for_overwrite<double[]>(columns.results);
  const auto square = std::make_unique_for_overwrite<double[]>(columns.results);
  columns.each([&](const std::byte* first, int64_t rows, int64_t width, int64_t at) {
    moments(first, rows, in.stride(1), width, &mean[at], &square[at]);
  });
  const double divisor = degrees_of_freedom(columns.n, ddof);
  for (int64_t g = 0; g < columns.groups; ++g) {
    double* m = &mean[g * columns.chunks * columns.width];
    double* s = &square[g * columns.chunks * columns.width];
    for (int64_t chunk = 1; chunk < columns.chunks; ++chunk) {
      const auto before = static_cast<double>(chunk * columns.chunk_rows);
      const auto all = static_cast<double>(std::min((chunk + 1) * columns.chunk_rows, columns.n));
      const double share = (all - before) / all;
      for (int64_t c = 0; c < columns.width; ++c) {
        const double distance = m[chunk * columns.width + c] - m[c];
        m[c] += distance * share;
        s[c] += s[chunk * columns.width + c] + distance * distance * share * before;
      }
    }
    for (int64_t c = 0; c < columns.width; ++c) {
      s[c] = root ? std::sqrt(s[c] / divisor) : s[c] / divisor;
    }
    columns.write(out, g, s);
  }
}

}  // namespace

bool has_columns(Reduction op, DType type) {
  switch (op) {
    case Reduction::norm_inf:
    case Reduction::logsumexp: return false;
    case Reduction::var:
    case Reduction::std:
    case Reduction::norm1: return is_floating(type);
    case Reduction::norm2: return is_floating(type) && type != DType::f64;  // squares may overflow
    case Reduction::mean: return type != DType::i64;
    default: return true;
  }
}

void reduce_columns(Reduction op, const Array& in, int across, double ddof, const Array& out) {
  const Columns columns(in, across);
  const ResultWriter writer(out);
  switch (op) {
    case Reduction::max: return best(false, columns, in, writer);
    case Reduction::min: return best(true, columns, in, writer);
    case Reduction::argmax: return find_best(false, columns, in, writer);
    case Reduction::argmin: return find_best(true, columns, in, writer);
    case Reduction::var: return variance(false, ddof, columns, in, writer);
    case Reduction::std: return variance(true, ddof, columns, in, writer);
    default: return totals(op, columns, in, writer);
  }
}

}  // namespace bitmetal::cpu
