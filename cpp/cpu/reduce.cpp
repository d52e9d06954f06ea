#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/scratch.h"

namespace bitmetal::cpu {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// One reduction: `lines` of `n` elements each. Where a line is longer than a chunk its chunks are
// reduced on their own, into `partial` results, and those are combined in an order that depends on
// n alone: no result depends on the number of threads.
class Reducer {
 public:
  Reducer(Reduction op, const Array& in, const Array& out)
      : op_(op),
        in_(in),
        out_(out),
        convert_(kernels().convert),
        // The sum of many int64 may pass 2^63 where their mean is harmless.
        type_(op == Reduction::mean && in.dtype() == DType::i64 ? DType::f64 : in.dtype()),
        kernels_(cpu::kernels().reduce.of(type_)),
        n_(in.shape(1)) {}

  void run() {
    const bool as_is = type_ == in_.dtype();
    if (in_.stride(1) != 1 && as_is && in_.shape(2) > 1 && in_.stride(2) == 1) {
      columns(2, 0);
    } else if (in_.stride(1) != 1 && as_is && in_.shape(0) > 1 && in_.stride(0) == 1) {
      columns(0, 2);
    } else {
      rows();
    }
  }

 private:
  bool sums() const { return op_ == Reduction::sum || op_ == Reduction::mean; }
  bool least() const { return op_ == Reduction::min; }
  size_t element() const { return size_of(type_); }

  // `count` sums, to elements at, at + step, ... of the output.
  void write_sums(Sum* sums, int64_t count, int64_t at, int64_t step) const {
    DType type = DType::i64;
    if (is_floating(type_) || op_ == Reduction::mean) {
      type = DType::f64;
      const double divisor = op_ == Reduction::mean ? static_cast<double>(n_) : 1.0;
      for (int64_t i = 0; i < count; ++i) {
        const Sum s = sums[i];
        sums[i].real = (is_floating(type_) ? s.real : static_cast<double>(s.integer)) / divisor;
      }
    }
    write(type, sums, count, at, step);
  }
  void write(DType type, const void* values, int64_t count, int64_t at, int64_t step) const {
    const ConvertRun convert = convert_.of(type, out_.dtype());
    std::byte* to = out_.data() + at * size_of(out_.dtype());
    if (step == 1) return convert(values, to, count);
    for (int64_t i = 0; i < count; ++i) {
      convert(static_cast<const std::byte*>(values) + i * size_of(type),
              to + i * step * size_of(out_.dtype()), 1);
    }
  }

  Sum add(Sum a, Sum b) const {
    if (is_floating(type_)) return {.real = a.real + b.real};
    return {.integer = static_cast<int64_t>(static_cast<uint64_t>(a.integer) +
                                            static_cast<uint64_t>(b.integer))};
  }
  Sum add_pairwise(const Sum* sums, int64_t count) const {
    if (count == 1) return sums[0];
    const int64_t half = count / 2;
    return add(add_pairwise(sums, half), add_pairwise(sums + half, count - half));
  }

  // --- Lines whose elements follow one another, or are gathered so that they do.

  const std::byte* line(int64_t i) const {
    const int64_t inner = in_.shape(2);
    return in_.data() + (i / inner * in_.stride(0) + i % inner * in_.stride(2)) *
                            static_cast<int64_t>(size_of(in_.dtype()));
  }
  // Elements of a line as a run of type_.
  const std::byte* elements(const std::byte* line, int64_t begin, int64_t count) const {
    const auto from = static_cast<int64_t>(size_of(in_.dtype()));
    const int64_t stride = in_.stride(1) * from;
    const std::byte* first = line + begin * stride;
    if (in_.stride(1) == 1 && type_ == in_.dtype()) return first;
    std::byte* gathered = scratch(Scratch::own, static_cast<size_t>(count) * element());
    const ConvertRun convert = convert_.of(in_.dtype(), type_);
    for (int64_t i = 0; i < count; ++i) convert(first + i * stride, gathered + i * element(), 1);
    return gathered;
  }

