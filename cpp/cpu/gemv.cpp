#include <algorithm>

#include "core/thread_pool.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/matrix.h"
#include "cpu/scratch.h"

namespace bitmetal::cpu {
namespace {

// Columns of a tall matrix that a thread adds at a time: they stay in L1 while the rows pass.
constexpr int64_t kTile = 2048;

}  // namespace

void gemv(const Matrix& a, const std::byte* x, int64_t x_stride, std::byte* out) {
  const GemvTypeKernels& kernels = cpu::kernels().gemv.of(a.dtype);
  const DType computed = a.dtype == DType::f64 ? DType::f64 : DType::f32;
  const ConvertRun decode = cpu::kernels().convert.of(a.dtype, computed);
  const ConvertRun encode = cpu::kernels().convert.of(computed, a.dtype);
  const int64_t size = size_of(a.dtype), wide = size_of(computed);

  const std::byte* vector = x;
  if (x_stride != 1 || a.dtype != computed) {
    std::byte* copied = scratch(Scratch::shared, a.columns * wide);
    if (x_stride == 1) {
      decode(x, copied, a.columns);
    } else {
      for (int64_t i = 0; i < a.columns; ++i) decode(x + i * x_stride * size, copied + i * wide, 1);
    }
    vector = copied;
  }

  if (a.column_stride == 1) {
    constexpr int64_t kRows = 256;  // results between two conversions
    return parallel_for(a.rows, std::max<int64_t>(4, grain_of(a.columns * size)),
                        [&](int64_t begin, int64_t end) {
                          alignas(64) std::byte y[kRows * sizeof(double)];
                          for (int64_t row = begin; row < end; row += kRows) {
                            const int64_t n = std::min(kRows, end - row);
                            kernels.dot_rows(a.at(row, 0), a.row_stride, n, a.columns, vector, y);
                            encode(y, out + row * size, n);
                          }
                        });
  }
  parallel_for(a.rows, std::max<int64_t>(64, grain_of(a.columns * size)),
               [&](int64_t begin, int64_t end) {
                 alignas(64) std::byte y[kTile * sizeof(double)];
                 for (int64_t row = begin; row < end; row += kTile) {
                   const int64_t n = std::min(kTile, end - row);
                   std::fill(y, y + n * wide, std::byte{0});
                   kernels.add_rows(a.at(row, 0), a.column_stride, a.columns, n, vector, y);
                   encode(y, out + row * size, n);
                 }
               });
}

}  // namespace bitmetal::cpu
