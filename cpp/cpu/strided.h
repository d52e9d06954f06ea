// Elements moved from any stride to any other, whatever they mean: only their size counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
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

// Vectors of 16 bytes, which every processor has.
template <class Word>
struct Strip {
  static constexpr int64_t kCount = 16 / sizeof(Word);
  typedef Word Vector __attribute__((vector_size(16)));
  using Each = std::make_integer_sequence<int, kCount>;

  static Vector load(const std::byte* p) {
    Vector v;
    std::memcpy(&v, p, sizeof(v));
    return v;
  }
  template <int... i>
  static Vector reversed(Vector v, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(v, v, (static_cast<int>(kCount) - 1 - i)...);
  }
  template <int... i>
  static Vector every_second(Vector a, Vector b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (2 * i)...);
  }
};

// Short runs, for which a call of memcpy would take longer than the copy.
inline void move_short(const std::byte* from, std::byte* to, int64_t bytes) {
  constexpr int64_t kBytes = 16, kShort = 512;
  if (bytes < kBytes || bytes > kShort) {
    std::memcpy(to, from, static_cast<size_t>(bytes));
    return;
  }
  for (int64_t i = 0; i + kBytes <= bytes; i += kBytes) std::memcpy(to + i, from + i, kBytes);
  std::memcpy(to + bytes - kBytes, from + bytes - kBytes, kBytes);  // the last ones, some twice
}

// n elements of `size` bytes; strides in elements.
inline void move_strided(int64_t size, const std::byte* from, int64_t from_stride, std::byte* to,
                         int64_t to_stride, int64_t n) {
  if (from_stride == 1 && to_stride == 1) {
    std::memcpy(to, from, static_cast<size_t>(n * size));
    return;
  }
  by_size(size, [&](auto word) {
    constexpr auto kSize = static_cast<int64_t>(sizeof(word));  // strides may be negative
    if (from_stride == 0 && to_stride == 1) {                   // a loop that compilers vectorize
      std::memcpy(&word, from, kSize);
      for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * kSize, &word, kSize);
      return;
    }
    const auto move = [&](auto step_from, auto step_to, int64_t first) {
      for (int64_t i = first; i < n; ++i) {
        std::memcpy(to + i * step_to * kSize, from + i * step_from * kSize, kSize);
      }
    };
    using S = Strip<decltype(word)>;
    int64_t done = 0;
    if (to_stride == 1 && from_stride == -1) {
      for (; done + S::kCount <= n; done += S::kCount) {
        const auto v = S::load(from - (done + S::kCount - 1) * kSize);
        const auto reversed = S::reversed(v, typename S::Each{});
        std::memcpy(to + done * kSize, &reversed, sizeof(v));
      }
    } else if (to_stride == 1 && from_stride == 2) {
      for (; done + S::kCount < n; done += S::kCount) {  // reads the element after the last one
        const std::byte* p = from + 2 * done * kSize;
        const auto chosen = S::every_second(S::load(p), S::load(p + 16), typename S::Each{});
        std::memcpy(to + done * kSize, &chosen, sizeof(chosen));
      }
    } else if (to_stride == 2 && from_stride == 1) {  // a loop that compilers vectorize
      using One = std::integral_constant<int64_t, 1>;
      using Two = std::integral_constant<int64_t, 2>;
      return move(One{}, Two{}, done);
    }
    move(from_stride, to_stride, done);
  });
}

}  // namespace bitmetal::cpu
