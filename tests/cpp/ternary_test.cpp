// The cpu device's ternary operations on every instruction set of this machine, with one thread and
// with several, held against plain loops: bit for bit, except the float products, which have a
// bound. Exit status 0 when all agree.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "bitmetal/ternary.h"
#include "core/backend.h"
#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/isa/isa.h"

namespace {

using namespace bitmetal;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

int failures = 0;
std::string context;

template <class... Parts>
bool check(bool ok, const Parts&... parts) {
  if (!ok && ++failures <= 20) {
    std::fprintf(stderr, "FAILED %s: %s\n", context.c_str(), cat(parts...).c_str());
  }
  return ok;
}

Device& cpu_device() { return find_device("cpu"); }
Backend& backend() { return cpu_device().backend(); }

std::mt19937 random_bits(20260607);
float uniform(float low, float high) {
  return std::uniform_real_distribution<float>(low, high)(random_bits);
}
float normal() { return std::normal_distribution<float>()(random_bits); }

template <class T>
constexpr DType kDType = DType::f32;
template <>
constexpr DType kDType<float16> = DType::f16;
template <>
constexpr DType kDType<bfloat16> = DType::bf16;

template <class T>
Array array_of(const std::vector<T>& values, const Dims& shape, DType dtype) {
  Array a(shape, dtype, cpu_device());
  if (!values.empty()) std::memcpy(a.data(), values.data(), values.size() * sizeof(T));
  return a;
}

template <class T>
bool same_bits(const std::vector<T>& expected, const Array& got) {
  return std::memcmp(expected.data(), got.data(), expected.size() * sizeof(T)) == 0;
}

// ---- References: the formulas of bitmetal/ternary.h and nothing else.

struct Weight {
  int64_t rows, columns, group;
  std::vector<int8_t> t;
  std::vector<float> scales;  // [rows][groups]

  int64_t groups() const { return ceil_div(columns, group); }
};

// 16 lanes, chunks of 16384, lanes added by halves.
template <class F>
double lane_sum(int64_t n, F term) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += 16384) {
    double lanes[16] = {};
    for (int64_t i = begin; i < std::min(n, begin + 16384); ++i) lanes[i % 16] += term(i);
    for (int half = 8; half; half /= 2) {
      for (int l = 0; l < half; ++l) lanes[l] += lanes[l + half];
    }
    total += lanes[0];
  }
  return total;
}

template <class T>
Weight quantize_reference(const std::vector<T>& w, int64_t rows, int64_t columns,
                          Granularity granularity, int64_t group) {
  Weight r{rows, columns, group, std::vector<int8_t>(w.size()), {}};
  std::vector<double> sums;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t begin = 0; begin < columns; begin += group) {
      const int64_t n = std::min(group, columns - begin);
      sums.push_back(lane_sum(n, [&](int64_t i) {
        return std::fabs(static_cast<double>(static_cast<float>(w[row * columns + begin + i])));
      }));
      r.scales.push_back(std::max(static_cast<float>(sums.back() / static_cast<double>(n)), 1e-5f));
    }
  }
  if (granularity == Granularity::tensor) {
    double sum = 0;
    for (double s : sums) sum += s;
    const double mean = sum / static_cast<double>(rows * columns);
    std::fill(r.scales.begin(), r.scales.end(), std::max(static_cast<float>(mean), 1e-5f));
  }
  for (int64_t i = 0; i < rows * columns; ++i) {
    const float s = r.scales[i / columns * r.groups() + i % columns / group];
    const float rounded = std::nearbyint(static_cast<float>(w[i]) / s);
    r.t[i] = static_cast<int8_t>(std::clamp(rounded, -1.0f, 1.0f));
  }
  return r;
}

// The bytes of the panels, padding included.
std::vector<uint8_t> panels_reference(const Weight& w) {
  const int64_t blocks = ceil_div(w.columns, 16);
  std::vector<uint8_t> codes(ceil_div(w.rows, 16) * blocks * 64, 0x55);
  for (int64_t r = 0; r < w.rows; ++r) {
    for (int64_t k = 0; k < w.columns; ++k) {
      const int64_t f = k % 16 / 4, c = k % 4;
      uint8_t& byte = codes[(r / 16 * blocks + k / 16) * 64 + r % 16 * 4 + c];
      byte = static_cast<uint8_t>((byte & ~(3 << 2 * f)) | (w.t[r * w.columns + k] + 1) << 2 * f);
    }
  }
  return codes;
}

