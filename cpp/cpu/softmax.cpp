#include <algorithm>
#include <cmath>
#include <vector>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/columns.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/row_writer.h"
#include "cpu/scratch.h"

namespace bitmetal::cpu {
namespace {

class Softmax {
 public:
  Softmax(const Array& in, const Array& out)
      : in_(in.data()),
        out_(out.data()),
        rows_(in.shape(0)),
        columns_(in.shape(1)),
        size_(size_of(in.dtype())),
        dtype_(in.dtype()),
        streams_(out.bytes() >= kStreamBytes),
        kernels_(cpu::kernels().softmax.of(in.dtype())),
        best_(cpu::kernels().reduce.of(in.dtype()).best),
        to_double_(cpu::kernels().convert.of(in.dtype(), DType::f64)) {}

  void run() const { columns_ <= kChunk ? short_rows() : long_rows(); }

 private:
  double greatest(const std::byte* in, int64_t n) const {
    alignas(8) std::byte value[8];
    best_(in, n, false, value);
    double top;
    to_double_(value, &top, 1);
    return top;
  }

  // The row stays in the cache from its greatest element to its result. What is streamed is made a
  // few rows at a time.
  void short_rows() const {
    constexpr int64_t kBlockBytes = 16 << 10;
    const int64_t row_bytes = columns_ * size_;
    const int64_t element = dtype_ == DType::f64 ? sizeof(double) : sizeof(float);
    const int64_t e_bytes = (columns_ * element + 63) / 64 * 64;
    parallel_for(rows_, grain_of(2 * row_bytes), [&](int64_t begin, int64_t end) {
      const int64_t step = streams_ ? std::max<int64_t>(1, kBlockBytes / row_bytes) : end - begin;
      std::byte* e = scratch(Scratch::own, e_bytes + (streams_ ? step * row_bytes : 0));
      for (int64_t row = begin; row < end; row += step) {
        const int64_t rows = std::min(step, end - row);
        std::byte* out = out_ + row * row_bytes;
        std::byte* results = streams_ ? e + e_bytes : out;
        kernels_.rows(in_ + row * row_bytes, rows, columns_, e, results);
        if (streams_) stream(out, results, rows * row_bytes);
      }
      if (streams_) stream_fence();
    });
  }

  // Read twice: for each chunk's greatest element and its sum relative to that, then for the
  // result.
  void long_rows() const {
    const int64_t chunks = (columns_ + kChunk - 1) / kChunk;
    struct Part {
      double top, sum;
    };
    std::vector<Part> parts(static_cast<size_t>(rows_ * chunks));
    const auto each_chunk = [&](auto&& body) {
      parallel_for(rows_ * chunks, grain_of(kChunk * size_), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t column = i % chunks * kChunk;
          body(i, (i / chunks * columns_ + column) * size_, std::min(kChunk, columns_ - column));
        }
        if (streams_) stream_fence();
      });
    };
    each_chunk([&](int64_t i, int64_t at, int64_t n) {
      const double top = greatest(in_ + at, n);
      parts[i] = {top, std::isinf(top) ? 0 : kernels_.exponentials(in_ + at, n, top, nullptr)};
    });
    std::vector<Part> whole(static_cast<size_t>(rows_));
    for (int64_t row = 0; row < rows_; ++row) {
      const Part* part = &parts[row * chunks];
      double top = -INFINITY, sum = 0;
      for (int64_t i = 0; i < chunks; ++i)
        top = part[i].top > top || std::isnan(part[i].top) ? part[i].top : top;
      for (int64_t i = 0; i < chunks; ++i) sum += part[i].sum * std::exp(part[i].top - top);
      whole[row] = {top, sum};
    }
    each_chunk([&](int64_t i, int64_t at, int64_t n) {
      const Part row = whole[i / chunks];
      write_row(out_ + at, n, size_, streams_, [&](int64_t from, int64_t count, std::byte* to) {
        kernels_.scaled_exponentials(in_ + at + from * size_, count, row.top, 1 / row.sum, to);
      });
    });
  }

  const std::byte* const in_;
  std::byte* const out_;
  const int64_t rows_, columns_, size_;
  const DType dtype_;
  const bool streams_;
  const SoftmaxTypeKernels& kernels_;
  const decltype(ReduceTypeKernels::best) best_;
  const ConvertRun to_double_;
};

// Read twice, row after row: for the columns' sums, then for the result.
void softmax_columns(const Array& in, const Array& out) {
  const Columns columns(in, 2);
  const auto kernel = kernels().softmax.of(in.dtype()).columns;
  const auto size = static_cast<int64_t>(size_of(in.dtype()));
  const int64_t inner = in.shape(2);
  const bool streams = out.bytes() >= kStreamBytes;
  std::vector<double> tops(columns.groups * inner), factors(columns.groups * inner);
  {
    const auto sums = column_sums(columns, in);
    for (int64_t i = 0; i < columns.groups * inner; ++i) {
      const ExponentialSum& s = sums[i];
      tops[i] = s.top;
      factors[i] = std::isinf(s.top) ? NAN : 1 / s.sum;
    }
  }
  columns.each([&](const std::byte* first, int64_t rows, int64_t width, int64_t at) {
    const int64_t column = at / (columns.chunks * inner) * inner + at % inner;
    const double *top = &tops[column], *factor = &factors[column];
    std::byte* to = out.data() + (first - in.data());
    if (!streams) return kernel(first, rows, inner, width, top, factor, to, inner);
    constexpr int64_t kRows = 8;  // of 8 KiB at most on their way through L2
    std::byte* block = scratch(Scratch::own, kRows * width * size);
    for (int64_t row = 0; row < rows; row += kRows) {
      const int64_t count = std::min(kRows, rows - row);
      kernel(first + row * inner * size, count, inner, width, top, factor, block, width);
      for (int64_t r = 0; r < count; ++r) {
        stream(to + (row + r) * inner * size, block + r * width * size, width * size);
      }
    }
    stream_fence();
  });
}

}  // namespace

void CpuBackend::softmax(const Array& in, const Array& out) {
  in.rank() == 3 ? softmax_columns(in, out) : Softmax(in, out).run();
}

}  // namespace bitmetal::cpu
