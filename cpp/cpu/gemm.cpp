// The dense matrix engine: operands are packed into strips of words, decoded on the way, and a
// micro-kernel multiplies strips. A format is what packs it (gemm_elements.h); an instruction set
// is its micro-kernels.
#include <algorithm>

#include "core/thread_pool.h"
#include "cpu/gemm_elements.h"
#include "cpu/matrix.h"
#include "cpu/scratch.h"
#include "cpu/transpose.h"

namespace bitmetal::cpu {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t round_up(int64_t n, int64_t unit) { return ceil_div(n, unit) * unit; }

// Words. A strip of b (32 columns of 32-bit words) and one of a (14 rows) of this depth are 46 KiB:
// they share an L1 of 48 KiB.
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

// Packs elements [k0, k0 + k) of `count` lines into strips `width` lines wide; past the last line
// they are zero. Lines are rows of a or columns of b: either the elements of a line follow one
// another, or the lines lie side by side.
template <class Elements>
void pack(const Elements& elements, Side side, const Matrix& lines, int64_t line, int64_t count,
          int64_t k0, int64_t k, typename Elements::Word* to) {
  using Word = typename Elements::Word;
  const int64_t width = side == Side::left ? elements.rows() : elements.columns();
  const int64_t per_word = elements.per_word(), words = ceil_div(k, per_word);
  for (const int64_t end = line + count; line < end; line += width, to += words * width) {
    const int64_t here = std::min<int64_t>(width, end - line);
    if (here < width) std::fill(to, to + words * width, Word{0});
    if (lines.column_stride == 1) {
      alignas(64) Word packed[kWidestStrip * kDepth];
      for (int64_t i = 0; i < here; ++i) {
        const std::byte* from = lines.at(line + i, k0);
        elements.pack(side, from, k, packed + i * words);
        // What comes next of the line: the processor's own prefetching ends between lines.
        const std::byte* next = lines.at(line + i, k0 + k);
        for (int64_t at = 0; at < next - from; at += 64) __builtin_prefetch(next + at, 0, 2);
      }
      const auto transpose =
          sizeof(Word) == 4 ? kernels().gemm.transpose : transpose_block<uint64_t>;
      transpose(packed, words, here, words, to, width);
    } else if constexpr (Elements::kSideBySide) {
      for (int64_t p = 0; p < words; ++p) {
        const int64_t from = p * per_word;
        elements.pack_across([&](int64_t i) { return lines.at(line, k0 + from + i); }, k - from,
                             here, to + p * width);
      }
    }
  }
}

template <class Elements>
class Gemm {
  using Word = typename Elements::Word;
  using Sum = typename Elements::Sum;
  static_assert(sizeof(Word) == sizeof(Sum));

 public:
  Gemm(const Elements& elements, const Matrix& a, const Matrix& b, std::byte* out)
      : elements_(elements),
        a_(a),
        b_(b.transposed()),
        out_(out),
        size_(a.dtype == DType::i8 ? sizeof(int32_t) : size_of(a.dtype)),
        m_(a.rows),
        n_(b.columns),
        k_(a.columns),
        depth_(kDepth * elements.per_word()),
        words_(ceil_div(k_, elements.per_word())),
        grain_(m_ * n_ * k_ < kParallelWork ? m_ * n_ : 1) {}

  void run() const { m_ <= kBlockRows ? few_rows() : many_rows(); }

 private:
  int64_t words_of(int64_t k) const { return ceil_div(k, elements_.per_word()); }

