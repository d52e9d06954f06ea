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

template <class T>
class Quantizer {
 public:
  Quantizer(const Array& x, const BlockwiseArray& q)
      : x_(x.data_as<T>()), q_(q), n_(x.size()), k_(kernels().blockwise.of(x_)) {}

  void run() {
    const auto* book = q_.book ? q_.book->data_as<float>() : nullptr;
    const bool high_first = q_.format <= BlockFormat::fp4;
    if (q_.format == BlockFormat::int8) {
      BlockSearch256 search;
      fill_search_256(book, search);
      uint8_t zero;
      const float none = 0;
      kernels().blockwise.f32.quantize_bytes(&none, 1, 1, search, &zero);
      return blocks([&](const T* x, int64_t count, uint8_t* codes, float divisor) {
        if (divisor == 0) return static_cast<void>(std::memset(codes, zero, count));
        k_.quantize_bytes(x, count, divisor, search, codes);
      });
    }
    const BlockSearch16 search = search_16(book, !high_first);
    const uint8_t zeros = q_.format == BlockFormat::nf4 ? 0x77 : 0;
    blocks([&](const T* x, int64_t count, uint8_t* codes, float divisor) {
      if (divisor == 0) return static_cast<void>(std::memset(codes, zeros, (count + 1) / 2));
      k_.quantize_nibbles(x, count, divisor, search, high_first, codes);
    });
  }

 private:
  // encode(x, count, codes, divisor) for each block; a divisor of 0 asks for zeros.
  template <class Encode>
  void blocks(Encode encode) const {
    const int64_t size = q_.block_size;
    auto* codes = q_.codes.data_as<uint8_t>();
    parallel_for(q_.blocks(), grain_of(size * static_cast<int64_t>(sizeof(T))),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t block = begin; block < end; ++block) {
                     const int64_t first = block * size, count = std::min(size, n_ - first);
                     const float divisor = scale(block, k_.absmax(x_ + first, count));
                     encode(x_ + first, count, codes + first * q_.bits / 8, divisor);
                   }
                 });
  }

  // Stores a block's scale; returns what its elements are divided by, or 0 where all get the code
  // of 0.
  float scale(int64_t block, float absmax) const {
    const bool finite = absmax < kInfinity;
    if (q_.format <= BlockFormat::int8) {
      q_.scales.data_as<float>()[block] = absmax;
      return finite ? absmax : 0;
    }
    uint8_t& stored = q_.scales.data_as<uint8_t>()[block];
    if (q_.format == BlockFormat::mxfp4) {
      constexpr uint32_t kLargest = 2;  // e2m1's largest exponent
      const uint32_t exponent = std::bit_cast<uint32_t>(absmax) >> 23;
      stored = static_cast<uint8_t>(!finite ? 255 : std::max(exponent, kLargest) - kLargest);
      return finite && absmax > 0 ? std::ldexp(1.0f, stored - 127) : 0;
    }
    stored = finite ? to_e4m3(absmax / 6) : 0x7f;
    return finite ? from_e4m3(stored) : 0;
  }

  const T* x_;
  const BlockwiseArray& q_;
  const int64_t n_;
  const BlockTypeKernels<T>& k_;
};

}  // namespace

void CpuBackend::blockwise_quantize(const Array& x, const BlockwiseArray& q) {
  if (q.format == BlockFormat::affine) {
    fail<CapabilityError>("blockwise.quantize: 'affine' is not there yet");
  }
  visit_half_or_float(x.dtype(),
                      [&](auto type) { Quantizer<typename decltype(type)::type>(x, q).run(); });
}

}  // namespace bitmetal::cpu
