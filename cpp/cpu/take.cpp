#include <cstring>

#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"

namespace bitmetal::cpu {
namespace {

// Elements of a length that the compiler knows.
template <int64_t kBytes>
void take_elements(const Array& in, const int64_t* indices, const Array& out) {
  const int64_t n = in.shape(1), m = out.shape(1);
  parallel_for(out.shape(0) * m, grain_of(2 * kBytes), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::memcpy(out.data() + i * kBytes, in.data() + (i / m * n + indices[i % m]) * kBytes,
                  kBytes);
    }
  });
}

}  // namespace

void CpuBackend::take(const Array& in, const Array& indices, const Array& out) {
  const int64_t n = in.shape(1), m = out.shape(1);
  const int64_t bytes = in.shape(2) * static_cast<int64_t>(size_of(in.dtype()));
  const int64_t* index = indices.data_as<int64_t>();
  switch (bytes) {
    case 1: return take_elements<1>(in, index, out);
    case 2: return take_elements<2>(in, index, out);
    case 4: return take_elements<4>(in, index, out);
    case 8: return take_elements<8>(in, index, out);
    default: break;
  }
  parallel_for(out.shape(0) * m, grain_of(2 * bytes), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::memcpy(out.data() + i * bytes, in.data() + (i / m * n + index[i % m]) * bytes,
                  static_cast<size_t>(bytes));
    }
  });
}

}  // namespace bitmetal::cpu