template <class T>
std::vector<T> bitlinear_reference(const std::vector<T>& x, const Weight& w, const float* bias,
                                   const float* norm, float eps) {
  const int64_t n = w.columns;
  std::vector<T> out;
  std::vector<float> row(n);
  std::vector<int> q(n);
  for (size_t at = 0; at < x.size(); at += n) {
    for (int64_t k = 0; k < n; ++k) row[k] = static_cast<float>(x[at + k]);
    if (norm) {
      const double squares =
          lane_sum(n, [&](int64_t k) { return static_cast<double>(row[k]) * row[k]; });
      const auto inv = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(n) + eps));
      for (int64_t k = 0; k < n; ++k) {
        const float scaled = row[k] * inv;
        row[k] = scaled * norm[k];
      }
    }
    float largest = 0;
    bool finite = true;
    for (float v : row) {
      finite = finite && std::isfinite(v);
      largest = std::max(largest, std::fabs(v));
    }
    const float range = std::max(largest, 1e-5f), factor = 127.0f / range;
    for (int64_t k = 0; finite && k < n; ++k) {
      q[k] = static_cast<int>(std::clamp(std::nearbyint(row[k] * factor), -128.0f, 127.0f));
    }
    for (int64_t r = 0; r < w.rows; ++r) {
      float y = 0;
      for (int64_t g = 0; finite && g < w.groups(); ++g) {
        int64_t sum = 0;
        for (int64_t k = g * w.group; k < std::min(n, (g + 1) * w.group); ++k) {
          sum += q[k] * w.t[r * n + k];
        }
        const float scaled = static_cast<float>(sum) * w.scales[r * w.groups() + g];
        y = y + scaled;
      }
      y = y * (finite ? range / 127.0f : kNan);
      if (bias) y = y + bias[r];
      out.push_back(static_cast<T>(y));
    }
  }
  return out;
}

// ---- Tests

TernaryMatrix stored(const Weight& w, Granularity granularity) {
  TernaryMatrix m = TernaryMatrix::make(w.rows, w.columns, granularity, w.group, cpu_device());
  backend().fill(m.scales, 0);
  for (int64_t r = 0; r < w.rows; ++r) {
    for (int64_t g = 0; g < w.groups(); ++g) {
      m.scales.data_as<float>()[(r / 16 * w.groups() + g) * 16 + r % 16] =
          w.scales[r * w.groups() + g];
    }
  }
  backend().ternary_pack(array_of(w.t, {w.rows, w.columns}, DType::i8), m);
  return m;
}

Weight random_weight(int64_t rows, int64_t columns, int64_t group) {
  Weight w{rows, columns, group, {}, {}};
  for (int64_t i = 0; i < rows * columns; ++i) {
    w.t.push_back(static_cast<int8_t>(static_cast<int>(random_bits() % 3) - 1));
  }
  for (int64_t i = 0; i < rows * w.groups(); ++i) w.scales.push_back(uniform(0.01f, 2));
  return w;
}

template <class T>
std::vector<T> random_values(int64_t n) {
  std::vector<T> v;
  for (int64_t i = 0; i < n; ++i) v.push_back(static_cast<T>(normal()));
  return v;
}

