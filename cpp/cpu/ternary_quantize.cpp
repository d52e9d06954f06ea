#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/scratch.h"
#include "cpu/ternary.h"

namespace bitmetal::cpu {
namespace {

constexpr float kSmallestScale = 1e-5f;
constexpr uint8_t kFourZeros = 0x55;  // four codes of T = 0

// One piece of one row, gathered where its elements are not adjacent.
template <class T>
const T* piece_of(const Array& weight, int64_t row, int64_t column, int64_t count) {
  const T* from = weight.data_as<T>() + row * weight.stride(0) + column * weight.stride(1);
  if (weight.stride(1) == 1) return from;
  T* gathered = reinterpret_cast<T*>(scratch(Scratch::own, static_cast<size_t>(count) * sizeof(T)));
  for (int64_t i = 0; i < count; ++i) gathered[i] = from[i * weight.stride(1)];
  return gathered;
}

float scale_from(double sum, int64_t count) {
  return std::max(static_cast<float>(sum / static_cast<double>(count)), kSmallestScale);
}

template <class T>
class Quantizer {
 public:
  Quantizer(const Array& weight, const TernaryMatrix& out)
      : weight_(weight), out_(out), kernels_(kernels().ternary.of(static_cast<T*>(nullptr))) {}

  bool run() { return out_.granularity == Granularity::tensor ? run_tensor() : run_rows(); }

 private:
  int64_t grain() const {
    return grain_of(kPanelRows * weight_.shape(1) * static_cast<int64_t>(sizeof(T)));
  }

  // Chunks of a sum are added in order, whoever computed them.
  double sum_of_magnitudes(int64_t row, int64_t column, int64_t count) const {
    constexpr int64_t kChunk = 16384;  // the kernel's own
    double sum = 0;
    for (int64_t i = 0; i < count; i += kChunk) {
      const int64_t n = std::min(kChunk, count - i);
      sum += kernels_.sum_of_magnitudes(piece_of<T>(weight_, row, column + i, n), n);
    }
    return sum;
  }

  bool run_tensor() {
    std::vector<double> sums(static_cast<size_t>(out_.rows));
    parallel_for(out_.panels(), grain(), [&](int64_t begin, int64_t end) {
      const int64_t last = std::min(end * kPanelRows, out_.rows);
      for (int64_t row = begin * kPanelRows; row < last; ++row) {
        sums[static_cast<size_t>(row)] = sum_of_magnitudes(row, 0, out_.columns);
      }
    });
    double sum = 0;
    for (double s : sums) sum += s;
    if (!std::isfinite(sum)) return false;
    const float scale = scale_from(sum, out_.rows * out_.columns);
    std::fill_n(out_.scales.data_as<float>(), out_.scales.size(), scale);
    parallel_for(out_.panels(), grain(), [&](int64_t begin, int64_t end) {
      for (int64_t panel = begin; panel < end; ++panel) pack_panel(panel);
    });
    return true;
  }

  // Rows and groups: a panel is summed and packed while it is in the cache.
  bool run_rows() {
    std::atomic<bool> finite{true};
    parallel_for(out_.panels(), grain(), [&](int64_t begin, int64_t end) {
      for (int64_t panel = begin; panel < end; ++panel) {
        if (!scale_panel(panel)) return finite.store(false, std::memory_order_relaxed);
        pack_panel(panel);
      }
    });
    return finite.load(std::memory_order_relaxed);
  }

  bool scale_panel(int64_t panel) const {
    for (int64_t row = panel * kPanelRows; row < (panel + 1) * kPanelRows; ++row) {
      for (int64_t group = 0; group < out_.groups(); ++group) {
        const int64_t column = group * out_.group_size;
        const int64_t count = std::min(out_.group_size, out_.columns - column);
        const double sum = row < out_.rows ? sum_of_magnitudes(row, column, count) : 0;
        if (!std::isfinite(sum)) return false;
        scale_of(out_, row, group) = scale_from(sum, count);
      }
    }
    return true;
  }

  void pack_panel(int64_t panel) const {
    if ((panel + 1) * kPanelRows > out_.rows) {
      std::memset(row_codes(out_, panel * kPanelRows, 0), kFourZeros,
                  static_cast<size_t>(out_.blocks() * kBlockBytes));
    }
    for_each_piece(out_, panel, [&](int64_t row, int64_t column, int64_t count, int64_t group) {
      kernels_.quantize(piece_of<T>(weight_, row, column, count), count, scale_of(out_, row, group),
                        row_codes(out_, row, column / kBlockColumns));
    });
  }

  const Array& weight_;
  const TernaryMatrix& out_;
  const TernaryTypeKernels<T>& kernels_;
};

}  // namespace

bool CpuBackend::ternary_quantize(const Array& weight, const TernaryMatrix& out) {
  return visit_half_or_float(weight.dtype(), [&](auto type) {
    return Quantizer<typename decltype(type)::type>(weight, out).run();
  });
}

}  // namespace bitmetal::cpu
