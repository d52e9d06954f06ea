#include <algorithm>
#include <cmath>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/row_writer.h"

namespace bitmetal::cpu {

void CpuBackend::layer_norm(const Array& in, const Array* weight, const Array* bias, double eps,
                            const Array& out) {
  const int64_t columns = in.shape(1), size = size_of(in.dtype());
  const auto moments_of = kernels().moments.of(in.dtype()).moments;
  const auto normalize = kernels().layer_norm.of(in.dtype()).normalize;
  const bool streams = out.bytes() >= kStreamBytes;
  const auto element = [&](const Array* a, int64_t i) {
    return a ? a->data() + i * size : nullptr;
  };
  parallel_for(in.shape(0), grain_of(2 * columns * size), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const std::byte* from = in.data() + row * columns * size;
      Moments row_moments = moments_of(from, std::min(kChunk, columns));
      for (int64_t i = kChunk; i < columns; i += kChunk) {
        const int64_t n = std::min(kChunk, columns - i);
        row_moments = join_moments(row_moments, static_cast<double>(i),
                                   moments_of(from + i * size, n), static_cast<double>(n));
      }
      const double mean = row_moments.mean;
      const double variance = row_moments.squares / static_cast<double>(columns);
      const double factor = 1 / std::sqrt(variance + eps);
      write_row(out.data() + row * columns * size, columns, size, streams,
                [&](int64_t at, int64_t n, std::byte* to) {
                  normalize(from + at * size, n, mean, factor, element(weight, at),
                            element(bias, at), to);
                });
    }
    if (streams) stream_fence();
  });
}

}  // namespace bitmetal::cpu
