#pragma once

#include "cpu/kernels/vector.inl"

// A vector of kBytes of elements of one size.
template <class Word, int kBytes>
struct MovedVector {
  static constexpr int kCount = kBytes / sizeof(Word);
  typedef Word V __attribute__((vector_size(kBytes)));
  using Each = std::make_integer_sequence<int, kCount>;

  template <int... i>
  BITMETAL_INLINE static void reverse(V& v, std::integer_sequence<int, i...>) {
    v = __builtin_shufflevector(v, v, (kCount - 1 - i)...);
  }
  template <int kFirst, int... i>
  BITMETAL_INLINE static void choose(V& v, const V& next, std::integer_sequence<int, i...>) {
    v = __builtin_shufflevector(v, next, (kFirst + 2 * i)...);
  }
};

// Each of these moves n elements where a vector has so many, the last ones of them twice where they
// are no multiple, and tells whether it did.

template <int kBytes>
inline bool move_neighbours(const std::byte* from, std::byte* to, int64_t bytes) {
  using V = typename MovedVector<uint8_t, kBytes>::V;
  if (bytes < kBytes) return false;
  for (int64_t i = 0; i + kBytes <= bytes; i += kBytes) store(load<V>(from + i), to + i);
  store(load<V>(from + bytes - kBytes), to + bytes - kBytes);
  return true;
}

template <class Word, int kBytes>
inline bool move_reversed(const std::byte* from, std::byte* to, int64_t n) {
  using M = MovedVector<Word, kBytes>;
  constexpr int64_t kSize = sizeof(Word);
  if (n < M::kCount) return false;
  const auto move = [&](int64_t i) BITMETAL_INLINE {
    auto v = load<typename M::V>(from - (i + M::kCount - 1) * kSize);
    M::reverse(v, typename M::Each{});
    store(v, to + i * kSize);
  };
  for (int64_t i = 0; i + M::kCount <= n; i += M::kCount) move(i);
  move(n - M::kCount);
  return true;
}

template <class Word, int kBytes>
inline bool move_every_second(const std::byte* from, std::byte* to, int64_t n) {
  using M = MovedVector<Word, kBytes>;
  constexpr int64_t kSize = sizeof(Word);
  if (n <= M::kCount) return false;
  // The first or the second of each two from element `at` on.
  const auto move = [&](auto first, int64_t at, int64_t i) BITMETAL_INLINE {
    auto v = load<typename M::V>(from + at * kSize);
    const auto next = load<typename M::V>(from + (at + M::kCount) * kSize);
    M::template choose<first>(v, next, typename M::Each{});
    store(v, to + i * kSize);
  };
  // Reads the element after the last one that it moves.
  for (int64_t i = 0; i + M::kCount < n; i += M::kCount) {
    move(std::integral_constant<int, 0>{}, 2 * i, i);
  }
  const int64_t last = n - M::kCount;
  move(std::integral_constant<int, 1>{}, 2 * last - 1, last);
  return true;
}

// With vectors of the machine, then with such as every processor has, then one by one.
template <class Word, class Move>
BITMETAL_INLINE inline void move_row(const Moves& m, int64_t row, Move move) {
  constexpr int64_t kSize = sizeof(Word);  // strides may be negative
  const std::byte* from = m.from + row * m.from_step * kSize;
  std::byte* to = m.to + row * m.to_step * kSize;
  if (move(std::integral_constant<int, kVectorBytes>{}, from, to)) return;
  if (kVectorBytes > 16 && move(std::integral_constant<int, 16>{}, from, to)) return;
  for (int64_t i = 0; i < m.n; ++i) {
    std::memcpy(to + i * m.to_stride * kSize, from + i * m.from_stride * kSize, kSize);
  }
}

template <class Word>
void move_rows(const Moves& moves) {
  const Moves m = moves;  // which no store changes
  constexpr int64_t kSize = sizeof(Word);
  constexpr int64_t kLong = 4096;  // bytes, for which a call of memcpy is worth it
  const auto each = [&](auto move) BITMETAL_INLINE {
    for (int64_t row = 0; row < m.rows; ++row) move_row<Word>(m, row, move);
  };
  if (m.to_stride == 1 && m.from_stride == 1) {
    const int64_t bytes = m.n * kSize;
    each([bytes](auto width, const std::byte* from, std::byte* to) BITMETAL_INLINE {
      if (bytes < kLong) return move_neighbours<width>(from, to, bytes);
      std::memcpy(to, from, static_cast<size_t>(bytes));
      return true;
    });
  } else if (m.to_stride == 1 && m.from_stride == -1) {
    each([n = m.n](auto width, const std::byte* from, std::byte* to)
             BITMETAL_INLINE { return move_reversed<Word, width>(from, to, n); });
  } else if (m.to_stride == 1 && m.from_stride == 2) {
    each([n = m.n](auto width, const std::byte* from, std::byte* to)
             BITMETAL_INLINE { return move_every_second<Word, width>(from, to, n); });
  } else if (m.to_stride == 1 && m.from_stride == 0) {
    each([n = m.n](auto, const std::byte* from, std::byte* to) BITMETAL_INLINE {
      const Word word = load<Word>(from);
      for (int64_t i = 0; i < n; ++i) store(word, to + i * kSize);
      return true;
    });
  } else if (m.to_stride == 2 && m.from_stride == 1) {
    each([n = m.n](auto, const std::byte* from, std::byte* to) BITMETAL_INLINE {
      for (int64_t i = 0; i < n; ++i) store(load<Word>(from + i * kSize), to + 2 * i * kSize);
      return true;
    });
  } else {
    each([](auto, const std::byte*, std::byte*) BITMETAL_INLINE { return false; });
  }
}

constexpr MoveKernels kMoveKernels = {
    {move_rows<uint8_t>, move_rows<uint16_t>, move_rows<uint32_t>, move_rows<uint64_t>}};