template <class T>
void test_quantize(int64_t rows, int64_t columns, Granularity granularity, int64_t group) {
  context += cat(" quantize ", name_of(kDType<T>), " ", rows, "x", columns, " group ", group);
  const std::vector<T> values = random_values<T>(rows * columns);
  const Weight expected = quantize_reference(values, rows, columns, granularity, group);
  const Array dense = array_of(values, {rows, columns}, kDType<T>);
  // The same matrix with its rows reversed and then read backwards, and stored by columns.
  std::vector<T> reversed, by_columns;
  for (int64_t r = rows - 1; r >= 0; --r) {
    reversed.insert(reversed.end(), values.begin() + r * columns,
                    values.begin() + (r + 1) * columns);
  }
  for (int64_t k = 0; k < columns; ++k) {
    for (int64_t r = 0; r < rows; ++r) by_columns.push_back(values[r * columns + k]);
  }
  const Array views[] = {
      dense,
      array_of(reversed, {rows, columns}, kDType<T>)
          .with({rows, columns}, {-columns, 1}, (rows - 1) * columns),
      array_of(by_columns, {columns, rows}, kDType<T>).with({rows, columns}, {1, rows})};
  for (const Array& view : views) {
    TernaryMatrix m = TernaryMatrix::make(rows, columns, granularity, group, cpu_device());
    check(backend().ternary_quantize(view, m), "refused finite weights");
    check(same_bits(panels_reference(expected), m.codes), "codes");
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t g = 0; g < expected.groups(); ++g) {
        const float s = m.scales.data_as<float>()[(r / 16 * m.groups() + g) * 16 + r % 16];
        const float e = expected.scales[r * expected.groups() + g];
        if (!check(s == e, "scale ", s, " expected ", e)) return;
      }
    }
  }
  for (float bad : {kNan, kInf, -kInf}) {
    std::vector<T> broken = values;
    broken[random_bits() % broken.size()] = static_cast<T>(bad);
    TernaryMatrix m = TernaryMatrix::make(rows, columns, granularity, group, cpu_device());
    check(!backend().ternary_quantize(array_of(broken, {rows, columns}, kDType<T>), m), "accepted ",
          bad);
  }
}

template <class T>
void test_dequantize(const Weight& w, const TernaryMatrix& m) {
  std::vector<T> expected;
  for (int64_t i = 0; i < w.rows * w.columns; ++i) {
    const float s = w.scales[i / w.columns * w.groups() + i % w.columns / w.group];
    expected.push_back(static_cast<T>(static_cast<float>(w.t[i]) * s));
  }
  const DType dtype = std::is_same_v<T, double> ? DType::f64 : kDType<T>;
  Array out({w.rows, w.columns}, dtype, cpu_device());
  backend().ternary_dequantize(m, out);
  check(same_bits(expected, out), "dequantize ", name_of(dtype));
}

void test_codes(int64_t rows, int64_t columns, int64_t group) {
  context += cat(" codes ", rows, "x", columns, " group ", group);
  const Weight w = random_weight(rows, columns, group);
  const TernaryMatrix m = stored(w, group == columns ? Granularity::row : Granularity::group);
  check(same_bits(panels_reference(w), m.codes), "pack");
  Array codes({rows, columns}, DType::i8, cpu_device());
  backend().ternary_unpack(m, codes);
  check(same_bits(w.t, codes), "unpack");
  test_dequantize<float>(w, m);
  test_dequantize<float16>(w, m);
  test_dequantize<bfloat16>(w, m);
  test_dequantize<double>(w, m);
}

template <class T>
void compare_bitlinear(const std::vector<T>& x, const Weight& w, const std::vector<float>& bias,
                       const std::vector<float>& norm) {
  const auto batch = static_cast<int64_t>(x.size()) / w.columns;
  const TernaryMatrix m = stored(w, w.group == w.columns ? Granularity::row : Granularity::group);
  const Array xs = array_of(x, {batch, w.columns}, kDType<T>);
  const Array bias_array = array_of(bias, {static_cast<int64_t>(bias.size())}, DType::f32);
  const Array norm_array = array_of(norm, {static_cast<int64_t>(norm.size())}, DType::f32);
  Array out({batch, w.rows}, kDType<T>, cpu_device());
  backend().bitlinear(xs, m, bias.empty() ? nullptr : &bias_array,
                      norm.empty() ? nullptr : &norm_array, 1e-5f, out);
  const std::vector<T> expected = bitlinear_reference(x, w, bias.empty() ? nullptr : bias.data(),
                                                      norm.empty() ? nullptr : norm.data(), 1e-5f);
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto e = static_cast<float>(expected[i]), g = static_cast<float>(out.data_as<T>()[i]);
    const bool same = std::isnan(e) ? std::isnan(g) : e == g;
    if (!check(same, "row ", i / w.rows, " output ", i % w.rows, " is ", g, " expected ", e))
      return;
  }
}

