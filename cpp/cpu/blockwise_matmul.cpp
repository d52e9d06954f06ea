// Products with blockwise weights. For a few rows of activations the weights are decoded in
// registers; for more, into strips for the tiles of the dense engine.
#include <algorithm>
#include <cstring>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/blockwise_strips.h"
#include "cpu/grain.h"
#include "cpu/scratch.h"
#include "cpu/transpose.h"

namespace bitmetal::cpu {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rows of activations up to which decoding weights anew for every four of them costs less than
// writing them out, and than turning them around for tiles that decode.
constexpr int64_t kFewRows = 8;
constexpr int64_t kFewRowsBesideTiles = 3;
// Activation rows at a time, whose sums stay in L2: each decodes the weights again.
constexpr int64_t kBatchStep = 1024;

template <class T>
class Product {
 public:
  Product(const Array& x, const BlockwiseArray& q, const Array* bias, const Array& out)
      : x_(x.data_as<T>()),
        w_(q),
        bias_(bias ? bias->data_as<float>() : nullptr),
        out_(out.data_as<T>()),
        m_(x.shape(0)),
        n_(w_.rows),
        k_(w_.columns),
        widen_(kernels().convert.of(x.dtype(), DType::f32)) {}

  void run() const {
    constexpr bool pairs = std::is_same_v<T, bfloat16>;
    const bool has_pairs = pairs && kernels().bf16.rows > 0;
    const bool tiles_decode = has_pairs && w_.whole_nibbles() && !w_.q.biases;
    if (m_ <= (tiles_decode ? kFewRowsBesideTiles : kFewRows)) {
      if (!w_.whole_nibbles()) return few_rows();
      if constexpr (pairs) {
        if (has_pairs) return few_rows_of_pairs();
      }
      return few_rows_of_nibbles();
    }
    for (int64_t first = 0; first < m_; first += kBatchStep) {
      const int64_t count = std::min(kBatchStep, m_ - first);
      if constexpr (pairs) {
        if (tiles_decode) {
          many_rows(first, count, NibbleStrips(w_));
          continue;
        }
        if (has_pairs) {
          many_rows(first, count, PairStrips(w_));
          continue;
        }
      }
      many_rows(first, count, FloatStrips<T>(w_, widen_));
    }
  }

 private:
  int64_t row_blocks() const { return k_ / w_.q.block_size; }
  int64_t grain() const { return grain_of(ceil_div(k_ * w_.q.bits, 8) * m_); }

  template <class Word = float>
  static Word* memory(Scratch purpose, int64_t words) {
    static_assert(sizeof(Word) == sizeof(float));
    return reinterpret_cast<Word*>(scratch(purpose, static_cast<size_t>(words) * sizeof(Word)));
  }
  // sums + bias for `count` rows of weights from `row` on, to row m of the result.
  void finish(const float* sums, int64_t m, int64_t row, int64_t count) const {
    kernels().ternary.of(x_).finish(sums, count, 1, bias_ ? bias_ + row : nullptr,
                                    out_ + m * n_ + row);
  }

  void few_rows() const {
    const int64_t stride = k_ + 2 * kMargin;
    float* x = memory(Scratch::shared, m_ * stride) + kMargin;
    for (int64_t m = 0; m < m_; ++m) {
      std::fill_n(x + m * stride - kMargin, kMargin, 0.0f);
      widen_(x_ + m * k_, x + m * stride, k_);
      std::fill_n(x + m * stride + k_, kMargin, 0.0f);
    }
    const auto dot = kernels().blockwise.dot[static_cast<int>(w_.loader)];
    parallel_for(n_, grain(), [&](int64_t begin, int64_t end) {
      const int64_t rows = end - begin;
      float* y = memory(Scratch::own, m_ * rows + w_.scales.buffer(blocks_within(w_, k_)));
      float* buffer = y + m_ * rows;
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t first = (begin + i) * k_, lead = w_.lead(first);
        const BlockRun run = w_.scales.run(first - lead, k_ + lead, buffer);
        for (int64_t m = 0; m < m_; m += kBlockDotRows) {
          float sums[kBlockDotRows];
          const int count = static_cast<int>(std::min<int64_t>(kBlockDotRows, m_ - m));
          dot(run, x + m * stride - lead, stride, count, sums);
          for (int j = 0; j < count; ++j) y[(m + j) * rows + i] = sums[j];
        }
      }
      for (int64_t m = 0; m < m_; ++m) finish(y + m * rows, m, begin, rows);
    });
  }

