#include <cmath>
#include <limits>

#include "cpu/backend.h"
#include "cpu/convert.h"

namespace bitmetal::cpu {
namespace {

template <class T>
void sum_line(const T* in, int64_t n, int64_t stride, bool mean, const Array& out, int64_t at) {
  double floating = 0;
  uint64_t integer = 0;
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (kFloating<T>) {
      floating += static_cast<double>(in[i * stride]);
    } else if (mean) {
      floating += static_cast<double>(in[i * stride]);
    } else {
      integer += static_cast<uint64_t>(in[i * stride]);
    }
  }
  if (mean) floating = n ? floating / static_cast<double>(n) : std::nan("");
  visit(out.dtype(), [&](auto type) {
    using U = typename decltype(type)::type;
    out.data_as<U>()[at] =
        kFloating<U> ? convert<U>(floating) : convert<U>(static_cast<int64_t>(integer));
  });
}

template <class T>
int64_t best_of(const T* in, int64_t n, int64_t stride, bool least) {
  int64_t best = 0;
  for (int64_t i = 0; i < n; ++i) {
    const T x = in[i * stride], b = in[best * stride];
    if constexpr (kFloating<T>) {
      if (static_cast<double>(x) != static_cast<double>(x)) return i;
    }
    if (least ? x < b : x > b) best = i;
  }
  return best;
}

}  // namespace

void CpuBackend::reduce(Reduction op, const Array& in, const Array& out) {
  const int64_t n = in.shape(1);
  visit(in.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t o = 0; o < in.shape(0); ++o) {
      for (int64_t i = 0; i < in.shape(2); ++i) {
        const T* line = in.data_as<T>() + o * in.stride(0) + i * in.stride(2);
        const int64_t at = o * in.shape(2) + i;
        if (op == Reduction::sum || op == Reduction::mean) {
          sum_line(line, n, in.stride(1), op == Reduction::mean, out, at);
          continue;
        }
        const int64_t best = best_of(line, n, in.stride(1), op == Reduction::min);
        if (op == Reduction::argmax) {
          out.data_as<int64_t>()[at] = best;
        } else {
          out.data_as<T>()[at] = line[best * in.stride(1)];
        }
      }
    }
  });
}

}  // namespace bitmetal::cpu
