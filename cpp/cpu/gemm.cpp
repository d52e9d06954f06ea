// The dense matrix engine: operands are packed into strips, decoded to the type that is computed in
// on the way, and a micro-kernel multiplies strips. A format is what decodes it; an instruction set
// is its micro-kernel.
#include <algorithm>
#include <cstring>

#include "core/thread_pool.h"
#include "cpu/isa/kernels.h"
#include "cpu/matrix.h"
#include "cpu/scratch.h"
#include "cpu/transpose.h"

namespace bitmetal::cpu {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t round_up(int64_t n, int64_t unit) { return ceil_div(n, unit) * unit; }

// A strip of b (32 columns of float32) and one of a (14 rows) of this depth are 46 KiB: they share
// an L1 of 48 KiB.
constexpr int64_t kDepth = 256;
// The results of a block, 112 rows by 1024 columns of float32, take half an L2 of 1 MiB. Each
// element of a is packed again for every block of columns: 0.3 ns beside 10 ns of arithmetic.
constexpr int64_t kBlockRows = 112;
constexpr int64_t kBlockColumns = 1024;
// With so few rows that one block has them all, threads take this many columns at a time.
constexpr int64_t kFewRowsColumns = 128;
constexpr int kWidestStrip = 32;
// Below this many multiplications, 10 microseconds of them, one thread does all.
constexpr int64_t kParallelWork = 1 << 20;

// Rows of a, or columns of b: lines along k. Either the elements of a line follow one another, or
// the lines lie side by side.
struct Operand {
  Matrix lines;
  ConvertRun decode;
};

// Packs elements [k0, k0 + k) of `count` lines into strips `width` lines wide; past the last line
// they are zero.
template <class C>
void pack(const Operand& from, int64_t line, int64_t count, int64_t k0, int64_t k, int width,
          C* to) {
  using Word = std::conditional_t<sizeof(C) == 4, uint32_t, uint64_t>;
  for (const int64_t end = line + count; line < end; line += width, to += k * width) {
    const int64_t here = std::min<int64_t>(width, end - line);
    if (here < width) std::fill(to, to + k * width, C{0});
    if (from.lines.column_stride == 1) {
      alignas(64) C decoded[kWidestStrip * kDepth];
      for (int64_t i = 0; i < here; ++i) {
        from.decode(from.lines.at(line + i, k0), decoded + i * k, k);
      }
      transpose_block<Word>(decoded, k, here, k, to, width);
    } else {
      for (int64_t p = 0; p < k; ++p) {
        from.decode(from.lines.at(line, k0 + p), to + p * width, here);
      }
    }
  }
}

template <class C>
class Gemm {
 public:
  Gemm(const Matrix& a, const Matrix& b, std::byte* out)
      : tile_(kernels().gemm.of(C{})),
        a_{a, kernels().convert.of(a.dtype, kComputed)},
        b_{b.transposed(), kernels().convert.of(b.dtype, kComputed)},
        encode_(kernels().convert.of(kComputed, a.dtype)),
        out_(out),
        size_(size_of(a.dtype)),
        m_(a.rows),
        n_(b.columns),
        k_(a.columns),
        grain_(m_ * n_ * k_ < kParallelWork ? m_ * n_ : 1) {}

  void run() const { m_ <= kBlockRows ? few_rows() : many_rows(); }

 private:
  static constexpr DType kComputed = sizeof(C) == 4 ? DType::f32 : DType::f64;

  // Lines [line, line + count) with all of k: for each kDepth elements of k, strip after strip.
  const C* pack_all(const Operand& from, int64_t line, int64_t count, int width) const {
    const int64_t padded = round_up(count, width);
    auto* packed = reinterpret_cast<C*>(scratch(Scratch::shared, padded * k_ * sizeof(C)));
    parallel_for(padded / width, grain_, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * width; i < end * width; i += width) {
        for (int64_t k0 = 0; k0 < k_; k0 += kDepth) {
          const int64_t k = std::min(kDepth, k_ - k0);
          pack(from, line + i, std::min<int64_t>(width, count - i), k0, k, width,
               packed + k0 * padded + i * k);
        }
      }
    });
    return packed;
  }

  void few_rows() const {
    const C* a = pack_all(a_, 0, m_, tile_.rows);
    parallel_for(ceil_div(n_, kFewRowsColumns), grain_, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * kFewRowsColumns; i < end * kFewRowsColumns; i += kFewRowsColumns) {
        block(0, m_, {a, round_up(m_, tile_.rows), 0}, i, std::min(kFewRowsColumns, n_ - i), {});
      }
    });
  }

  void many_rows() const {
    const int64_t step = round_up(ceil_div(m_, ceil_div(m_, kBlockRows)), tile_.rows);
    const int64_t blocks = ceil_div(m_, step);
    for (int64_t column = 0; column < n_; column += kBlockColumns) {
      const int64_t columns = std::min(kBlockColumns, n_ - column);
      const int64_t padded = round_up(columns, tile_.columns);
      const C* b = pack_all(b_, column, columns, tile_.columns);
      // Where there are fewer blocks of rows than threads, these share a block's columns.
      const int64_t split =
          round_up(ceil_div(columns, ceil_div(thread_count(), blocks)), tile_.columns);
      const int64_t splits = ceil_div(columns, split);
      parallel_for(blocks * splits, grain_, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t row = i / splits * step, from = i % splits * split;
          block(row, std::min(step, m_ - row), {}, column + from, std::min(split, columns - from),
                {b, padded, from});
        }
      });
    }
  }

  // What pack_all() made, where it was called for the operand: `first` of its lines comes before
  // those of the block.
  struct Packed {
    const C* data = nullptr;
    int64_t padded = 0, first = 0;
  };

  // One block of the result: rows [row, row + rows), columns [column, column + columns).
  void block(int64_t row, int64_t rows, Packed a, int64_t column, int64_t columns, Packed b) const {
    const int64_t height = round_up(rows, tile_.rows), width = round_up(columns, tile_.columns);
    auto* c = reinterpret_cast<C*>(
        scratch(Scratch::own, (height * width + (height + width) * kDepth) * sizeof(C)));
    C* own_a = c + height * width;
    C* own_b = own_a + height * kDepth;
    for (int64_t k0 = 0; k0 < k_; k0 += kDepth) {
      const int64_t k = std::min(kDepth, k_ - k0);
      if (!a.data) pack(a_, row, rows, k0, k, tile_.rows, own_a);
      if (!b.data) pack(b_, column, columns, k0, k, tile_.columns, own_b);
      const C* a_strips = a.data ? a.data + k0 * a.padded + a.first * k : own_a;
      const C* b_strips = b.data ? b.data + k0 * b.padded + b.first * k : own_b;
      for (int64_t j = 0; j < width; j += tile_.columns) {
        for (int64_t i = 0; i < height; i += tile_.rows) {
          tile_.multiply(a_strips + i * k, b_strips + j * k, k, c + i * width + j, width, k0 > 0);
        }
      }
    }
    for (int64_t i = 0; i < rows; ++i) {
      encode_(c + i * width, out_ + ((row + i) * n_ + column) * size_, columns);
    }
  }

  const TileKernel<C>& tile_;
  const Operand a_, b_;
  const ConvertRun encode_;
  std::byte* const out_;
  const int64_t size_, m_, n_, k_;
  const int64_t grain_;  // of every parallel_for
};

}  // namespace

void gemm(const Matrix& a, const Matrix& b, std::byte* out) {
  a.dtype == DType::f64 ? Gemm<double>(a, b, out).run() : Gemm<float>(a, b, out).run();
}

}  // namespace bitmetal::cpu
