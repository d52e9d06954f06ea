// Elements moved from any stride to any other, whatever they mean: only their size counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

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
    for (int64_t i = 0; i < n; ++i) {
      std::memcpy(to + i * to_stride * kSize, from + i * from_stride * kSize, kSize);
    }
  });
}

}  // namespace bitmetal::cpu
