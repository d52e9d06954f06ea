// Sine and cosine in vectors.
#pragma once

#include "cpu/kernels/exp.inl"

// The polynomials are (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 in r^2. Up to kLargest
// n * pi / 2 is reduced without loss: the products of n with all parts of pi / 2 but the last are
// exact.
template <class C>
struct SineConstants;
template <>
struct SineConstants<float> {
  static constexpr float kLargest = 8192;
  static constexpr float kHalfPi[] = {0x1.92p0f, 0x1.fb4p-12f, 0x1.444p-24f, 0x1.68c234p-39f};
  static constexpr float kSin[] = {-0.1666666666385529f, 0.0083333318747102082f,
                                   -0.00019840086735384846f, 2.7249925803059792e-6f};
  static constexpr float kCos[] = {0.041666664659502209f, -0.0013888303035894866f,
                                   2.4547942085071572e-5f};
};
template <>
struct SineConstants<double> {
  static constexpr double kLargest = 0x1p20;
  static constexpr double kHalfPi[] = {0x1.921fb54400000p0, 0x1.0b4611a600000p-34,
                                       0x1.3198a2e000000p-69, 0x1.b839a252049c1p-104};
  static constexpr double kSin[] = {-0.16666666666666666,    0.0083333333333333315,
                                    -0.00019841269841265065, 2.7557319219339167e-6,
                                    -2.5052106232447578e-8,  1.6058531618986147e-10,
                                    -7.5866971177069183e-13};
  static constexpr double kCos[] = {0.041666666666666664,  -0.0013888888888887398,
                                    2.4801587298765689e-5, -2.7557317271729793e-7,
                                    2.0876146268403199e-9, -1.1382632425521717e-11};
};

// sin(r + quarter * pi / 2) for |r| <= pi / 4.
template <class V>
inline V sine_of_reduced(V r, IntegersOf<V> quarter) {
  using K = SineConstants<ElementOf<V>>;
  constexpr int kSign = 8 * sizeof(r[0]) - 1;
  const V z = r * r;
  const V sine = fma(r * z, polynomial(z, K::kSin), r);
  const V half = ElementOf<V>(0.5) * z;
  const V cosine = fma(z * z, polynomial(z, K::kCos), 1 - half);
  const V value = (quarter & 1) != 0 ? cosine : sine;
  return (V)((IntegersOf<V>)value ^ ((quarter >> 1) << kSign));
}

template <int kShift, class V>  // 0 for the sine, 1 for the cosine; |x| < kLargest
inline V sine_of(V x) {
  using C = ElementOf<V>;
  constexpr C kRound = ExpConstants<C>::kRound;
  const V shifted = x * C(0.63661977236758134) + kRound;
  const V n = shifted - kRound;
  V r = x;
  for (C part : SineConstants<C>::kHalfPi) r = r - n * part;
  return sine_of_reduced(r, ((IntegersOf<V>)shifted & 3) + kShift);
}

// The same for any x, one by one. Up to 2^30 in double, with pi / 2 in parts of 23 bits; the few
// beyond are the C library's.
template <int kShift>
inline void sines_of_any(const float* x, float* out, int64_t n) {
  float r[kFloats] = {};
  int32_t quarter[kFloats] = {};
  for (int64_t i = 0; i < n; ++i) {
    const double value = x[i];
    constexpr double kRound = 0x1.8p52;
    const double shifted = value * 0.63661977236758134 + kRound;
    const double k = shifted - kRound;
    r[i] = static_cast<float>(((value - k * 0x1.921fb4p0) - k * 0x1.4442dp-24) -
                              k * 0x1.8469898cc5171p-48);
    quarter[i] = static_cast<int32_t>(std::bit_cast<uint64_t>(shifted) & 3) + kShift;
  }
  float result[kFloats];
  store(sine_of_reduced(load<Floats>(r), load<IntegersOf<Floats>>(quarter)), result);
  for (int64_t i = 0; i < n; ++i) {
    const double value = x[i];
    const bool near = __builtin_fabs(value) < 0x1p30;
    out[i] = near ? result[i] : static_cast<float>(kShift ? std::cos(value) : std::sin(value));
  }
}
template <int kShift>
inline void sines_of_any(const double* x, double* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = kShift ? std::cos(x[i]) : std::sin(x[i]);
}
