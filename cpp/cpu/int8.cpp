#include <algorithm>
#include <cmath>

#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/backend.h"
#include "cpu/grain.h"

namespace bitmetal::cpu {
namespace {

template <class T>
void quantize_rows(const Array& x, float threshold, const Array& codes, const Array& absmax,
                   const Array* outliers) {
  const int64_t rows = x.shape(0), columns = x.shape(1);
  const T* values = x.data_as<T>();
  const auto* marks = outliers ? outliers->data_as<uint8_t>() : nullptr;
  if (outliers) {
    auto* mark = outliers->data_as<uint8_t>();
    std::fill_n(mark, columns, uint8_t{0});
    for (int64_t i = 0; i < rows * columns; ++i) {
      if (std::fabs(static_cast<float>(values[i])) >= threshold) mark[i % columns] = 1;
    }
  }
  parallel_for(
      rows, grain_of(columns * static_cast<int64_t>(sizeof(T))), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const T* from = values + row * columns;
          auto* to = codes.data_as<int8_t>() + row * columns;
          float largest = 0;
          for (int64_t i = 0; i < columns; ++i) {
            const float v = std::fabs(static_cast<float>(from[i]));
            if (outliers && v >= threshold) continue;
            if (v > largest || std::isnan(v)) largest = v;
            if (std::isnan(largest)) break;
          }
          absmax.data_as<float>()[row] = largest;
          const float factor = 127 / largest;
          const bool zeros = !(largest > 0) || !std::isfinite(largest);
          for (int64_t i = 0; i < columns; ++i) {
            const float v = static_cast<float>(from[i]) * factor;
            to[i] = zeros || (marks && marks[i])
                        ? int8_t{0}
                        : static_cast<int8_t>(std::nearbyint(std::clamp(v, -127.0f, 127.0f)));
          }
        }
      });
}

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
    quantize_rows<typename decltype(type)::type>(x, threshold, codes, absmax, outliers);
  });
}

void CpuBackend::int8_matmul(const Array& a, const Array& b, const Array& out) {
  const int64_t m = a.shape(0), n = b.shape(0), k = a.shape(1);
  parallel_for(m * n, grain_of(2 * k), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto* left = a.data_as<int8_t>() + i / n * k;
      const auto* right = b.data_as<int8_t>() + i % n * k;
      uint32_t sum = 0;
      for (int64_t c = 0; c < k; ++c) sum += static_cast<uint32_t>(left[c] * right[c]);
      out.data_as<int32_t>()[i] = static_cast<int32_t>(sum);
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
