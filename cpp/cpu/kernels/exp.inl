// e^x within 1.1 units in the last place, subnormal results included. Sets with a fused
// multiplication and addition agree bit for bit.
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
  static constexpr float kPolynomial[] = {0.50000000000000045f, 0.16666577025597448f,
                                          0.041666554662005084f, 0.0083631730746036876f,
                                          0.001392617612501813f};
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

// e^(x + rest) times 2^kScale for kLowest <= x <= 88, where a later factor needs the digits that a
// small result would lose; `rest` is what x lost in rounding, or nothing.
template <int kScale, class Constants = void, class V, class... Rest>
inline V exp_inside(V x, Rest... rest) {
  using C = std::remove_cvref_t<decltype(x[0])>;
  using K = std::conditional_t<std::is_void_v<Constants>, ExpConstants<C>, Constants>;
  constexpr C kLog2e = static_cast<C>(1.4426950408889634);
  const V n = fma(x, V{} + kLog2e, V{} + K::kRound) - K::kRound;
  const V reduced = fma(n, V{} - K::kLn2Low, fma(n, V{} - K::kLn2High, x));
  const V r = (reduced + ... + rest);
  const V power = fma(r * r, polynomial(r, K::kPolynomial), r) + 1;
  if constexpr (kScale == 0) {
    return times_power(power, n);
  } else {
    return times_power(power, n + kScale);
  }
}

template <int kScale = 0, class V>
inline V exp_nonpositive(V x) {
  using C = std::remove_cvref_t<decltype(x[0])>;
  constexpr C kLowest = ExpConstants<C>::kLowest - static_cast<C>(kScale * 0.6931471805599453);
  return exp_inside<kScale>(at_least(x, kLowest));
}

template <class V>
inline V exp_of(V x) {
  using C = std::remove_cvref_t<decltype(x[0])>;
  constexpr C kHighest = sizeof(C) == sizeof(float) ? 89 : 710;  // their powers are infinite
  return exp_nonpositive(at_most(x, kHighest));
}
