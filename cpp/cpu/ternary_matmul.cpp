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

// Activation rows at a time, so that their float32 results stay in the cache.
constexpr int64_t kBatchStep = 96;

// The activations in float32, each row padded with zeros to whole blocks; a copy, in the
// calling thread's shared scratch memory, only where they are not so already.
template <class T>
class FloatRows {
 public:
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

  const float* row(int64_t i) const { return data_ + i * stride_; }
  int64_t stride() const { return stride_; }

 private:
  int64_t stride_;
  const float* data_;
};

template <class T>
void multiply(const Array& x, const TernaryMatrix& w, const Array& out) {
  const TernaryKernels& k = kernels().ternary;
  const auto& typed = k.of(static_cast<T*>(nullptr));
  const Panels panels = panels_of(w);
  const FloatRows<T> rows(x, panels.blocks);
  const int64_t count = x.shape(0), step = std::min(count, kBatchStep);
  const int64_t bands = ceil_div(panels.count, kBandPanels);
  const int64_t grain = grain_of(kBandPanels * panels.blocks * kBlockBytes * step);
  const auto table_bytes = static_cast<size_t>(k.multiply_float_scratch);
  parallel_for(bands, grain, [&](int64_t begin, int64_t end) {
    const int64_t stop = std::min(end * kBandPanels, panels.count);
    const int64_t most = w.packing == Packing::trits ? kExpandedPanels : stop;
    for (int64_t panel = begin * kBandPanels; panel < stop; panel += most) {
      const int64_t taken = std::min(most, stop - panel);
      const int64_t row = panel * kPanelRows, padded = taken * kPanelRows;
      const auto y_bytes = static_cast<size_t>(step * padded) * sizeof(float);
      std::byte* memory = scratch(Scratch::own, table_bytes + y_bytes + expanded_bytes(w, taken));
      auto* y = reinterpret_cast<float*>(memory + table_bytes);
      const Panels part = take_panels(w, panel, taken, memory + table_bytes + y_bytes);
      for (int64_t first = 0; first < count; first += kBatchStep) {
        const int64_t last = std::min(first + kBatchStep, count);
        k.multiply_float(part, rows.row(first), last - first, rows.stride(), memory, y);
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
  visit_half_or_float(x.dtype(),
                      [&](auto type) { multiply<typename decltype(type)::type>(x, w, out); });
}

}  // namespace bitmetal::cpu
