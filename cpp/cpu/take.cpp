#include <algorithm>
#include <cstring>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/transpose.h"

namespace bitmetal::cpu {
namespace {

// Calls move(from, index, to, count) for runs of indices.
template <class Move>
void each_run(const Array& in, const int64_t* indices, const Array& out, int64_t bytes, Move move) {
  const int64_t n = in.shape(1), m = out.shape(1);
  parallel_for(out.shape(0) * m, grain_of(2 * bytes), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin, count; i < end; i += count) {
      const int64_t outer = i / m, first = i % m;
      count = std::min(m - first, end - i);
      move(in.data() + outer * n * bytes, indices + first, out.data() + i * bytes, count);
    }
  });
}

// Four loads before their stores: a load behind stores waits until it is known that it reads none
// of what they write.
template <class Word>
void take_words(const std::byte* from, const int64_t* index, std::byte* to, int64_t count) {
  constexpr int64_t kSize = sizeof(Word), kTogether = 4;
  int64_t i = 0;
  for (; i + kTogether <= count; i += kTogether) {
    Word word[kTogether];
    for (int64_t k = 0; k < kTogether; ++k)
      std::memcpy(&word[k], from + index[i + k] * kSize, kSize);
    for (int64_t k = 0; k < kTogether; ++k) std::memcpy(to + (i + k) * kSize, &word[k], kSize);
  }
  for (; i < count; ++i) std::memcpy(to + i * kSize, from + index[i] * kSize, kSize);
}

}  // namespace

void CpuBackend::take(const Array& in, const Array& indices, const Array& out) {
  const int64_t bytes = in.shape(2) * static_cast<int64_t>(size_of(in.dtype()));
  const int64_t* index = indices.data_as<int64_t>();
  if (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) {
    return by_size(bytes,
                   [&](auto word) { each_run(in, index, out, bytes, take_words<decltype(word)>); });
  }
  each_run(in, index, out, bytes,
           [bytes](const std::byte* from, const int64_t* at, std::byte* to, int64_t count) {
             for (int64_t i = 0; i < count; ++i) {
               std::memcpy(to + i * bytes, from + at[i] * bytes, static_cast<size_t>(bytes));
             }
           });
}

}  // namespace bitmetal::cpu
