#include <algorithm>
#include <vector>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/stream.h"

namespace bitmetal::cpu {
namespace {

class Scanner {
 public:
  Scanner(Scan op, const Array& in, const Array& out)
      : product_(op == Scan::prod),
        floating_(is_floating(in.dtype())),
        in_(in.data()),
        out_(out.data()),
        in_size_(size_of(in.dtype())),
        out_size_(size_of(out.dtype())),
        outer_(in.shape(0)),
        n_(in.shape(1)),
        inner_(in.shape(2)),
        kernels_(kernels().scan.of(in.dtype())),
        reduce_(kernels().reduce.of(in.dtype())) {}

  // The same steps for any number of threads.
  void run() const {
    if (inner_ > 1) {
      columns();
    } else if (n_ <= kChunk || outer_ >= kManyLines) {
      lines();
    } else {
      for (int64_t line = 0; line < outer_; ++line) long_line(line * n_);
    }
  }

 private:
  static constexpr int64_t kManyLines = 64;  // enough work for the threads of any processor
  static constexpr int64_t kChunks = 64;     // that a cache holds between two passes: 4 MiB

  const std::byte* in(int64_t i) const { return in_ + i * in_size_; }
  std::byte* out(int64_t i) const { return out_ + i * out_size_; }
  Sum neutral() const {
    const int start = product_ ? 1 : 0;
    return floating_ ? Sum{.real = static_cast<double>(start)} : Sum{.integer = start};
  }
  Sum join(Sum a, Sum b) const {
    if (floating_) return {.real = product_ ? a.real * b.real : a.real + b.real};
    const auto x = static_cast<uint64_t>(a.integer), y = static_cast<uint64_t>(b.integer);
    return {.integer = static_cast<int64_t>(product_ ? x * y : x + y)};
  }

  void lines() const {
    parallel_for(outer_, grain_of(n_ * (in_size_ + out_size_)), [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) {
        kernels_.run(product_, in(line * n_), n_, neutral(), out(line * n_));
      }
    });
  }

  // Chunk by chunk in two passes, the first for what each starts from; as many chunks at a time as
  // stay in the cache.
  void long_line(int64_t first) const {
    const int64_t grain = grain_of(kChunk * in_size_);
    Sum start = neutral();
    for (int64_t block = 0; block < n_; block += kChunks * kChunk) {
      const int64_t length = std::min(kChunks * kChunk, n_ - block);
      const int64_t chunks = (length + kChunk - 1) / kChunk;
      Sum starts[kChunks];
      const auto each_chunk = [&](auto&& body) {
        parallel_for(chunks, grain, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            body(i, first + block + i * kChunk, std::min(kChunk, length - i * kChunk));
          }
        });
      };
      each_chunk([&](int64_t i, int64_t at, int64_t n) {
        starts[i] = product_ ? reduce_.product(in(at), n) : reduce_.sum(in(at), n);
      });
      for (int64_t i = 0; i < chunks; ++i) {
        const Sum of_chunk = starts[i];
        starts[i] = start;
        start = join(start, of_chunk);
      }
      each_chunk([&](int64_t i, int64_t at, int64_t n) {
        kernels_.run(product_, in(at), n, starts[i], out(at));
      });
    }
  }

  // Lines side by side, a block of them at a time, row after row.
  void columns() const {
    constexpr int64_t kRows = 4;  // that pass an L1 on their way to memory: 16 KiB at most
    const int64_t blocks = (inner_ + kScanColumns - 1) / kScanColumns;
    const int64_t bytes = n_ * std::min(kScanColumns, inner_) * (in_size_ + out_size_);
    const bool streams = outer_ * n_ * inner_ * out_size_ >= static_cast<int64_t>(kStreamBytes);
    parallel_for(outer_ * blocks, grain_of(bytes), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t column = i % blocks * kScanColumns;
        const int64_t width = std::min(kScanColumns, inner_ - column);
        const int64_t first = i / blocks * n_ * inner_ + column;
        Sum totals[kScanColumns];
        std::fill_n(totals, width, neutral());
        if (!streams) {
          kernels_.rows(product_, in(first), n_, inner_, width, totals, out(first), inner_);
          continue;
        }
        alignas(64) std::byte block[kRows * kScanColumns * sizeof(Sum)];
        for (int64_t row = 0; row < n_; row += kRows) {
          const int64_t rows = std::min(kRows, n_ - row), at = first + row * inner_;
          kernels_.rows(product_, in(at), rows, inner_, width, totals, block, width);
          for (int64_t r = 0; r < rows; ++r) {
            stream(out(at + r * inner_), block + r * width * out_size_, width * out_size_);
          }
        }
      }
      if (streams) stream_fence();
    });
  }

  const bool product_, floating_;
  const std::byte* const in_;
  std::byte* const out_;
  const int64_t in_size_, out_size_;
  const int64_t outer_, n_, inner_;
  const ScanTypeKernels& kernels_;
  const ReduceTypeKernels& reduce_;
};

}  // namespace

void CpuBackend::scan(Scan op, const Array& in, const Array& out) { Scanner(op, in, out).run(); }

}  // namespace bitmetal::cpu
