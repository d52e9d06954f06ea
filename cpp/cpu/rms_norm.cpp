#include <algorithm>
#include <cmath>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/row_writer.h"

namespace bitmetal::cpu {

void CpuBackend::rms_norm(const Array& in, const Array* weight, float eps, const Array& out) {
  const int64_t columns = in.shape(1), size = size_of(in.dtype());
  const RmsNormTypeKernels& kernels = cpu::kernels().rms_norm.of(in.dtype());
  const auto squares_of = cpu::kernels().moments.of(in.dtype()).squares;
  const bool streams = out.bytes() >= kStreamBytes;
  const std::byte* weights = weight ? weight->data() : nullptr;
  parallel_for(in.shape(0), grain_of(2 * columns * size), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const std::byte* from = in.data() + row * columns * size;
      double squares = 0;
      for (int64_t i = 0; i < columns; i += kChunk) {
        squares += squares_of(from + i * size, std::min(kChunk, columns - i));
      }
      const double factor = 1 / std::sqrt(squares / static_cast<double>(columns) + eps);
      write_row(out.data() + row * columns * size, columns, size, streams,
                [&](int64_t at, int64_t n, std::byte* to) {
                  kernels.normalize(from + at * size, n, factor,
                                    weights ? weights + at * size : nullptr, to);
                });
    }
    if (streams) stream_fence();
  });
}

}  // namespace bitmetal::cpu
