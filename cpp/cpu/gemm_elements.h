// What the dense matrix engine multiplies: elements in words, packed from an operand's lines. A
// kind of elements has
//   Word, Sum               of an operand's strips and of the result's tiles
//   rows(), columns()       of a tile
//   per_word()              elements of a line to a word
//   pack(side, line, k, words)         k elements of a line, zeros to the end of the last word
//   pack_across(at, k, n, words)       the first word, of at most k elements, of n lines side by
//                                      side, where kSideBySide; at(i) is where their elements i lie
//   multiply(a, b, words, c, stride, add)
//   write(sums, offsets, n, out)       a row of results
//   multiply_offsets(b, words, c, stride, add), where kOffsets: what each column has too much
#pragma once

#include <cstring>

#include "cpu/isa/kernels.h"

namespace bitmetal::cpu {

enum class Side { left, right };

// The height of tiles that are about equal and together cover m rows.
inline int tile_rows(int64_t m, int most) {
  const int64_t tiles = (m + most - 1) / most;
  return static_cast<int>((m + tiles - 1) / tiles);
}

// Elements that are computed with in float32 or float64, each a word.
template <class C>
class WideElements {
 public:
  using Word = C;
  using Sum = C;
  static constexpr bool kOffsets = false, kSideBySide = true;

  WideElements(DType dtype, int64_t m)
      : tile_(tile_for(m)),
        decode_(kernels().convert.of(dtype, kComputed)),
        encode_(kernels().convert.of(kComputed, dtype)) {}

  int rows() const { return tile_.rows; }
  int columns() const { return tile_.columns; }
  static int64_t per_word() { return 1; }
  void pack(Side, const std::byte* line, int64_t k, C* words) const { decode_(line, words, k); }
  template <class At>
  void pack_across(At at, int64_t, int64_t n, C* words) const {
    decode_(at(0), words, n);
  }
  void multiply(const C* a, const C* b, int64_t words, C* c, int64_t stride, bool add) const {
    tile_.multiply(a, b, words, c, stride, add);
  }
  void write(const C* sums, const C*, int64_t n, std::byte* out) const { encode_(sums, out, n); }

 private:
  static constexpr DType kComputed = sizeof(C) == 4 ? DType::f32 : DType::f64;
  static TileKernel<C> tile_for(int64_t m) {
    const GemmKernels& kernels = cpu::kernels().gemm;
    TileKernel<C> tile = kernels.of(C{});
    if constexpr (sizeof(C) == 4) {
      tile.rows = tile_rows(m, tile.rows);
      tile.multiply = kernels.f32_rows[tile.rows];
    }
    return tile;
  }

  const TileKernel<C> tile_;
  const ConvertRun decode_, encode_;
};

// Pairs of bfloat16, where the instruction set multiplies them.
class Bf16Elements {
 public:
  using Word = uint32_t;
  using Sum = float;
  static constexpr bool kOffsets = false, kSideBySide = true;

  explicit Bf16Elements(int64_t m) : rows_(tile_rows(m, kernels_.rows)) {}

  int rows() const { return rows_; }
  int columns() const { return kernels_.columns; }
  static int64_t per_word() { return 2; }
  static void pack(Side, const std::byte* line, int64_t k, uint32_t* words) {
    if (k % 2) words[k / 2] = 0;
    std::memcpy(words, line, static_cast<size_t>(k) * sizeof(uint16_t));
  }
  template <class At>
  static void pack_across(At at, int64_t k, int64_t n, uint32_t* words) {
    const auto* low = reinterpret_cast<const uint16_t*>(at(0));
    const auto* high = k > 1 ? reinterpret_cast<const uint16_t*>(at(1)) : nullptr;
    for (int64_t i = 0; i < n; ++i) words[i] = low[i];
    for (int64_t i = 0; i < (high ? n : 0); ++i) words[i] |= uint32_t{high[i]} << 16;
  }
  void multiply(const uint32_t* a, const uint32_t* b, int64_t words, float* c, int64_t stride,
                bool add) const {
    kernels_.multiply[rows_](a, b, words, c, stride, add);
  }
  void write(const float* sums, const float*, int64_t n, std::byte* out) const {
    encode_(sums, out, n);
  }

 private:
  const Bf16Kernels& kernels_ = kernels().bf16;
  const int rows_;
  const ConvertRun encode_ = kernels().convert.of(DType::f32, DType::bf16);
};

// int8 with sums in int32, modulo 2^32. Lines are contiguous.
class Int8Elements {
 public:
  using Word = uint32_t;
  using Sum = uint32_t;
  static constexpr bool kOffsets = true, kSideBySide = false;

  explicit Int8Elements(int64_t m) : rows_(tile_rows(m, kernels_.rows)) {}

  int rows() const { return rows_; }
  int columns() const { return kernels_.columns; }
  int64_t per_word() const { return kernels_.per_word; }
  void pack(Side side, const std::byte* line, int64_t k, uint32_t* words) const {
    const auto pack = side == Side::left ? kernels_.pack_left : kernels_.pack_right;
    pack(reinterpret_cast<const int8_t*>(line), k, words);
  }
  void multiply(const uint32_t* a, const uint32_t* b, int64_t words, uint32_t* c, int64_t stride,
                bool add) const {
    kernels_.tile[rows_](a, b, words, c, stride, add);
  }
  // The products with zeros, as they stand on the left.
  void multiply_offsets(const uint32_t* b, int64_t words, uint32_t* c, int64_t stride,
                        bool add) const {
    if (kernels_.offset == 0) {
      std::memset(c, 0, static_cast<size_t>(columns()) * sizeof(uint32_t));
      return;
    }
    uint32_t zeros[kStep] = {};
    for (uint32_t& word : zeros) word = static_cast<uint32_t>(kernels_.offset) * 0x01010101u;
    for (int64_t p = 0; p < words; p += kStep) {
      const int64_t count = words - p < kStep ? words - p : kStep;
      kernels_.tile[1](zeros, b + p * columns(), count, c, stride, add || p > 0);
    }
  }
  static void write(const uint32_t* sums, const uint32_t* offsets, int64_t n, std::byte* out) {
    auto* to = reinterpret_cast<uint32_t*>(out);
    for (int64_t i = 0; i < n; ++i) to[i] = sums[i] - offsets[i];
  }

 private:
  static constexpr int64_t kStep = 64;
  const Int8Kernels& kernels_ = kernels().int8;
  const int rows_;
};

}  // namespace bitmetal::cpu
