#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "cpu/columns.h"
#include "cpu/reduce.h"

namespace bitmetal::cpu {
namespace {

// Results of a group's columns to the output: neighbours of columns are neighbours there where they
// are counted by the last dimension.
template <class T>
void write(const Columns& columns, const ResultWriter& out, int64_t group, const T* values) {
  if (columns.across == 2) return out.write(group * columns.width, values, columns.width);
  for (int64_t c = 0; c < columns.width; ++c) out.write(c * columns.groups + group, values[c]);
}
void write_bytes(const Columns& columns, const ResultWriter& out, int64_t group, int64_t size,
                 const std::byte* values) {
  if (columns.across == 2) {
    std::memcpy(out.at(group * columns.width), values, columns.width * size);
    return;
  }
  for (int64_t c = 0; c < columns.width; ++c) {
    std::memcpy(out.at(c * columns.groups + group), values + c * size, size);
  }
}

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
      write(columns, out, g, &total->real);
    } else {
      write(columns, out, g, &total->integer);
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
    write_bytes(columns, out, g, size, of_group);
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
    write(columns, out, g, index.data());
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
    write(columns, out, g, s);
  }
}

void log_of_sums(const Columns& columns, const Array& in, const ResultWriter& out) {
  const auto sums = column_sums(columns, in);
  std::vector<double> result(columns.width);
  for (int64_t g = 0; g < columns.groups; ++g) {
    const ExponentialSum* of_group = &sums[g * columns.width];
    std::transform(of_group, of_group + columns.width, result.begin(), log_of);
    write(columns, out, g, result.data());
  }
}

}  // namespace

bool has_columns(Reduction op, DType type) {
  switch (op) {
    case Reduction::norm_inf: return false;
    case Reduction::logsumexp:
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
    case Reduction::logsumexp: return log_of_sums(columns, in, writer);
    case Reduction::var: return variance(false, ddof, columns, in, writer);
    case Reduction::std: return variance(true, ddof, columns, in, writer);
    default: return totals(op, columns, in, writer);
  }
}

}  // namespace bitmetal::cpu
