#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

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

void fill_cells(BlockSearch256& search) {
  using S = BlockSearch256;
  // Few thresholds lie between one call's value and the next one's.
  const auto count_below = [&](int& count, float y) {
    while (count < 255 && search.thresholds[count] < y) ++count;
    while (count > 0 && !(search.thresholds[count - 1] < y)) --count;
    return count;
  };
  int above_zero = 127, above_last = 127, below_zero = 127, below_last = 127;
  search.steps = 0;
  for (int cell = 0; cell < S::kCells; ++cell) {
    const auto bits = static_cast<uint32_t>(cell + S::kFirst) << S::kShift;
    const float least = cell ? std::bit_cast<float>(bits) : 0.0f;
    const float most = std::bit_cast<float>(bits + (1u << S::kShift) - 1);
    search.below[cell] = static_cast<uint8_t>(count_below(above_zero, least));
    search.below[S::kCells + cell] = static_cast<uint8_t>(count_below(below_zero, -most));
    search.steps = std::max({search.steps, count_below(above_last, most) - above_zero,
                             count_below(below_last, -least) - below_zero});
  }
}

// Thresholds between zero and larger magnitudes, as keys: what is rotated to more than a key lies
// beyond it, on either side. Empty where the sides differ. The sign being the last bit, even keys
// are reached by a negative value that equals them, odd ones by no value.
std::vector<uint32_t> symmetric_keys(const float* thresholds, int zero) {
  std::vector<uint32_t> keys;
  for (int i = 0; zero + i < 255 || i < zero; ++i) {
    const bool above = zero + i < 255, below = i < zero;
    const uint32_t up = above ? std::bit_cast<uint32_t>(thresholds[zero + i]) : 0;
    const uint32_t down = below ? std::bit_cast<uint32_t>(-thresholds[zero - 1 - i]) : up;
    if (above && down != up && down != up + 1) return {};
    const uint32_t key = 2 * (above ? up : down) + (above && down != up ? 1 : 0);
    if (!keys.empty() && key <= keys.back()) return {};
    keys.push_back(key);
  }
  return keys;
}

void fill_byte_cells(BlockSearch256& search) {
  auto& cells = search.bytes;
  cells = {};
  const auto zero =
      std::lower_bound(search.thresholds, search.thresholds + 255, 0.0f) - search.thresholds;
  cells.zero = static_cast<uint8_t>(zero);
  const std::vector<uint32_t> keys = symmetric_keys(search.thresholds, static_cast<int>(zero));
  std::memset(cells.threshold, 255, sizeof cells.threshold);  // above all values
  size_t from = 0, cells_used = 0;
  for (uint32_t exponent = 0; exponent < 128; ++exponent) {
    size_t to = from;
    while (to < keys.size() && keys[to] >> 24 == exponent) ++to;
    int count = to > from;
    const auto cell_of = [&](size_t i) {
      return (keys[i] >> 16 & 255) * static_cast<uint32_t>(count) >> 8;
    };
    const auto shared = [&] {
      for (size_t i = from + 1; i < to; ++i) {
        if (cell_of(i) == cell_of(i - 1)) return true;
      }
      return false;
    };
    while (count <= 127 && shared()) ++count;
    // Exponents without thresholds share a cell with those before.
    const bool goes_on = count == 0 && exponent > 0 && cells.count[exponent - 1] == 0;
    const size_t first = goes_on ? cells_used - 1 : cells_used;
    cells_used = first + static_cast<size_t>(std::max(count, 1));
    if (count > 127 || cells_used > 256) return;
    cells.first[exponent] = static_cast<uint8_t>(first);
    cells.count[exponent] = static_cast<int8_t>(count);
    for (size_t cell = first, i = from; cell < cells_used; ++cell) {
      cells.below[cell] = static_cast<uint8_t>(i);
      if (i == to || cell_of(i) != cell - first) continue;
      for (int byte = 0; byte < 3; ++byte) {
        cells.threshold[byte][cell] = static_cast<uint8_t>(keys[i] >> (16 - 8 * byte));
      }
      ++i;
    }
    from = to;
  }
  cells.usable = !keys.empty();
}

void fill_search_256(const float* book, BlockSearch256& search) {
  search.thresholds[255] = kInfinity;
  for (int i = 254; i >= 0; --i) {  // of equal entries only the first one is chosen
    search.thresholds[i] = book[i] == book[i + 1] ? search.thresholds[i + 1]
                                                  : threshold_between(book[i], book[i + 1], false);
  }
  fill_cells(search);
  fill_byte_cells(search);
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
