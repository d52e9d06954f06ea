// Transposition of a block of memory, whatever its elements mean: only their size counts.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

namespace bitmetal::cpu {

// Calls f with an unsigned integer of that many bytes.
template <class F>
void by_size(int64_t size, F&& f) {
  switch (size) {
    case 1: return f(uint8_t{});
    case 2: return f(uint16_t{});
    case 4: return f(uint32_t{});
    default: return f(uint64_t{});
  }
}

template <class T>
struct TransposeSquare {
  // Registers of 16 bytes, which every processor has; a square of side kSide fills kSide of them.
  static constexpr int kSide = 16 / sizeof(T);
  typedef T Row __attribute__((vector_size(16)));

  // Elements kFrom, kFrom + 1, ... of a and b by turns.
  template <int kFrom, size_t... i>
  static Row zip(Row a, Row b, std::index_sequence<i...>) {
    return __builtin_shufflevector(a, b, (kFrom + static_cast<int>(i) / 2 + (i % 2) * kSide)...);
  }

  static void run(const T* in, int64_t in_stride, T* out, int64_t out_stride) {
    constexpr auto kEach = std::make_index_sequence<kSide>{};
    Row row[kSide], zipped[kSide];
    for (int i = 0; i < kSide; ++i) std::memcpy(&row[i], in + i * in_stride, sizeof(Row));
    // Zipping row i with row i + kSide / 2, log2(kSide) times over, is a transposition.
    for (int width = 1; width < kSide; width *= 2) {
      for (int i = 0; i < kSide / 2; ++i) {
        zipped[2 * i] = zip<0>(row[i], row[i + kSide / 2], kEach);
        zipped[2 * i + 1] = zip<kSide / 2>(row[i], row[i + kSide / 2], kEach);
      }
      std::memcpy(row, zipped, sizeof(row));
    }
    for (int i = 0; i < kSide; ++i) std::memcpy(out + i * out_stride, &row[i], sizeof(Row));
  }
};

// out[j][i] = in[i][j] for i < rows, j < columns; elements of a row follow one another.
template <class T>
void transpose_block(const void* in_bytes, int64_t in_stride, int64_t rows, int64_t columns,
                     void* out_bytes, int64_t out_stride) {
  using Square = TransposeSquare<T>;
  const T* in = static_cast<const T*>(in_bytes);
  T* out = static_cast<T*>(out_bytes);
  int64_t j = 0;
  for (; j + Square::kSide <= columns; j += Square::kSide) {
    int64_t i = 0;
    for (; i + Square::kSide <= rows; i += Square::kSide) {
      Square::run(in + i * in_stride + j, in_stride, out + j * out_stride + i, out_stride);
    }
    for (; i < rows; ++i) {
      for (int64_t c = j; c < j + Square::kSide; ++c) {
        out[c * out_stride + i] = in[i * in_stride + c];
      }
    }
  }
  for (; j < columns; ++j) {
    for (int64_t i = 0; i < rows; ++i) out[j * out_stride + i] = in[i * in_stride + j];
  }
}

// The same into a buffer, a few rows at a time: for rows so far apart that a cache cannot hold a
// piece of each. Fetches what follows in every row ahead.
template <class T>
void turn_rows(const std::byte* in, int64_t in_stride, int64_t rows, int64_t columns, T* out,
               int64_t out_stride) {
  constexpr int64_t kStep = TransposeSquare<T>::kSide, kLine = 64;
  const int64_t row_bytes = in_stride * static_cast<int64_t>(sizeof(T));
  const int64_t bytes = columns * static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < rows; i += kStep) {
    const int64_t count = rows - i < kStep ? rows - i : kStep;
    for (int64_t r = i; r < i + count; ++r) {
      for (int64_t at = 0; at < bytes; at += kLine) {
        __builtin_prefetch(in + r * row_bytes + bytes + at, 0, 2);
      }
    }
    transpose_block<T>(in + i * row_bytes, in_stride, count, columns, out + i, out_stride);
  }
}

}  // namespace bitmetal::cpu
