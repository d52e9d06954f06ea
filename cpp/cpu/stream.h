// Stores that pass the caches by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace bitmetal::cpu {

// Results longer than this are streamed to memory: they would only drive each other out of the
// caches, and a line that is stored whole need not be read first.
constexpr size_t kStreamBytes = size_t{8} << 20;

// Other threads may see it late: stream_fence() comes before they are told.
inline void stream(void* to, const void* from, size_t bytes) {
#if defined(__x86_64__)
  auto* out = static_cast<std::byte*>(to);
  auto* in = static_cast<const std::byte*>(from);
  constexpr size_t kLine = 64;
  if (bytes >= 2 * kLine) {
    const size_t head = -reinterpret_cast<uintptr_t>(out) % kLine;
    std::memcpy(out, in, head);
    out += head;
    in += head;
    bytes -= head;
    for (; bytes >= kLine; bytes -= kLine, out += kLine, in += kLine) {
      for (size_t i = 0; i < kLine; i += sizeof(__m128i)) {
        _mm_stream_si128(reinterpret_cast<__m128i*>(out + i),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i)));
      }
    }
  }
  std::memcpy(out, in, bytes);
#else
  std::memcpy(to, from, bytes);
#endif
}

inline void stream_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

}  // namespace bitmetal::cpu
