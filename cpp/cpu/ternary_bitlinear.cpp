#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/scratch.h"
#include "cpu/ternary.h"

namespace bitmetal::cpu {
namespace {

constexpr float kSmallestMagnitude = 1e-5f;

// Activation rows that a band of weights is multiplied with before the next band. Fewer would fetch
// the weights more often; more would take the level-2 cache from them, and a wide batch from the
// other threads.
constexpr int64_t kBatchStep = 128;

// Blocks of activations to a cache line. A row takes an odd number of lines: rows that are a power
// of two apart would share few sets of the level-1 cache.
constexpr int64_t kLineBlocks = 64 / kBlockColumns;

// A batch of activations in int8: values, their sums, and what one unit of each row is worth. It
// lives in the calling thread's shared scratch memory.
class Int8Batch {
 public:
  Int8Batch(const Panels& w, int64_t count)
      : stride_((ceil_div(ceil_div(w.blocks, kTritBlocks) * kTritBlocks, kLineBlocks) | 1) *
                kLineBlocks * kBlockColumns),
        segments_(count_segments(w)) {
    const auto value_bytes = static_cast<size_t>(count * stride_);
    const auto sum_bytes = static_cast<size_t>(count * segments_) * sizeof(int32_t);
    const auto unit_bytes = static_cast<size_t>(count) * sizeof(float);
    std::byte* memory = scratch(Scratch::shared, value_bytes + sum_bytes + unit_bytes);
    values_ = reinterpret_cast<int8_t*>(memory);
    sums_ = reinterpret_cast<int32_t*>(memory + value_bytes);
    units_ = reinterpret_cast<float*>(memory + value_bytes + sum_bytes);
  }

  Int8Rows rows(int64_t begin, int64_t end) const {
    return {values(begin), sums(begin), end - begin, stride_, segments_};
  }
  float unit(int64_t row) const { return units_[row]; }

  // One row, from `n` floats whose largest magnitude is `largest`. NaN or infinity make its unit
  // NaN, and with it the row's whole result.
  void set(int64_t row, const float* x, int64_t n, float largest, const Panels& w) {
    const bool finite = std::isfinite(largest);
    const float range = std::max(largest, kSmallestMagnitude);
    units_[row] = finite ? range / 127.0f : std::numeric_limits<float>::quiet_NaN();
    if (!finite) {
      std::memset(values(row), 0, static_cast<size_t>(stride_));
      std::fill_n(sums(row), segments_, 0);
      return;
    }
    for (Segment s(w); s.begin < w.blocks; s.advance(w)) {
      const int64_t begin = s.begin * kBlockColumns;
      const int64_t length = std::min(s.end * kBlockColumns, n) - begin;
      sums(row)[s.index] = kernels().ternary.quantize_activations(x + begin, length, 127.0f / range,
                                                                  values(row) + begin);
    }
    const int64_t end = w.blocks * kBlockColumns;
    std::memset(values(row) + end, 0, static_cast<size_t>(stride_ - end));
  }

 private:
  static int64_t count_segments(const Panels& w) {
    Segment s(w);
    while (s.begin < w.blocks) s.advance(w);
    return s.index;
  }
  int8_t* values(int64_t row) const { return values_ + row * stride_; }
  int32_t* sums(int64_t row) const { return sums_ + row * segments_; }

  int64_t stride_, segments_;
  int8_t* values_;
  int32_t* sums_;
  float* units_;
};

template <class T>
Int8Batch quantize_activations(const Array& x, const Panels& w, const Array* norm_weight,
                               float eps) {
  const auto& k = kernels().ternary.of(static_cast<T*>(nullptr));
  const int64_t count = x.shape(0), n = x.shape(1);
  Int8Batch batch(w, count);
  const float* norm = norm_weight ? norm_weight->data_as<float>() : nullptr;
  parallel_for(count, grain_of(n * int64_t{sizeof(float)}), [&](int64_t begin, int64_t end) {
    float* normalized =
        reinterpret_cast<float*>(scratch(Scratch::own, static_cast<size_t>(n) * sizeof(float)));
    for (int64_t row = begin; row < end; ++row) {
      const T* from = x.data_as<T>() + row * n;
      float inverse_rms = 1;
      if (norm) {
        const double mean = k.sum_of_squares(from, n) / static_cast<double>(n);
        inverse_rms = static_cast<float>(1 / std::sqrt(mean + eps));
      }
      const float largest = k.normalize(from, n, inverse_rms, norm, normalized);
      batch.set(row, normalized, n, largest, w);
    }
  });
  return batch;
}

template <class T>
void bitlinear(const Array& x, const TernaryMatrix& w, const Array* bias, const Array* norm_weight,
               float eps, const Array& out) {
  const TernaryKernels& k = kernels().ternary;
  const auto& typed = k.of(static_cast<T*>(nullptr));
  const Panels panels = panels_of(w);
  const Int8Batch batch = quantize_activations<T>(x, panels, norm_weight, eps);

  const int64_t count = x.shape(0);
  const int64_t bands = ceil_div(panels.count, kBandPanels), steps = ceil_div(count, kBatchStep);
  const int64_t step = std::min(count, kBatchStep);
  const int64_t grain = grain_of(kBandPanels * panels.blocks * kBlockBytes * step);
  const auto y_bytes = static_cast<size_t>(step * kBandRows) * sizeof(float);
  const auto sum_bytes = static_cast<size_t>(k.multiply_int8_scratch(step));
  const size_t code_bytes = expanded_bytes(w, std::min(kBandPanels, panels.count));
  const bool in_trits = w.packing == Packing::trits && count == 1 && w.groups() == 1 &&
                        panels.blocks <= kSegmentBlocks;
  parallel_for(bands * steps, grain, [&](int64_t begin, int64_t end) {
    std::byte* memory = scratch(Scratch::own, y_bytes + sum_bytes + code_bytes);
    auto* y = reinterpret_cast<float*>(memory);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t panel = task / steps * kBandPanels, first = task % steps * kBatchStep;
      const int64_t last = std::min(first + kBatchStep, count);
      const int64_t taken = std::min(kBandPanels, panels.count - panel);
      if (!in_trits || !k.multiply_trits(trit_panels(w, panel, taken), batch.rows(0, 1), y)) {
        const Panels band = take_panels(w, panel, taken, memory + y_bytes + sum_bytes);
        k.multiply_int8(band, batch.rows(first, last), memory + y_bytes, y);
      }
      const int64_t row = panel * kPanelRows, rows = std::min(kBandRows, w.rows - row);
      for (int64_t i = first; i < last; ++i) {
        typed.finish(y + (i - first) * kBandRows, rows, batch.unit(i),
                     bias ? bias->data_as<float>() + row : nullptr,
                     out.data_as<T>() + i * w.rows + row);
      }
    }
  });
}

}  // namespace

void CpuBackend::bitlinear(const Array& x, const TernaryMatrix& w, const Array* bias,
                           const Array* norm_weight, float eps, const Array& out) {
  visit_half_or_float(x.dtype(), [&](auto type) {
    cpu::bitlinear<typename decltype(type)::type>(x, w, bias, norm_weight, eps, out);
  });
}

}  // namespace bitmetal::cpu
