#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/blockwise.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"

namespace bitmetal::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The largest float y of which the lower of two neighbours is the nearest: `y > threshold` decides.
// The middle is exact in double; where a tie goes to the upper one, y has to stay below it.
float threshold_between(float low, float high, bool tie_goes_up) {
  const double middle = (double{low} + double{high}) / 2;
  float threshold = static_cast<float>(middle);
  if (threshold > middle || (tie_goes_up && threshold == middle)) {
    threshold = std::nextafter(threshold, -kInfinity);
  }
  return threshold;
}

// Values that are equal are all the first code's, but for e2m1's two zeros: what is negative and
// rounds to zero gets the negative one.
BlockSearch16 search_16(const float* book, bool ties_to_even) {
  int order[16];
  std::iota(order, order + 16, 0);
  std::stable_sort(order, order + 16, [&](int a, int b) {
    return book[a] < book[b] || (ties_to_even && book[a] == book[b] && a > b);
  });
  BlockSearch16 search;
  std::fill(std::begin(search.thresholds), std::end(search.thresholds), kInfinity);
  int count = 0;
  for (int code : order) {
    if (count > 0) {
      const int before = search.codes[count - 1];
      if (book[before] == book[code] && !ties_to_even) continue;
      search.thresholds[count - 1] = threshold_between(
          book[before], book[code], ties_to_even && (book[before] == book[code] || code % 2 == 0));
    }
    search.codes[count++] = code;
  }
  std::fill(search.codes + count, search.codes + 16, 0);
  for (int level = 0; level < 4; ++level) {
    const int step = 16 >> level;
    std::fill(std::begin(search.levels[level]), std::end(search.levels[level]), kInfinity);
    for (int i = 0; i < 1 << level; ++i) {
      search.levels[level][i] = search.thresholds[i * step + step / 2 - 1];
    }
  }
  return search;
}

void fill_search_256(const float* book, BlockSearch256& search) {
  using S = BlockSearch256;
  search.thresholds[255] = kInfinity;
  for (int i = 254; i >= 0; --i) {  // of equal entries only the first one is chosen
    search.thresholds[i] = book[i] == book[i + 1] ? search.thresholds[i + 1]
                                                  : threshold_between(book[i], book[i + 1], false);
  }
  search.steps = 0;
  const auto count_below = [&](float y) {
    return static_cast<int>(std::lower_bound(search.thresholds, search.thresholds + 255, y) -
                            search.thresholds);
  };
  for (int cell = 0; cell < S::kCells; ++cell) {
    const auto bits = static_cast<uint32_t>(cell + S::kFirst) << S::kShift;
    const float least = cell ? std::bit_cast<float>(bits) : 0.0f;
    const float most = std::bit_cast<float>(bits + (1u << S::kShift) - 1);
    const int above_zero = count_below(least), below_zero = count_below(-most);
    search.below[cell] = static_cast<uint8_t>(above_zero);
    search.below[S::kCells + cell] = static_cast<uint8_t>(below_zero);
    search.steps =
        std::max({search.steps, count_below(most) - above_zero, count_below(-least) - below_zero});
  }
}

// quantize(x, n, out) for runs of whole blocks.
template <class T, class Quantize>
void for_each_run(const Array& x, const BlockwiseArray& q, Quantize quantize) {
  const int64_t n = x.size(), size = q.block_size;
  const int64_t scale_size = size_of(q.scales.dtype());
  parallel_for(q.blocks(), grain_of(size * static_cast<int64_t>(sizeof(T))),
               [&](int64_t begin, int64_t end) {
                 const int64_t first = begin * size, last = std::min(n, end * size);
                 quantize(x.data_as<T>() + first, last - first,
                          BlockOutput{size, q.codes.data_as<uint8_t>() + first * q.bits / 8,
                                      q.scales.data() + begin * scale_size,
                                      q.biases ? q.biases->data() + begin * scale_size : nullptr});
               });
}

template <class T>
void quantize(const Array& x, const BlockwiseArray& q) {
  const BlockTypeKernels<T>& k = kernels().blockwise.of(static_cast<const T*>(nullptr));
  if (q.format == BlockFormat::affine) {
    return for_each_run<T>(x, q, [&](const T* from, int64_t n, const BlockOutput& out) {
      k.quantize_affine(from, n, q.bits, out);
    });
  }
  const auto* book = q.book->data_as<float>();
  if (q.format == BlockFormat::int8) {
    BlockSearch256 search;
    fill_search_256(book, search);
    return for_each_run<T>(x, q, [&](const T* from, int64_t n, const BlockOutput& out) {
      k.quantize_bytes(from, n, search, out);
    });
  }
  const bool e2m1 = q.format > BlockFormat::int8;
  const BlockSearch16 search = search_16(book, e2m1);
  const auto kernel = q.format == BlockFormat::mxfp4   ? k.quantize_mxfp4
                      : q.format == BlockFormat::nvfp4 ? k.quantize_nvfp4
                                                       : k.quantize_absmax;
  for_each_run<T>(x, q, [&](const T* from, int64_t n, const BlockOutput& out) {
    kernel(from, n, search, out);
  });
}

}  // namespace

void CpuBackend::blockwise_quantize(const Array& x, const BlockwiseArray& q) {
  visit_half_or_float(x.dtype(), [&](auto type) { quantize<typename decltype(type)::type>(x, q); });
}

}  // namespace bitmetal::cpu
