// e^x within 1.1 units in the last place, subnormal results included. Sets with a fused
// multiplication and addition agree bit for bit.
#pragma once

#include "cpu/kernels/vector.inl"

template <class V>
using ElementOf = std::remove_cvref_t<decltype(V{}[0])>;
template <class V>
using IntegersOf =
    typename VectorOf<std::conditional_t<sizeof(ElementOf<V>) == 4, int32_t, int64_t>>::type;
template <class V>
using WordsOf =
    typename VectorOf<std::conditional_t<sizeof(ElementOf<V>) == 4, uint32_t, uint64_t>>::type;

template <class V>
inline V magnitude(V x) {
  return (V)((IntegersOf<V>)x & std::numeric_limits<ElementOf<IntegersOf<V>>>::max());
}
template <class V>
inline V minus_magnitude(V x) {
  return (V)((IntegersOf<V>)x | std::numeric_limits<ElementOf<IntegersOf<V>>>::min());
}
template <class V>
inline V with_sign_of(V x, V sign) {
  constexpr auto kSign = std::numeric_limits<ElementOf<IntegersOf<V>>>::min();
  return (V)((IntegersOf<V>)magnitude(x) | ((IntegersOf<V>)sign & kSign));
}

// a * b - product: what a product lost in rounding. Without a fused operation, from the halves of
// both (T. J. Dekker).
inline Doubles upper_digits(Doubles x) {
  const Doubles big = x * (0x1p27 + 1);
  return big - (big - x);
}
inline Doubles product_rest(Doubles a, Doubles b, Doubles product) {
  if constexpr (kFused) {
    return fma(a, b, -product);
  } else {
    const Doubles a_high = upper_digits(a), a_low = a - a_high;
    const Doubles b_high = upper_digits(b), b_low = b - b_high;
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
  }
}

// (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2 as a polynomial: the one that agrees at the Chebyshev
// nodes, computed in 200 bits. Its error is below 0.01 units of the result.
template <class C>
struct ExpConstants;

template <>
struct ExpConstants<float> {
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
  using K = ExpConstants<ElementOf<V>>;
  using Words = WordsOf<V>;
  // An integer in the last places of a float that is large enough.
  const Words exponent = (Words)(n + K::kRound) - std::bit_cast<ElementOf<Words>>(K::kRound);
  const Words first = (exponent + 2 * K::kBias) >> 1;
  const Words second = exponent + 2 * K::kBias - first;
  return x * (V)(first << K::kMantissa) * (V)(second << K::kMantissa);
}

// e^(x + rest) = power * 2^n for kLowest <= x <= 88; `rest` is what x lost in rounding, or nothing.
template <class V>
struct PowerOf2 {
  V power, n;
};
template <class V, class... Rest>
inline PowerOf2<V> exp_parts(V x, Rest... rest) {
  using C = ElementOf<V>;
  using K = ExpConstants<C>;
  constexpr C kLog2e = static_cast<C>(1.4426950408889634);
  const V n = fma(x, V{} + kLog2e, V{} + K::kRound) - K::kRound;
  V r = fma(n, V{} - K::kLn2High, x);
  if constexpr (sizeof...(rest) == 0) {
    r = fma(n, V{} - K::kLn2Low, r);
  } else {
    r += fma(n, V{} - K::kLn2Low, (rest + ...));
  }
  return {fma(r, fma(r, polynomial(r, K::kPolynomial), V{} + 1), V{} + 1), n};
}

// The same times 2^kScale, where a later factor needs the digits that a small result would lose.
template <int kScale, class V, class... Rest>
inline V exp_inside(V x, Rest... rest) {
  const PowerOf2<V> parts = exp_parts(x, rest...);
  if constexpr (kScale == 0) {
    return times_power(parts.power, parts.n);
  } else {
    return times_power(parts.power, parts.n + kScale);
  }
}

template <int kScale = 0, class V>
inline V exp_nonpositive(V x) {
  using C = ElementOf<V>;
  constexpr C kLowest = ExpConstants<C>::kLowest - static_cast<C>(kScale * 0.6931471805599453);
  return exp_inside<kScale>(at_least(x, kLowest));
}

template <class V>
inline V exp_of(V x) {
  using C = ElementOf<V>;
  constexpr C kHighest = sizeof(C) == sizeof(float) ? 89 : 710;  // their powers are infinite
  return exp_nonpositive(at_most(x, kHighest));
}