  // Sums of eight columns each, with which biases are multiplied: 16 floats a chunk.
  void sum_eights(const float* row, int64_t chunks, float* sums) const {
    for (int64_t i = 0; i < chunks * 16; ++i) {
      sums[i] = 0;
      for (int64_t j = 0; j < 8; ++j) sums[i] += row[8 * i + j];
    }
  }

  // Word j of each `each` words to the vector j of 16.
  template <int each, class Word>
  static void turn_chunk(const Word* from, Word* to) {
    for (int i = 0; i < 16; i += 4) {
      for (int j = 0; j < each; j += 4) {
        TransposeSquare<Word>::run(from + i * each + j, each, to + 16 * j + i, 16);
      }
    }
  }

  void few_rows_of_nibbles() const {
    const int64_t chunks = ceil_div(k_, kNibbleChunk), stride = chunks * kNibbleChunk;
    const int64_t sum_stride = w_.q.biases ? chunks * 16 : 0;
    float* x = memory(Scratch::shared, (m_ + 1) * stride + m_ * sum_stride);
    float* row = x + m_ * stride;
    float* sums = row + stride;
    std::fill_n(row, stride, 0.0f);
    for (int64_t m = 0; m < m_; ++m) {
      widen_(x_ + m * k_, row, k_);
      for (int64_t at = 0; at < stride; at += kNibbleChunk) {
        turn_chunk<8>(row + at, x + m * stride + at);
      }
      if (w_.q.biases) sum_eights(row, chunks, sums + m * sum_stride);
    }
    dot_nibbles(kernels().blockwise.dot_nibbles[w_.high_first()], x, stride, sums, sum_stride);
  }

  void few_rows_of_pairs() const {
    const int64_t chunks = ceil_div(k_, kNibbleChunk), stride = chunks * kNibbleChunk / 2;
    const int64_t sum_stride = w_.q.biases ? chunks * 16 : 0;
    auto* x = memory<uint32_t>(Scratch::shared, (m_ + 3) * stride + m_ * sum_stride);
    uint32_t* row = x + m_ * stride;
    auto* wide = reinterpret_cast<float*>(row + stride);
    float* sums = wide + 2 * stride;
    std::fill_n(row, 3 * stride, 0u);
    for (int64_t m = 0; m < m_; ++m) {
      PairStrips::pack(x_ + m * k_, k_, row);
      for (int64_t at = 0; at < stride; at += kNibbleChunk / 2) {
        turn_chunk<4>(row + at, x + m * stride + at);
      }
      if (!w_.q.biases) continue;
      widen_(x_ + m * k_, wide, k_);
      sum_eights(wide, chunks, sums + m * sum_stride);
    }
    dot_nibbles(kernels().bf16.dot_nibbles[w_.high_first()], x, stride, sums, sum_stride);
  }

  template <class Word>
  void dot_nibbles(void (*dot)(const NibbleRows&, const Word*, int64_t, const float*, int64_t, int,
                               float*, int64_t),
                   const Word* x, int64_t stride, const float* x_sums, int64_t sum_stride) const {
    // Rows whose scales, where they have to be expanded, and sums stay in L1.
    const int64_t step = std::clamp<int64_t>(2048 / std::max<int64_t>(1, row_blocks()), 4, 64);
    parallel_for(
        ceil_div(n_, step), std::max<int64_t>(1, grain() / step), [&](int64_t begin, int64_t end) {
          float* y = memory(Scratch::own, m_ * step + w_.scales.buffer(step * row_blocks() + 1));
          for (int64_t i = begin; i < end; ++i) {
            const int64_t first = i * step, rows = std::min(step, n_ - first);
            const BlockRun run = w_.scales.run(first * k_, rows * k_, y + m_ * step);
            const NibbleRows w{run.codes,  rows,       k_,       w_.q.block_size,
                               run.scales, run.biases, w_.book()};
            for (int64_t m = 0; m < m_; m += kBlockDotRows) {
              dot(w, x + m * stride, stride, x_sums + m * sum_stride, sum_stride,
                  static_cast<int>(std::min<int64_t>(kBlockDotRows, m_ - m)), y + m * step, step);
            }
            for (int64_t m = 0; m < m_; ++m) finish(y + m * step, m, first, rows);
          }
        });
  }