template <class T>
void test_bitlinear(int64_t batch, int64_t rows, int64_t columns, int64_t group, bool extras) {
  context += cat(" bitlinear ", name_of(kDType<T>), " ", batch, "x", rows, "x", columns, " group ",
                 group, extras ? " with bias and norm" : "");
  std::vector<T> x = random_values<T>(batch * columns);
  if (batch > 2) {  // a row of zeros, one with NaN, one with infinity
    std::fill_n(x.begin() + columns, columns, static_cast<T>(0.0f));
    x[2 * columns + random_bits() % columns] = static_cast<T>(batch % 2 ? kNan : -kInf);
  }
  compare_bitlinear(x, random_weight(rows, columns, group),
                    extras ? random_values<float>(rows) : std::vector<float>{},
                    extras ? random_values<float>(columns) : std::vector<float>{});
}

// Every product as large as it can be, of one sign: what overflows narrow accumulators.
void test_extremes(int64_t batch, int64_t columns, int64_t group) {
  for (int sign : {1, -1}) {
    context += cat(" extremes ", batch, "x", columns, " sign ", sign);
    Weight w = random_weight(5, columns, group);
    std::fill(w.t.begin(), w.t.begin() + 2 * columns, static_cast<int8_t>(1));
    std::fill(w.t.begin() + 2 * columns, w.t.begin() + 4 * columns, static_cast<int8_t>(-1));
    compare_bitlinear(std::vector<float>(batch * columns, static_cast<float>(sign)), w, {}, {});
  }
}

template <class T>
void test_matmul(int64_t batch, int64_t rows, int64_t columns, int64_t group) {
  context +=
      cat(" matmul ", name_of(kDType<T>), " ", batch, "x", rows, "x", columns, " group ", group);
  const Weight w = random_weight(rows, columns, group);
  const TernaryMatrix m = stored(w, group == columns ? Granularity::row : Granularity::group);
  std::vector<T> x = random_values<T>(batch * columns);
  if (batch > 2) x[2 * columns + random_bits() % columns] = static_cast<T>(kInf);
  if (batch > 3) x[3 * columns + random_bits() % columns] = static_cast<T>(kNan);
  Array out({batch, rows}, kDType<T>, cpu_device());
  backend().ternary_matmul(array_of(x, {batch, columns}, kDType<T>), m, out);
  const double eps = std::is_same_v<T, float> ? 0 : std::is_same_v<T, float16> ? 0x1p-11 : 0x1p-8;
  for (int64_t i = 0; i < batch; ++i) {
    for (int64_t r = 0; r < rows; ++r) {
      double sum = 0, magnitude = 0;
      for (int64_t k = 0; k < columns; ++k) {
        const double term = static_cast<double>(w.t[r * columns + k]) *
                            static_cast<float>(x[i * columns + k]) *
                            w.scales[r * w.groups() + k / group];
        sum += term;
        magnitude += std::fabs(term);
      }
      const double got = static_cast<float>(out.data_as<T>()[i * rows + r]);
      const bool ok = std::isfinite(sum) ? std::fabs(got - sum) <=
                                               0x1p-20 * magnitude + eps * std::fabs(sum) + 1e-7
                      : std::isnan(sum)  ? std::isnan(got)
                                         : got == sum;
      if (!check(ok, "row ", i, " output ", r, " is ", got, " expected ", sum)) return;
    }
  }
}

// The threshold rule against round_half_even(W / s), for every significand of s and the weights
// next to the tie.
void test_ties() {
  context = "ties";
  for (uint32_t bits = 0x3f800000; bits < 0x40000000; ++bits) {
    const float s = std::bit_cast<float>(bits), half = s * 0.5f;
    for (int step = -2; step <= 2; ++step) {
      const float w = std::bit_cast<float>(std::bit_cast<uint32_t>(half) + step);
      const bool one = w > half;
      if (!check(one == (std::nearbyint(w / s) >= 1), "w ", w, " s ", s)) return;
    }
  }
}

