#include <algorithm>
#include <cmath>

#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"
#include "cpu/isa/kernels.h"
#include "cpu/matrix.h"
#include "cpu/scratch.h"

namespace bitmetal::cpu {
namespace {

// Rows of the shorter side up to which packing the longer one costs more than adding up lanes.
constexpr int64_t kFewRows = 8;

// Columns with a value of at least `threshold`.
void mark_outliers(const float* row, int64_t columns, float threshold, uint8_t* marks) {
  for (int64_t i = 0; i < columns; ++i) marks[i] |= std::fabs(row[i]) >= threshold;
}

template <class T>
class RowQuantizer {
 public:
  RowQuantizer(const Array& x, float threshold, const Array& codes, const Array& absmax,
               uint8_t* marks)
      : x_(x.data_as<T>()),
        rows_(x.shape(0)),
        columns_(x.shape(1)),
        threshold_(threshold),
        codes_(codes.data_as<int8_t>()),
        absmax_(absmax.data_as<float>()),
        marks_(marks),
        k_(kernels().ternary) {}

  void run() const {
    const int64_t grain = grain_of(columns_ * static_cast<int64_t>(sizeof(T)));
    if (marks_) {
      std::fill_n(marks_, columns_, uint8_t{0});
      float* row = memory();
      for (int64_t i = 0; i < rows_; ++i) {
        widen(i, row);
        mark_outliers(row, columns_, threshold_, marks_);
      }
    }
    parallel_for(rows_, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) quantize(i);
    });
  }

 private:
  // A row of floats and one of codes, both up to the end of a block of 16.
  float* memory() const {
    const auto padded = static_cast<size_t>((columns_ + 15) / 16 * 16);
    return reinterpret_cast<float*>(scratch(Scratch::own, padded * (sizeof(float) + 1)));
  }
  float widen(int64_t row, float* to) const {
    return k_.of(x_).normalize(x_ + row * columns_, columns_, 1, nullptr, to);
  }

  void quantize(int64_t i) const {
    float* row = memory();
    float absmax = widen(i, row);
    if (marks_) {
      absmax = 0;
      for (int64_t c = 0; c < columns_; ++c) {
        if (std::fabs(row[c]) >= threshold_) row[c] = 0;
        // NaN stays: no comparison with it holds
        absmax = std::fabs(row[c]) <= absmax ? absmax : std::fabs(row[c]);
        if (std::isnan(absmax)) break;
      }
    }
    absmax_[i] = absmax;
    int8_t* to = codes_ + i * columns_;
    if (!(absmax > 0) || !std::isfinite(absmax)) {
      std::fill_n(to, columns_, int8_t{0});
      return;
    }
    // Below 2^-121 the factor is infinite: the row is brought up to where it is not.
    float factor = 127 / absmax;
    if (!std::isfinite(factor)) {
      for (int64_t c = 0; c < columns_; ++c) row[c] *= 0x1p100f;
      factor = 127 / (absmax * 0x1p100f);
    }
    auto* codes = reinterpret_cast<int8_t*>(row + (columns_ + 15) / 16 * 16);
    k_.quantize_activations(row, columns_, factor, codes);
    std::copy_n(codes, columns_, to);
    if (!marks_) return;
    for (int64_t c = 0; c < columns_; ++c) to[c] = marks_[c] ? int8_t{0} : to[c];
  }

  const T* x_;
  const int64_t rows_, columns_;
  const float threshold_;
  int8_t* codes_;
  float* absmax_;
  uint8_t* marks_;
  const TernaryKernels& k_;
};

template <class T>
void dequantize(const Array& sums, const float* rows, const float* columns, const float* bias,
                const Array& out) {
  constexpr float kUnit = 1.0f / (127 * 127);
  const int64_t n = sums.shape(1);
  parallel_for(sums.shape(0), grain_of(n * 8), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto* from = sums.data_as<int32_t>() + row * n;
      T* to = out.data_as<T>() + row * n;
      for (int64_t i = 0; i < n; ++i) {
        const float y = static_cast<float>(from[i]) * (rows[row] * columns[i]) * kUnit;
        to[i] = static_cast<T>(bias ? y + bias[i] : y);
      }
    }
  });
}

}  // namespace

void CpuBackend::int8_quantize_rows(const Array& x, float threshold, const Array& codes,
                                    const Array& absmax, const Array* outliers) {
  visit_half_or_float(x.dtype(), [&](auto type) {
    RowQuantizer<typename decltype(type)::type>(x, threshold, codes, absmax,
                                                outliers ? outliers->data_as<uint8_t>() : nullptr)
        .run();
  });
}

void CpuBackend::int8_matmul(const Array& a, const Array& b, const Array& out) {
  const int64_t m = a.shape(0), n = b.shape(0), k = a.shape(1);
  if (std::min(m, n) > kFewRows && k > 0) {
    const Matrix weights{b.data(), DType::i8, n, k, k, 1};
    return gemm({a.data(), DType::i8, m, k, k, 1}, weights.transposed(), out.data());
  }
  const auto* left = a.data_as<int8_t>();
  const auto* right = b.data_as<int8_t>();
  auto* to = out.data_as<int32_t>();
  const auto multiply = kernels().int8.multiply;
  constexpr int64_t kStep = 16;  // rows of the longer side at a time
  const bool across = n >= m;
  const int64_t length = across ? n : m, breadth = across ? m : n;
  parallel_for((length + kStep - 1) / kStep, grain_of(kStep * k * breadth),
               [&](int64_t begin, int64_t end) {
                 const int64_t first = begin * kStep, count = std::min(end * kStep, length) - first;
                 if (across) {
                   multiply(left, m, right + first * k, count, k, to + first, n);
                 } else {
                   multiply(left + first * k, count, right, n, k, to + first * n, n);
                 }
               });
}

void CpuBackend::int8_dequantize(const Array& sums, const Array& row_absmax,
                                 const Array& column_absmax, const Array* bias, const Array& out) {
  visit_half_or_float(out.dtype(), [&](auto type) {
    dequantize<typename decltype(type)::type>(sums, row_absmax.data_as<float>(),
                                              column_absmax.data_as<float>(),
                                              bias ? bias->data_as<float>() : nullptr, out);
  });
}

}  // namespace bitmetal::cpu
