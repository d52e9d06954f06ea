#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/scratch.h"
#include "cpu/ternary.h"

namespace bitmetal::cpu {
namespace {

// Panels of trits that are expanded together: a quarter of a MiB of codes at 4096 columns.
constexpr int64_t kExpandedPanels = 4 * kBandPanels;

// The activations in float32, each row padded with zeros to whole blocks; a copy, in the
// calling thread's shared scratch memory, only where they are not so already.
template <class T>
class FloatRows {
 public:
  // Activation rows at a time, so that their float32 results stay in the cache.
  static constexpr int64_t kStep = 96;

  FloatRows(const Array& x, int64_t blocks) : stride_(blocks * kBlockColumns) {
    const int64_t count = x.shape(0), n = x.shape(1);
    if (std::is_same_v<T, float> && stride_ == n) {
      data_ = x.data_as<float>();
      return;
    }
    auto* copy = reinterpret_cast<float*>(
        scratch(Scratch::shared, static_cast<size_t>(count * stride_) * sizeof(float)));
    data_ = copy;
    const auto& k = kernels().ternary.of(static_cast<T*>(nullptr));
    parallel_for(count, grain_of(n * int64_t{sizeof(float)}), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        float* to = copy + row * stride_;
        k.normalize(x.data_as<T>() + row * n, n, 1, nullptr, to);
        std::fill(to + n, to + stride_, 0.0f);
      }
    });
  }

  // All panels at once: what is prepared of the activations serves every one.
  static int64_t panels(int64_t all) { return all; }
  static int64_t scratch_bytes() { return kernels().ternary.multiply_float_scratch; }
  void multiply(const Panels& w, int64_t first, int64_t count, std::byte* memory, float* y) const {
    kernels().ternary.multiply_float(w, data_ + first * stride_, count, stride_, memory, y);
  }

 private:
  int64_t stride_;
  const float* data_;
};

// The activations in the strips of the set's products of bfloat16.
class PairRows {
 public:
  static constexpr int64_t kStep = 128;

  PairRows(const Array& x, int64_t blocks) : stride_(blocks * (kBlockColumns / 2)) {
    const int64_t count = x.shape(0), n = x.shape(1);
    data_ = reinterpret_cast<uint32_t*>(
        scratch(Scratch::shared, static_cast<size_t>(count * stride_) * sizeof(uint32_t)));
    const int64_t block_bytes = count * kBlockColumns * int64_t{sizeof(bfloat16)};
    parallel_for(blocks, grain_of(block_bytes), [&](int64_t begin, int64_t end) {
      for (int64_t first = 0; first < count; first += kStep) {
        kernels().bf16.pack_ternary(x.data_as<bfloat16>() + first * n,
                                    std::min(kStep, count - first), n, begin, end,
                                    data_ + first * stride_);
      }
    });
  }

  static int64_t panels(int64_t) { return kBandPanels; }
  static int64_t scratch_bytes() { return 0; }
  void multiply(const Panels& w, int64_t first, int64_t count, std::byte*, float* y) const {
    kernels().bf16.multiply_ternary(w, data_ + first * stride_, count, y);
  }

 private:
  int64_t stride_;
  uint32_t* data_;
};

template <class T, class Rows>
void multiply(const Array& x, const TernaryMatrix& w, const Array& out) {
  const auto& typed = kernels().ternary.of(static_cast<T*>(nullptr));
  const Panels panels = panels_of(w);
  const Rows rows(x, panels.blocks);
  const int64_t count = x.shape(0), step = std::min(count, Rows::kStep);
  const int64_t bands = ceil_div(panels.count, kBandPanels);
  const int64_t grain = grain_of(kBandPanels * panels.blocks * kBlockBytes * step);
  const auto own_bytes = static_cast<size_t>(Rows::scratch_bytes());
  parallel_for(bands, grain, [&](int64_t begin, int64_t end) {
    const int64_t stop = std::min(end * kBandPanels, panels.count);
    const int64_t most = Rows::panels(w.packing == Packing::trits ? kExpandedPanels : stop);
    for (int64_t panel = begin * kBandPanels; panel < stop; panel += most) {
      const int64_t taken = std::min(most, stop - panel);
      const int64_t row = panel * kPanelRows, padded = taken * kPanelRows;
      const auto y_bytes = static_cast<size_t>(step * padded) * sizeof(float);
      std::byte* memory = scratch(Scratch::own, own_bytes + y_bytes + expanded_bytes(w, taken));
      auto* y = reinterpret_cast<float*>(memory + own_bytes);
      const Panels part = take_panels(w, panel, taken, memory + own_bytes + y_bytes);
      for (int64_t first = 0; first < count; first += Rows::kStep) {
        const int64_t last = std::min(first + Rows::kStep, count);
        rows.multiply(part, first, last - first, memory, y);
        for (int64_t i = first; i < last; ++i) {
          typed.finish(y + (i - first) * padded, std::min(padded, w.rows - row), 1, nullptr,
                       out.data_as<T>() + i * w.rows + row);
        }
      }
    }
  });
}

}  // namespace

void CpuBackend::ternary_matmul(const Array& x, const TernaryMatrix& w, const Array& out) {
  if (x.dtype() == DType::bf16 && kernels().bf16.rows) {
    return multiply<bfloat16, PairRows>(x, w, out);
  }
  visit_half_or_float(x.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    multiply<T, FloatRows<T>>(x, w, out);
  });
}

}  // namespace bitmetal::cpu
