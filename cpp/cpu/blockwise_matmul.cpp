// Products with blockwise weights. For a few rows of activations the weights are decoded in
// registers; for more, into strips for the tiles of the dense engine.
#include <algorithm>
#include <cstring>

#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/blockwise.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/scratch.h"
#include "cpu/transpose.h"

namespace bitmetal::cpu {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rows of activations up to which decoding weights anew for every four of them costs less than
// writing them out.
constexpr int64_t kFewRows = 8;
// A strip of weights of this depth, and as much of a tile's activations, share L1.
constexpr int64_t kDepth = 256;
// Activation rows at a time, whose sums stay in L2: each decodes the weights again.
constexpr int64_t kBatchStep = 1024;
// Room for zeros on either side of a row of activations: a run of weights may begin before its row.
constexpr int64_t kMargin = 16;

template <class T>
class Product {
 public:
  Product(const Array& x, const BlockwiseArray& q, const Array* bias, const Array& out)
      : x_(x.data_as<T>()),
        q_(q),
        scales_(q),
        loader_(static_cast<int>(loader_of(q))),
        bias_(bias ? bias->data_as<float>() : nullptr),
        out_(out.data_as<T>()),
        m_(x.shape(0)),
        n_(q.shape[0]),
        k_(q.shape[1]),
        whole_(q.bits == 4 && k_ % 8 == 0 && k_ % q.block_size == 0),
        high_first_(loader_of(q) == BlockLoader::nibbles_high_first) {}

  void run() const {
    if (m_ <= kFewRows && whole_) return few_rows_of_nibbles();
    if (m_ <= kFewRows) return few_rows();
    for (int64_t first = 0; first < m_; first += kBatchStep) {
      many_rows(first, std::min(kBatchStep, m_ - first));
    }
  }

 private:
  int64_t row_blocks() const { return k_ / q_.block_size; }
  int64_t grain() const { return grain_of(ceil_div(k_ * q_.bits, 8) * m_); }

  static float* floats(Scratch purpose, int64_t count) {
    return reinterpret_cast<float*>(scratch(purpose, static_cast<size_t>(count) * sizeof(float)));
  }
  void widen(const T* from, float* to, int64_t count) const {
    kernels().convert.of(kType, DType::f32)(from, to, count);
  }
  // sums + bias for `count` rows of weights from `row` on, to row m of the result.
  void finish(const float* sums, int64_t m, int64_t row, int64_t count) const {
    kernels().ternary.of(x_).finish(sums, count, 1, bias_ ? bias_ + row : nullptr,
                                    out_ + m * n_ + row);
  }

