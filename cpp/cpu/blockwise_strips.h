// What the tiles of a product of blockwise weights read: strips of activations, as wide as the
// tiles are high, and strips of weights. In float32, or in pairs of bfloat16 where the instruction
// set multiplies those.
//
// A kind of strips has
//   Word, words_of(depth)    what a strip is made of, and how many to a line of so many columns
//   kDepth                   columns to a strip
//   width()                  of a strip of weights, in rows of the weight
//   pack(x, depth, words)    a line of activations
//   floats()                 scratch memory that a thread gives to begin() and decode()
//   begin(row, count)        before the strips of rows [row, row + count)
//   decode(k0, depth, strip) columns [k0, k0 + depth) of them, zero up to the width
//   multiply(rows, a, strip, k0, depth, c, add)
#pragma once

#include <algorithm>
#include <cstring>

#include "core/half.h"
#include "cpu/blockwise.h"
#include "cpu/isa/kernels.h"

namespace bitmetal::cpu {

// Room for zeros on either side of a line: a run of weights may begin before its row.
inline constexpr int64_t kMargin = 16;
// A strip of decoded weights of this depth, and as much of a tile's activations, share L1.
inline constexpr int64_t kStripDepth = 256;

// Rows of a weight, and where it can be said once, what decodes them.
struct BlockMatrix {
  const BlockwiseArray& q;
  BlockScales scales;
  BlockLoader loader;
  int64_t rows, columns;

  explicit BlockMatrix(const BlockwiseArray& array)
      : q(array),
        scales(array),
        loader(loader_of(array)),
        rows(array.shape[0]),
        columns(array.shape[1]) {}

  // Rows of whole blocks and whole words of nibbles.
  bool whole_nibbles() const {
    return q.bits == 4 && columns % 8 == 0 && columns % q.block_size == 0;
  }
  bool high_first() const { return loader == BlockLoader::nibbles_high_first; }
  // Elements before a run of a row's that decoding has to begin with.
  int64_t lead(int64_t first) const { return q.bits == 8 ? 0 : first % 16; }

  // The values of nibbles: affine codes stand for themselves.
  const float* book() const {
    static constexpr float kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return q.book ? q.book->data_as<float>() : kNumbers;
  }
};

// Decodes columns [k0, k0 + depth) of a row to `to`; `line` has room for them and two margins.
template <class T>
void decode_line(const BlockMatrix& w, int64_t row, int64_t k0, int64_t depth, float* buffer,
                 T* line, T* to) {
  const auto decode =
      kernels().blockwise.of(static_cast<const T*>(nullptr)).decode[static_cast<int>(w.loader)];
  const int64_t first = row * w.columns + k0, lead = w.lead(first);
  decode(w.scales.run(first - lead, depth + lead, buffer), lead ? line : to, false);
  if (lead) std::copy_n(line + lead, depth, to);
}

inline int64_t blocks_within(const BlockMatrix& w, int64_t depth) {
  return depth / w.q.block_size + 3;
}

template <class T>
class FloatStrips {
 public:
  using Word = float;
  static constexpr int64_t kDepth = kStripDepth;

  FloatStrips(const BlockMatrix& w, ConvertRun widen) : w_(w), widen_(widen) {}

  static int64_t words_of(int64_t depth) { return depth; }
  static int64_t width() { return kernels().gemm.f32.columns; }
  static int64_t height() { return kernels().gemm.f32.rows; }
  void pack(const T* x, int64_t depth, float* words) const { widen_(x, words, depth); }

  int64_t floats() const {
    const int64_t blocks = width() * blocks_within(w_, kStripDepth);
    return width() * kStripDepth + kStripDepth + 2 * kMargin + 2 * blocks +
           2 * w_.scales.buffer(blocks);
  }
  void begin(int64_t row, int64_t count, float* memory) {
    row_ = row;
    count_ = count;
    memory_ = memory;
  }
  void decode(int64_t k0, int64_t depth, float* strip) const {
    if (w_.whole_nibbles() && width() % 16 == 0) return decode_words(k0, depth, strip);
    float* line = memory_ + width() * depth;
    float* buffer = line + depth + 2 * kMargin;
    if (count_ < width()) std::fill_n(strip, width() * depth, 0.0f);
    for (int64_t i = 0; i < count_; ++i) {
      decode_line(w_, row_ + i, k0, depth, buffer, line, memory_ + i * depth);
    }
    kernels().gemm.transpose(memory_, depth, count_, depth, strip, width());
  }
  void multiply(int64_t rows, const float* a, const float* strip, int64_t, int64_t depth, float* c,
                bool add) const {
    kernels().gemm.f32_rows[rows](a, strip, depth, c, width(), add);
  }

 private:
  // Words are turned around instead of floats.
  void decode_words(int64_t k0, int64_t depth, float* strip) const {
    const int64_t words = depth / 8, block_size = w_.q.block_size, block = k0 / block_size;
    const int64_t blocks = (k0 + depth - 1) / block_size + 1 - block;
    float* scales = memory_ + width() * words;
    float* biases = scales + width() * blocks;
    float* buffer = biases + width() * blocks;
    BlockRun run{};
    for (int64_t i = 0; i < width(); ++i) {
      if (i < count_) {
        run = w_.scales.run((row_ + i) * w_.columns + block * block_size,
                            std::min(blocks * block_size, w_.columns - block * block_size), buffer);
      }
      for (int64_t b = 0; b < blocks; ++b) {
        scales[b * width() + i] = i < count_ ? run.scales[b] : 0;
        if (run.biases) biases[b * width() + i] = i < count_ ? run.biases[b] : 0;
      }
    }
    auto* turned = reinterpret_cast<uint32_t*>(memory_);
    const auto* codes = w_.q.codes.data_as<uint8_t>() + (row_ * w_.columns + k0) / 2;
    if (count_ < width()) std::fill_n(turned, width() * words, 0u);
    kernels().gemm.transpose(codes, w_.columns / 8, count_, words, turned, width());
    kernels().blockwise.decode_words[w_.high_first()](turned, depth, width(), block_size, scales,
                                                      run.biases ? biases : nullptr, w_.book(),
                                                      strip);
  }