  // Calls body(first, count) for tiles of activation rows of about equal height.
  template <class Body>
  static void for_each_tile(int64_t rows, int64_t height, Body body) {
    const int64_t tiles = ceil_div(rows, height);
    for (int64_t t = 0, first = 0; t < tiles; ++t) {
      const int64_t count = ceil_div(rows - first, tiles - t);
      body(first, count);
      first += count;
    }
  }

  template <class Strips>
  void many_rows(int64_t first, int64_t count, const Strips& strips) const {
    const auto* a = pack(strips, x_ + first * k_, count);
    const int64_t width = strips.width(), stride = strips.words_of(k_);
    const int64_t strip_words = width * strips.words_of(std::min(Strips::kDepth, k_));
    parallel_for(ceil_div(n_, width), 1, [&](int64_t begin, int64_t end) {
      float* c = memory(Scratch::own, count * width + strip_words + strips.floats());
      auto* strip = reinterpret_cast<typename Strips::Word*>(c + count * width);
      Strips own = strips;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i * width, columns = std::min(width, n_ - row);
        own.begin(row, columns, c + count * width + strip_words);
        for (int64_t k0 = 0; k0 < k_; k0 += Strips::kDepth) {
          const int64_t depth = std::min(Strips::kDepth, k_ - k0);
          own.decode(k0, depth, strip);
          for_each_tile(count, strips.height(), [&](int64_t r, int64_t rows) {
            own.multiply(rows, a + r * stride + strips.words_of(k0) * rows, strip, k0, depth,
                         c + r * width, k0 > 0);
          });
        }
        for (int64_t r = 0; r < count; ++r) finish(c + r * width, first + r, row, columns);
      }
    });
  }

  // Activations in strips as wide as the tiles are high.
  template <class Strips>
  const typename Strips::Word* pack(const Strips& strips, const T* x, int64_t count) const {
    using Word = typename Strips::Word;
    const int64_t stride = strips.words_of(k_);
    auto* packed = memory<Word>(Scratch::shared, count * stride);
    parallel_for(ceil_div(k_, Strips::kDepth), 1, [&](int64_t begin, int64_t end) {
      alignas(64) Word lines[kMaxTileRows * kStripDepth];
      for (int64_t k0 = begin * Strips::kDepth; k0 < std::min(end * Strips::kDepth, k_);
           k0 += Strips::kDepth) {
        const int64_t depth = std::min(Strips::kDepth, k_ - k0), words = strips.words_of(depth);
        for_each_tile(count, strips.height(), [&](int64_t first, int64_t rows) {
          for (int64_t i = 0; i < rows; ++i) {
            strips.pack(x + (first + i) * k_ + k0, depth, lines + i * words);
          }
          kernels().gemm.transpose(lines, words, rows, words,
                                   packed + first * stride + strips.words_of(k0) * rows, rows);
        });
      }
    });
    return packed;
  }

  const T* x_;
  const BlockMatrix w_;
  const float* bias_;
  T* out_;
  const int64_t m_, n_, k_;
  const ConvertRun widen_;
};

}  // namespace

void CpuBackend::blockwise_matmul(const Array& x, const BlockwiseArray& q, const Array* bias,
                                  const Array& out) {
  visit_half_or_float(
      x.dtype(), [&](auto type) { Product<typename decltype(type)::type>(x, q, bias, out).run(); });
}

}  // namespace bitmetal::cpu
