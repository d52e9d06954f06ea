// Writes rows of results: through the caches, or past them where the whole is long.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cpu/stream.h"

namespace bitmetal::cpu {

// Calls produce(begin, count, destination) for consecutive parts of a row of n elements, which are
// `size` bytes long; what it has written is brought to `out`. When `streams` is set the caller
// ends with stream_fence().
template <class Produce>
void write_row(std::byte* out, int64_t n, int64_t size, bool streams, Produce produce) {
  if (!streams) return produce(int64_t{0}, n, out);
  constexpr int64_t kBlockBytes = 4096;  // stays in L1 on its way
  alignas(64) std::byte block[kBlockBytes];
  const int64_t step = kBlockBytes / size;
  for (int64_t i = 0; i < n; i += step) {
    const int64_t count = std::min(step, n - i);
    produce(i, count, block);
    stream(out + i * size, block, count * size);
  }
}

}  // namespace bitmetal::cpu