  void rows() {
    const int64_t lines = in_.shape(0) * in_.shape(2);
    if (n_ > kChunk) return long_rows(lines);
    parallel_for(lines, grain_of(n_ * element()), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const std::byte* run = elements(line(i), 0, n_);
        if (sums()) {
          Sum sum = kernels_.sum(run, n_);
          write_sums(&sum, 1, i, 1);
        } else {
          alignas(8) std::byte value[8];
          kernels_.best(run, n_, least(), value);
          if (op_ != Reduction::argmax) {
            std::memcpy(out_.data() + i * element(), value, element());
          } else {
            out_.data_as<int64_t>()[i] = kernels_.find(run, n_, value);
          }
        }
      }
    });
  }

  void long_rows(int64_t lines) {
    const int64_t chunks = ceil_div(n_, kChunk);
    const size_t size = sums() ? sizeof(Sum) : element();
    const auto partial = std::make_unique_for_overwrite<std::byte[]>(lines * chunks * size);
    parallel_for(lines * chunks, grain_of(kChunk * element()), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t from = i % chunks * kChunk, count = std::min(kChunk, n_ - from);
        const std::byte* run = elements(line(i / chunks), from, count);
        if (sums()) {
          const Sum sum = kernels_.sum(run, count);
          std::memcpy(&partial[i * size], &sum, size);
        } else {
          kernels_.best(run, count, least(), &partial[i * size]);
        }
      }
    });
    for (int64_t i = 0; i < lines; ++i) {
      const std::byte* of_line = &partial[i * chunks * size];
      if (sums()) {
        Sum sum = add_pairwise(reinterpret_cast<const Sum*>(of_line), chunks);
        write_sums(&sum, 1, i, 1);
      } else if (op_ != Reduction::argmax) {
        kernels_.best(of_line, chunks, least(), out_.data() + i * element());
      } else {
        alignas(8) std::byte value[8];
        kernels_.best(of_line, chunks, false, value);
        const int64_t from = kernels_.find(of_line, chunks, value) * kChunk;
        const std::byte* run = elements(line(i), from, std::min(kChunk, n_ - from));
        out_.data_as<int64_t>()[i] = from + kernels_.find(run, std::min(kChunk, n_ - from), value);
      }
    }
  }

  // --- Lines that lie side by side: `across` is the dimension that counts them, `along` the other.

  void columns(int across, int along) {
    const int64_t width = in_.shape(across), groups = in_.shape(along);
    const int64_t chunks = ceil_div(n_, kChunkRows), tiles = ceil_div(width, kTile);
    const int64_t group_step = across == 2 ? width : 1, step = across == 2 ? 1 : in_.shape(2);
    const size_t size = sums() ? sizeof(Sum) : element();
    // With one chunk a partial result is the result.
    const size_t results = static_cast<size_t>(groups * chunks * width);
    const auto partial = std::make_unique_for_overwrite<std::byte[]>(results * size);
    const auto where =
        std::make_unique_for_overwrite<int32_t[]>(op_ == Reduction::argmax ? results : 0);

    const int64_t tile_bytes = std::min(n_, kChunkRows) * std::min(width, kTile) * element();
    parallel_for(groups * chunks * tiles, grain_of(tile_bytes), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t tile = i % tiles * kTile, chunk = i / tiles % chunks, g = i / tiles / chunks;
        const int64_t rows = std::min(kChunkRows, n_ - chunk * kChunkRows);
        const int64_t count = std::min(kTile, width - tile);
        const std::byte* from =
            in_.data() + (g * in_.stride(along) + chunk * kChunkRows * in_.stride(1) + tile) *
                             static_cast<int64_t>(element());
        const int64_t at = (g * chunks + chunk) * width + tile;
        std::byte* to = &partial[at * size];
        if (sums()) {
          kernels_.sum_columns(from, rows, in_.stride(1), count, reinterpret_cast<Sum*>(to));
        } else if (op_ != Reduction::argmax) {
          kernels_.best_columns(from, rows, in_.stride(1), count, least(), to);
        } else {
          kernels_.argmax_columns(from, rows, in_.stride(1), count, to, &where[at]);
        }
      }
    });

    for (int64_t g = 0; g < groups; ++g) {
      std::byte* first = &partial[g * chunks * width * size];
      if (sums()) {
        Sum* total = reinterpret_cast<Sum*>(first);
        for (int64_t i = width; i < chunks * width; ++i) {
          total[i % width] = add(total[i % width], total[i]);
        }
        write_sums(total, width, g * group_step, step);
      } else if (op_ != Reduction::argmax) {
        kernels_.best_columns(first, chunks, width, width, least(), first);
        write(type_, first, width, g * group_step, step);
      } else {
        std::vector<int32_t> chunk(width);
        kernels_.argmax_columns(first, chunks, width, width, first, chunk.data());
        for (int64_t c = 0; c < width; ++c) {
          const int64_t row = where[(g * chunks + chunk[c]) * width + c];
          out_.data_as<int64_t>()[g * group_step + c * step] = chunk[c] * kChunkRows + row;
        }
      }
    }
  }

  static constexpr int64_t kTile = 1024;  // columns: 2 KiB or more of a row at a time

  const Reduction op_;
  const Array& in_;
  const Array& out_;
  const ConvertKernels& convert_;
  const DType type_;
  const ReduceTypeKernels& kernels_;
  const int64_t n_;
};

}  // namespace

void CpuBackend::reduce(Reduction op, const Array& in, const Array& out) {
  Reducer(op, in, out).run();
}

}  // namespace bitmetal::cpu
