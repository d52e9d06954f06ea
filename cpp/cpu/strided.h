// Elements moved from any stride to any other, whatever they mean: only their size counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

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
    // Loops in which compilers see the distance between elements become vector code.
    const auto move = [&](auto step_from, auto step_to) {
      for (int64_t i = 0; i < n; ++i) {
        std::memcpy(to + i * step_to * kSize, from + i * step_from * kSize, kSize);
      }
    };
    using One = std::integral_constant<int64_t, 1>;
    using Two = std::integral_constant<int64_t, 2>;
    using Back = std::integral_constant<int64_t, -1>;
    if (to_stride == 1 && from_stride == 2) return move(Two{}, One{});
    if (to_stride == 1 && from_stride == -1) return move(Back{}, One{});
    if (to_stride == 2 && from_stride == 1) return move(One{}, Two{});
    move(from_stride, to_stride);
  });
}

}  // namespace bitmetal::cpu