  const BlockMatrix& w_;
  const ConvertRun widen_;
  int64_t row_ = 0, count_ = 0;
  float* memory_ = nullptr;
};

// Pairs of decoded weights: the products of value and scale, rounded.
class PairStrips {
 public:
  using Word = uint32_t;
  static constexpr int64_t kDepth = kStripDepth;

  explicit PairStrips(const BlockMatrix& w) : w_(w) {}

  static int64_t words_of(int64_t depth) { return (depth + 7) / 8 * 4; }
  static int64_t width() { return kernels().bf16.columns; }
  static int64_t height() { return kernels().bf16.rows; }
  // Of eight columns word j holds columns j and j + 4; zeros up to a multiple of eight.
  static void pack(const bfloat16* x, int64_t depth, uint32_t* words) {
    typedef uint16_t Eight __attribute__((vector_size(16)));
    for (int64_t k = 0; k < depth; k += 8, words += 4) {
      Eight eight{};
      std::memcpy(&eight, x + k, static_cast<size_t>(std::min<int64_t>(8, depth - k)) * 2);
      eight = __builtin_shufflevector(eight, eight, 0, 4, 1, 5, 2, 6, 3, 7);
      std::memcpy(words, &eight, sizeof eight);
    }
  }

  int64_t floats() const {
    return width() * kStripDepth / 2 + kStripDepth + 2 * kMargin +
           w_.scales.buffer(blocks_within(w_, kStripDepth));
  }
  void begin(int64_t row, int64_t count, float* memory) {
    row_ = row;
    count_ = count;
    memory_ = memory;
  }
  void decode(int64_t k0, int64_t depth, uint32_t* strip) const {
    const int64_t words = words_of(depth);
    auto* packed = reinterpret_cast<uint32_t*>(memory_);
    auto* to = reinterpret_cast<bfloat16*>(packed + width() * words);
    auto* line = to + depth;
    float* buffer = memory_ + width() * words + depth + 2 * kMargin;
    if (count_ < width()) std::fill_n(strip, width() * words, 0u);
    for (int64_t i = 0; i < count_; ++i) {
      decode_line(w_, row_ + i, k0, depth, buffer, line, to);
      pack(to, depth, packed + i * words);
    }
    kernels().gemm.transpose(packed, words, count_, words, strip, width());
  }
  static void multiply(int64_t rows, const uint32_t* a, const uint32_t* strip, int64_t,
                       int64_t depth, float* c, bool add) {
    kernels().bf16.multiply[rows](a, strip, words_of(depth), c, width(), add);
  }

 private:
  const BlockMatrix& w_;
  int64_t row_ = 0, count_ = 0;
  float* memory_ = nullptr;
};

// Whole nibbles without biases, which the tiles decode.
class NibbleStrips {
 public:
  using Word = uint32_t;
  static constexpr int64_t kDepth = 2 * kStripDepth;  // not decoded they are an eighth as large

  explicit NibbleStrips(const BlockMatrix& w) : w_(w), blocks_(w.columns / w.q.block_size) {}

  static int64_t words_of(int64_t depth) { return PairStrips::words_of(depth); }
  static int64_t width() { return kNibbleStrip; }
  static int64_t height() { return kernels().bf16.rows; }
  static void pack(const bfloat16* x, int64_t depth, uint32_t* words) {
    PairStrips::pack(x, depth, words);
  }

  int64_t floats() const {
    const int64_t all = width() * (blocks_ + 1);
    return all + w_.scales.buffer(all);
  }
  void begin(int64_t row, int64_t count, float* memory) {
    row_ = row;
    count_ = count;
    scales_ = memory;
    const BlockRun run =
        w_.scales.run(row * w_.columns, count * w_.columns, memory + width() * blocks_);
    if (count < width()) std::fill_n(memory, width() * blocks_, 0.0f);
    if (w_.scales.buffer(1) == 0) {  // those of the next rows, which are read in no plain order
      const float* next = run.scales + count * blocks_;
      for (int64_t i = 0; i < count * blocks_; i += 16) __builtin_prefetch(next + i, 0, 2);
    }
    kernels().gemm.transpose(run.scales, blocks_, count, blocks_, memory, width());
  }
  void decode(int64_t k0, int64_t depth, uint32_t* strip) const {
    const auto* codes = w_.q.codes.data_as<uint8_t>() + (row_ * w_.columns + k0) / 2;
    kernels().bf16.turn_nibbles(codes, w_.columns / 2, count_, depth, strip);
  }
  void multiply(int64_t rows, const uint32_t* a, const uint32_t* strip, int64_t k0, int64_t depth,
                float* c, bool add) const {
    const int64_t size = w_.q.block_size;
    kernels().bf16.multiply_nibbles[w_.high_first()][rows](a, strip, depth, count_, w_.book(), size,
                                                           scales_ + k0 / size * width(), c, add);
  }

 private:
  const BlockMatrix& w_;
  const int64_t blocks_;  // of a row
  int64_t row_ = 0, count_ = 0;
  float* scales_ = nullptr;  // [blocks][width]
};

}  // namespace bitmetal::cpu
