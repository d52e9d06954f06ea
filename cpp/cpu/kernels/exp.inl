// e^x for x <= 0, in multiplications and additions that are rounded one by one: the same bits on
// every instruction set. Within 1.1 units in the last place, subnormal results included.
#pragma once

#include "cpu/kernels/vector.inl"

// (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2 as a polynomial: the one that agrees at the Chebyshev
// nodes, computed in 200 bits. Its error is below 0.01 units of the result.
template <class C>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  using Bits = uint32_t;
  static constexpr float kLowest = -104;  // e^-104 is less than half the least subnormal
  static constexpr float kRound = 0x1.8p23f;
  static constexpr float kLn2High = 0x1.63p-1f;  // 9 bits: its product with an exponent is exact
  static constexpr float kLn2Low = -0x1.bd0106p-13f;
  static constexpr int kMantissa = 23, kBias = 127;
  static constexpr float kPolynomial[] = {0.5f,          0.16666667f,  0.041666467f,
                                          0.0083333105f, 0.001393365f, 0.00019890991f};
};

template <>
struct ExpConstants<double> {
  using Bits = uint64_t;
  static constexpr double kLowest = -746;
  static constexpr double kRound = 0x1.8p52;
  static constexpr double kLn2High = 0x1.62e42feep-1;  // 32 bits
  static constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  static constexpr int kMantissa = 52, kBias = 1023;
  static constexpr double kPolynomial[] = {0.5,
                                           0.1666666666666667,
                                           0.04166666666666667,
                                           0.008333333333326136,
                                           0.0013888888888883748,
                                           0.00019841269874820627,
                                           2.4801587325547743e-05,
                                           2.7557255400206422e-06,
                                           2.75572736431103e-07,
                                           2.5105217004720745e-08,
                                           2.0914686968086876e-09};
};

// x * 2^n, rounded once: in two factors, since n may lie below the least exponent. AVX-512 has an
// instruction for it, which the overloads in isa/vector_avx512.h use.
template <class V>
inline V times_power(V x, V n) {
  using C = std::remove_cvref_t<decltype(x[0])>;
  using K = ExpConstants<C>;
  using Integers = typename VectorOf<typename K::Bits>::type;
  // An integer in the last places of a float that is large enough.
  const Integers exponent = (Integers)(n + K::kRound) - std::bit_cast<typename K::Bits>(K::kRound);
  const Integers first = (exponent + 2 * K::kBias) >> 1;
  const Integers second = exponent + 2 * K::kBias - first;
  return x * (V)(first << K::kMantissa) * (V)(second << K::kMantissa);
}

template <class V>
inline V exp_nonpositive(V x) {
  using C = std::remove_cvref_t<decltype(x[0])>;
  using K = ExpConstants<C>;
  constexpr C kLog2e = static_cast<C>(1.4426950408889634);
  constexpr int kDegree = static_cast<int>(std::size(K::kPolynomial)) - 1;

  x = x < K::kLowest ? V{} + K::kLowest : x;  // NaN stays
  const V n = (x * kLog2e + K::kRound) - K::kRound;
  const V r = (x - n * K::kLn2High) - n * K::kLn2Low;
  V q = V{} + K::kPolynomial[kDegree];
  for (int i = kDegree - 1; i >= 0; --i) q = q * r + K::kPolynomial[i];
  return times_power((r + r * r * q) + 1, n);
}
