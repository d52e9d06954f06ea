#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"

namespace bitmetal::cpu {
namespace {

// Pieces of `bytes`, a constant where the compiler is to know it.
template <class Bytes>
void take_pieces(const Array& in, const int64_t* indices, const Array& out, Bytes bytes) {
  const int64_t n = in.shape(1), m = out.shape(1);
  parallel_for(out.shape(0) * m, grain_of(2 * bytes), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin, count; i < end; i += count) {
      const int64_t outer = i / m, first = i % m;
      count = std::min(m - first, end - i);
      // Locals, which no store changes.
      const std::byte* const from = in.data() + outer * n * bytes;
      std::byte* const to = out.data() + i * bytes;
      const int64_t* const index = indices + first;
      const Bytes size = bytes;
      for (int64_t j = 0, end = count; j < end; ++j) {
        std::memcpy(to + j * size, from + index[j] * size, static_cast<size_t>(size));
      }
    }
  });
}

template <int64_t bytes>
using Constant = std::integral_constant<int64_t, bytes>;

}  // namespace

void CpuBackend::take(const Array& in, const Array& indices, const Array& out) {
  const int64_t bytes = in.shape(2) * static_cast<int64_t>(size_of(in.dtype()));
  const int64_t* index = indices.data_as<int64_t>();
  switch (bytes) {
    case 1: return take_pieces(in, index, out, Constant<1>{});
    case 2: return take_pieces(in, index, out, Constant<2>{});
    case 4: return take_pieces(in, index, out, Constant<4>{});
    case 8: return take_pieces(in, index, out, Constant<8>{});
    default: return take_pieces(in, index, out, bytes);
  }
}

}  // namespace bitmetal::cpu