  // Lines [line, line + count) with all of k: for each kDepth words of k, strip after strip.
  const Word* pack_all(Side side, const Matrix& lines, int64_t line, int64_t count) const {
    const int64_t width = side == Side::left ? elements_.rows() : elements_.columns();
    const int64_t padded = round_up(count, width);
    auto* packed = reinterpret_cast<Word*>(
        scratch(Scratch::shared, static_cast<size_t>(padded * words_) * sizeof(Word)));
    parallel_for(padded / width, grain_, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * width; i < end * width; i += width) {
        for (int64_t k0 = 0; k0 < k_; k0 += depth_) {
          const int64_t k = std::min(depth_, k_ - k0);
          pack(elements_, side, lines, line + i, std::min(width, count - i), k0, k,
               packed + words_of(k0) * padded + i * words_of(k));
        }
      }
    });
    return packed;
  }

  void few_rows() const {
    const Word* a = pack_all(Side::left, a_, 0, m_);
    parallel_for(ceil_div(n_, kFewRowsColumns), grain_, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * kFewRowsColumns; i < end * kFewRowsColumns; i += kFewRowsColumns) {
        block(0, m_, {a, round_up(m_, elements_.rows()), 0}, i, std::min(kFewRowsColumns, n_ - i),
              {});
      }
    });
  }

  void many_rows() const {
    const int64_t step = round_up(ceil_div(m_, ceil_div(m_, kBlockRows)), elements_.rows());
    const int64_t blocks = ceil_div(m_, step), width = elements_.columns();
    for (int64_t column = 0; column < n_; column += kBlockColumns) {
      const int64_t columns = std::min(kBlockColumns, n_ - column);
      const int64_t padded = round_up(columns, width);
      const Word* b = pack_all(Side::right, b_, column, columns);
      // Where there are fewer blocks of rows than threads, these share a block's columns.
      const int64_t split = round_up(ceil_div(columns, ceil_div(thread_count(), blocks)), width);
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
    const Word* data = nullptr;
    int64_t padded = 0, first = 0;
  };

  // One block of the result: rows [row, row + rows), columns [column, column + columns).
  void block(int64_t row, int64_t rows, Packed a, int64_t column, int64_t columns, Packed b) const {
    const int64_t tile_rows = elements_.rows(), tile_columns = elements_.columns();
    const int64_t height = round_up(rows, tile_rows), width = round_up(columns, tile_columns);
    const int64_t words = (height + Elements::kOffsets) * width + (height + width) * kDepth;
    auto* c =
        reinterpret_cast<Sum*>(scratch(Scratch::own, static_cast<size_t>(words) * sizeof(Word)));
    Sum* offsets = c + height * width;  // a row of the result, where there are any
    auto* own_a = reinterpret_cast<Word*>(offsets + Elements::kOffsets * width);
    Word* own_b = own_a + height * kDepth;
    for (int64_t k0 = 0; k0 < k_; k0 += depth_) {
      const int64_t k = std::min(depth_, k_ - k0), count = words_of(k), before = words_of(k0);
      if (!a.data) pack(elements_, Side::left, a_, row, rows, k0, k, own_a);
      if (!b.data) pack(elements_, Side::right, b_, column, columns, k0, k, own_b);
      const Word* a_strips = a.data ? a.data + before * a.padded + a.first * count : own_a;
      const Word* b_strips = b.data ? b.data + before * b.padded + b.first * count : own_b;
      for (int64_t j = 0; j < width; j += tile_columns) {
        const Word* strip = b_strips + j * count;
        for (int64_t i = 0; i < height; i += tile_rows) {
          elements_.multiply(a_strips + i * count, strip, count, c + i * width + j, width, k0 > 0);
        }
        if constexpr (Elements::kOffsets) {
          elements_.multiply_offsets(strip, count, offsets + j, width, k0 > 0);
        }
      }
    }
    for (int64_t i = 0; i < rows; ++i) {
      elements_.write(c + i * width, offsets, columns, out_ + ((row + i) * n_ + column) * size_);
    }
  }

  const Elements elements_;
  const Matrix a_, b_;  // b's lines are its columns
  std::byte* const out_;
  const int64_t size_;  // of an element of the result
  const int64_t m_, n_, k_;
  const int64_t depth_;  // elements of kDepth words
  const int64_t words_;  // of a line
  const int64_t grain_;  // of every parallel_for
};

}  // namespace

void gemm(const Matrix& a, const Matrix& b, std::byte* out) {
  if (a.dtype == DType::i8) {
    Gemm(Int8Elements(a.rows), a, b, out).run();
  } else if (a.dtype == DType::bf16 && kernels().bf16.rows > 0) {
    Gemm(Bf16Elements(a.rows), a, b, out).run();
  } else if (a.dtype == DType::f64) {
    Gemm(WideElements<double>(a.dtype, a.rows), a, b, out).run();
  } else {
    Gemm(WideElements<float>(a.dtype, a.rows), a, b, out).run();
  }
}

}  // namespace bitmetal::cpu