// Weights whose mean magnitude is exactly 1, half of them ties.
template <class T>
void test_tied_weights() {
  context += cat(" tied weights ", name_of(kDType<T>));
  constexpr float kValues[] = {0.5f, -0.5f, 1.5f, -1.5f};
  std::vector<T> values;
  std::vector<int8_t> expected;
  for (int i = 0; i < 4 * 50; ++i) {
    values.push_back(static_cast<T>(kValues[i % 4]));
    expected.push_back(static_cast<int8_t>(i % 4 == 2 ? 1 : i % 4 == 3 ? -1 : 0));
  }
  TernaryMatrix m = TernaryMatrix::make(4, 50, Granularity::tensor, 50, cpu_device());
  backend().ternary_quantize(array_of(values, {4, 50}, kDType<T>), m);
  Array codes({4, 50}, DType::i8, cpu_device());
  backend().ternary_unpack(m, codes);
  check(same_bits(expected, codes), "codes");
}

template <class F>
void each(F test) {
  const std::string outer = context;
  test();
  context = outer;
}

template <class T>
void test_type() {
  each([] { test_tied_weights<T>(); });
  struct Shape {
    int64_t rows, columns;
  };
  for (auto [rows, columns] : {Shape{1, 1}, {16, 16}, {3, 5}, {33, 100}, {70, 257}, {130, 1040}}) {
    each([&] { test_quantize<T>(rows, columns, Granularity::tensor, columns); });
    each([&] { test_quantize<T>(rows, columns, Granularity::row, columns); });
    each([&] { test_quantize<T>(rows, columns, Granularity::group, 32); });
    for (int64_t batch : {1, 2, 4, 7}) {
      for (int64_t group : {columns, int64_t{32}}) {
        each([&] { test_bitlinear<T>(batch, rows, columns, group, batch % 2 == 0); });
        each([&] { test_matmul<T>(batch, rows, columns, group); });
      }
    }
  }
}

void test_all() {
  test_type<float>();
  test_type<float16>();
  test_type<bfloat16>();
  each([] { test_quantize<float>(3, 40000, Granularity::tensor, 40000); });
  for (int64_t group : {48, 64, 500}) each([&] { test_codes(50, 500, group); });
  each([] { test_codes(1030, 2080, 2080); });  // large enough to be streamed past the caches
  // Every batch up to where the tiles repeat, and the edges of what is unpacked at a time.
  for (int64_t batch = 1; batch <= 20; ++batch) {
    each([&] { test_bitlinear<float>(batch, 70, 2100, 2100, false); });
    each([&] { test_bitlinear<float>(batch, 37, 300, 48, true); });
    each([&] { test_matmul<float>(batch, 70, 1100, 1100); });
    each([&] { test_matmul<float>(batch, 37, 300, 48); });
  }
  for (int64_t batch : {127, 128, 129, 300}) {
    each([&] { test_bitlinear<float>(batch, 66, 80, 80, false); });
    each([&] { test_matmul<float>(batch, 66, 80, 80); });
  }
  // One group of several 2^18-column segments; sums that need more than 32 bits to scale exactly.
  for (int64_t batch : {1, 2, 17}) {
    each([&] { test_bitlinear<float>(batch, 3, 600001, 600001, true); });
    each([&] { test_extremes(batch, 6912, 6912); });
    each([&] { test_extremes(batch, 6912, 64); });
    each([&] { test_extremes(batch, 1 << 18, 1 << 18); });
    each([&] { test_extremes(batch, 600016, 300000 / 16 * 16); });
  }
  each([] { test_extremes(1, 17000000, 17000000); });  // passes 2^31
}

}  // namespace

int main() {
  test_ties();
  for (cpu::Isa isa : cpu::supported_isas()) {
    cpu::set_active_isa(isa);
    for (int threads : {1, 3}) {
      set_thread_count(threads);
      random_bits.seed(1);
      context = cat(cpu::name_of(isa), ", ", threads, " threads,");
      test_all();
      std::printf("%s %d failures so far\n", context.c_str(), failures);
    }
  }
  return failures ? 1 : 0;
}