  void few_rows() const {
    const int64_t stride = k_ + 2 * kMargin;
    float* x = floats(Scratch::shared, m_ * stride) + kMargin;
    for (int64_t m = 0; m < m_; ++m) {
      std::fill_n(x + m * stride - kMargin, kMargin, 0.0f);
      widen(x_ + m * k_, x + m * stride, k_);
      std::fill_n(x + m * stride + k_, kMargin, 0.0f);
    }
    const auto dot = kernels().blockwise.dot[loader_];
    parallel_for(n_, grain(), [&](int64_t begin, int64_t end) {
      const int64_t rows = end - begin;
      float* y = floats(Scratch::own, m_ * rows + scales_.buffer(k_ / q_.block_size + 3));
      float* buffer = y + m_ * rows;
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t first = (begin + i) * k_, lead = q_.bits == 8 ? 0 : first % 16;
        const BlockRun run = scales_.run(first - lead, k_ + lead, buffer);
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

  void few_rows_of_nibbles() const {
    const int64_t chunks = ceil_div(k_, kNibbleChunk), stride = chunks * kNibbleChunk;
    const int64_t sum_stride = q_.biases ? chunks * 16 : 0;
    float* x = floats(Scratch::shared, (m_ + 1) * stride + m_ * sum_stride);
    float* row = x + m_ * stride;
    float* x_sums = row + stride;
    std::fill_n(row, stride, 0.0f);
    for (int64_t m = 0; m < m_; ++m) {
      widen(x_ + m * k_, row, k_);
      for (int64_t c = 0; c < chunks; ++c) {
        const float* from = row + c * kNibbleChunk;
        float* to = x + m * stride + c * kNibbleChunk;
        for (int64_t j = 0; j < 8; ++j) {
          for (int64_t l = 0; l < 16; ++l) to[16 * j + l] = from[8 * l + j];
        }
        for (int64_t l = 0; l < (q_.biases ? 16 : 0); ++l) {
          float sum = 0;
          for (int64_t j = 0; j < 8; ++j) sum += from[8 * l + j];
          x_sums[m * sum_stride + 16 * c + l] = sum;
        }
      }
    }
    const auto dot = kernels().blockwise.dot_nibbles[high_first_];
    // Rows whose scales, where they have to be expanded, and sums stay in L1.
    const int64_t step = std::clamp<int64_t>(2048 / std::max<int64_t>(1, row_blocks()), 4, 64);
    parallel_for(
        ceil_div(n_, step), std::max<int64_t>(1, grain() / step), [&](int64_t begin, int64_t end) {
          float* y = floats(Scratch::own, m_ * step + scales_.buffer(step * row_blocks() + 1));
          for (int64_t i = begin; i < end; ++i) {
            const int64_t first = i * step, rows = std::min(step, n_ - first);
            const BlockRun run = scales_.run(first * k_, rows * k_, y + m_ * step);
            const NibbleRows w{run.codes,  rows,       k_,           q_.block_size,
                               run.scales, run.biases, run_book(run)};
            for (int64_t m = 0; m < m_; m += kBlockDotRows) {
              dot(w, x + m * stride, stride, x_sums + m * sum_stride, sum_stride,
                  static_cast<int>(std::min<int64_t>(kBlockDotRows, m_ - m)), y + m * step, step);
            }
            for (int64_t m = 0; m < m_; ++m) finish(y + m * step, m, first, rows);
          }
        });
  }

  // The values of nibbles: affine codes stand for themselves.
  static const float* run_book(const BlockRun& run) {
    static constexpr float kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return run.book ? run.book : kNumbers;
  }

  // Calls body(first, count) for tiles of activation rows of about equal height.
  template <class Body>
  static void for_each_tile(int64_t rows, Body body) {
    const int64_t tiles = ceil_div(rows, kernels().gemm.f32.rows);
    for (int64_t t = 0, first = 0; t < tiles; ++t) {
      const int64_t count = ceil_div(rows - first, tiles - t);
      body(first, count);
      first += count;
    }
  }

  void many_rows(int64_t first, int64_t count) const {
    const float* a = pack(x_ + first * k_, count);
    const GemmKernels& gemm = kernels().gemm;
    const int64_t width = gemm.f32.columns;
    const int64_t blocks = width * (kDepth / std::min(q_.block_size, kDepth) + 2);
    const int64_t depth = std::min(kDepth, k_);
    parallel_for(ceil_div(n_, width), 1, [&](int64_t begin, int64_t end) {
      float* c = floats(Scratch::own, count * width + 2 * width * depth + depth + 2 * kMargin +
                                          4 * blocks + 2 * scales_.buffer(blocks));
      float* strip = c + count * width;
      float* memory = strip + width * depth;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i * width, columns = std::min(width, n_ - row);
        for (int64_t k0 = 0; k0 < k_; k0 += kDepth) {
          const int64_t k = std::min(kDepth, k_ - k0);
          if (whole_ && width % 16 == 0) {
            decode_words(row, columns, k0, k, strip, memory);
          } else {
            decode_lines(row, columns, k0, k, strip, memory);
          }
          for_each_tile(count, [&](int64_t r, int64_t rows) {
            gemm.f32_rows[rows](a + r * k_ + k0 * rows, strip, k, c + r * width, width, k0 > 0);
          });
        }
        for (int64_t r = 0; r < count; ++r) finish(c + r * width, first + r, row, columns);
      }
    });
  }

  // Activations in strips as wide as the tiles are high.
  const float* pack(const T* x, int64_t count) const {
    float* packed = floats(Scratch::shared, count * k_);
    parallel_for(ceil_div(k_, kDepth), 1, [&](int64_t begin, int64_t end) {
      alignas(64) float lines[kMaxTileRows * kDepth];
      for (int64_t k0 = begin * kDepth; k0 < std::min(end * kDepth, k_); k0 += kDepth) {
        const int64_t depth = std::min(kDepth, k_ - k0);
        for_each_tile(count, [&](int64_t first, int64_t rows) {
          for (int64_t i = 0; i < rows; ++i) {
            widen(x + (first + i) * k_ + k0, lines + i * depth, depth);
          }
          transpose_block<uint32_t>(lines, depth, rows, depth, packed + first * k_ + k0 * rows,
                                    rows);
        });
      }
    });
    return packed;
  }

  // Weight rows [row, row + count), columns [k0, k0 + depth), side by side; zeros up to the width.
  void decode_lines(int64_t row, int64_t count, int64_t k0, int64_t depth, float* strip,
                    float* memory) const {
    const auto decode = kernels().blockwise.f32.decode[loader_];
    const int64_t width = kernels().gemm.f32.columns;
    float* line = memory + width * depth;
    float* buffer = line + depth + 2 * kMargin;
    if (count < width) std::fill_n(strip, width * depth, 0.0f);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t first = (row + i) * k_ + k0;
      const int64_t lead = q_.bits == 8 ? 0 : first % 16;
      float* to = memory + i * depth;
      decode(scales_.run(first - lead, depth + lead, buffer), lead ? line : to, false);
      if (lead) std::copy_n(line + lead, depth, to);
    }
    transpose_block<uint32_t>(memory, depth, count, depth, strip, width);
  }

  // The same for rows of whole blocks of nibbles: words are turned around instead of floats.
  void decode_words(int64_t row, int64_t count, int64_t k0, int64_t depth, float* strip,
                    float* memory) const {
    const int64_t width = kernels().gemm.f32.columns, words = depth / 8;
    const int64_t block = k0 / q_.block_size;
    const int64_t blocks = ceil_div(k0 + depth, q_.block_size) - block;
    float* scales = memory + width * words;
    float* biases = scales + width * blocks;
    float* buffer = biases + width * blocks;
    BlockRun run{};
    for (int64_t i = 0; i < width; ++i) {
      if (i < count) {
        run = scales_.run((row + i) * k_ + block * q_.block_size,
                          std::min(blocks * q_.block_size, k_ - block * q_.block_size), buffer);
      }
      for (int64_t b = 0; b < blocks; ++b) {
        scales[b * width + i] = i < count ? run.scales[b] : 0;
        if (run.biases) biases[b * width + i] = i < count ? run.biases[b] : 0;
      }
    }
    auto* turned = reinterpret_cast<uint32_t*>(memory);
    const auto* codes = q_.codes.data_as<uint8_t>() + (row * k_ + k0) / 2;
    if (count < width) std::fill_n(turned, width * words, 0u);
    transpose_block<uint32_t>(codes, k_ / 8, count, words, turned, width);
    kernels().blockwise.decode_words[high_first_](turned, depth, width, q_.block_size, scales,
                                                  run.biases ? biases : nullptr, run_book(run),
                                                  strip);
  }

  static constexpr DType kType = std::is_same_v<T, float>     ? DType::f32
                                 : std::is_same_v<T, float16> ? DType::f16
                                                              : DType::bf16;

  const T* x_;
  const BlockwiseArray& q_;
  const BlockScales scales_;
  const int loader_;
  const float* bias_;
  T* out_;
  const int64_t m_, n_, k_;
  const bool whole_;  // rows of whole blocks and whole words of nibbles
  const bool high_first_;
};

}  // namespace

void CpuBackend::blockwise_matmul(const Array& x, const BlockwiseArray& q, const Array* bias,
                                  const Array& out) {
  visit_half_or_float(
      x.dtype(), [&](auto type) { Product<typename decltype(type)::type>(x, q, bias, out).run(); });
}

}  // namespace bitmetal::cpu
