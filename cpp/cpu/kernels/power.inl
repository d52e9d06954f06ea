// Powers in vectors.
#pragma once

#include "cpu/kernels/log.inl"

// x^y as 2^(y log2(x)), in double to more digits than a float has.
struct FloatPower {
  static constexpr double kLog2[16] = {// -log2(inverse), of LogConstants<double>
                                       -0.48683502156305014, -0.4252159032993843,
                                       -0.36577563532626839, -0.3089078040639392,
                                       -0.25414284685574756, -0.20120500729952773,
                                       -0.15038196881784779, -0.10099078409276156,
                                       -0.0535865436391747,  0.0,
                                       0.073333370652716653, 0.15647146538891091,
                                       0.23512840926390935,  0.31000202858055464,
                                       0.3806970445843133,   0.44829173837931158};
  // log2(1 + r) / r, and (2^r - 1) / r for |r| <= 1/32.
  static constexpr double kLogPolynomial[] = {1.442695040893442,   -0.72134752044840067,
                                              0.48089825594133484, -0.36067368057602961,
                                              0.28881301485670652, -0.24068893463638874};
  static constexpr double kExpPolynomial[] = {0.69314718055994529, 0.24023355156988721,
                                              0.055505085251969628};
  // 2^(j / 16), its bits less j * 2^48: those an exponent counted in sixteenths brings along.
  static constexpr double kPowers[16] = {0x1p0,
                                         0x1.fb5586cf9890fp-1,
                                         0x1.f72b83c7d517bp-1,
                                         0x1.f387a6e756238p-1,
                                         0x1.f06fe0a31b715p-1,
                                         0x1.edea64c123422p-1,
                                         0x1.ebfdad5362a27p-1,
                                         0x1.eab07dd485429p-1,
                                         0x1.ea09e667f3bcdp-1,
                                         0x1.ea11473eb0187p-1,
                                         0x1.eace5422aa0dbp-1,
                                         0x1.ec49182a3f090p-1,
                                         0x1.ee89f995ad3adp-1,
                                         0x1.f199bdd85529cp-1,
                                         0x1.f5818dcfba487p-1,
                                         0x1.fa4afa2a490dap-1};
};

inline Doubles float_power(Doubles x, Doubles y) {
  using K = FloatPower;
  const BinaryDoubles b = binary_of_normal(x);
  const Doubles r = fma(b.m, lookup(LogConstants<double>::kInverse, b.place), Doubles{} - 1);
  const Doubles log2 = fma(r, polynomial(r, K::kLogPolynomial), b.k + lookup(K::kLog2, b.place));
  constexpr double kFar = 300;  // where float32 has no powers of 2 and double has them still
  const Doubles exponent = at_least(at_most(y * log2, kFar), -kFar);
  constexpr double kRound = 0x1.8p48;  // to sixteenths, which are the last places
  const Doubles shifted = exponent + kRound, rest = exponent - (shifted - kRound);
  const auto sixteenths = (WordsOf<Doubles>)shifted;
  const Doubles root = lookup(K::kPowers, (IntegerRegister)sixteenths);
  const Doubles power = (Doubles)((WordsOf<Doubles>)root + (sixteenths << 48));
  return fma(power * rest, polynomial(rest, K::kExpPolynomial), power);
}

// For positive, finite x and finite y; where kNormal x is no subnormal number.
template <bool kNormal>
inline Floats power_of_positive(Floats x, Floats y) {
  return join(float_power(lower_half(x), lower_half(y)), float_power(upper_half(x), upper_half(y)));
}

// 2 (log(1 + r) - r + r^2 / 2) / r^3 in r.
constexpr double kLogTail[] = {0.6666666666666666,  -0.4999999999999964,  0.3999999999999967,
                               -0.3333333333876931, 0.2857142857644649,   -0.2499997790691296,
                               0.22222201828264024, -0.20033249316018975, 0.18212510246683156};

// The same of double: a unit of the exponent would be many of the power, so the logarithm is a sum
// of two doubles. `_rest` is what a number lost.
template <bool kNormal>
inline Doubles power_of_positive(Doubles x, Doubles y) {
  using E = ExpConstants<double>;
  using K = LogConstants<double>;
  const BinaryDoubles b = kNormal ? binary_of_normal(x) : binary_of(x);
  const Doubles inverse = lookup(K::kInverse, b.place);
  const Doubles f = b.m - 1, product = f * inverse, r = product + (inverse - 1);
  const Doubles product_lost = product_rest(f, inverse, product);
  const Doubles r_rest = fma(-r, product_lost, product_lost);  // log(1 + r + lost) - log(1 + r)
  const Doubles half = 0.5 * r, square = half * r, square_rest = product_rest(half, r, square);
  const Doubles tail = r * square * polynomial(r, kLogTail);
  const Doubles high = fma(b.k, Doubles{} + E::kLn2High, lookup(K::kHigh, b.place));
  const Doubles low = fma(b.k, Doubles{} + E::kLn2Low, lookup(K::kLow, b.place));
  const Doubles first = high + r, second = first - square;
  const Doubles rest = (((high - first) + r) + ((first - second) - square)) +
                       ((r_rest - square_rest) + (tail + low));
  const Doubles log = second + rest, log_rest = (second - log) + rest;
  const Doubles exponent = y * log;
  const Doubles exponent_rest = product_rest(y, log, exponent) + y * log_rest;
  constexpr double kFar = 746;  // e^kFar is infinite, e^-kFar is 0
  const Doubles near_rest = magnitude(exponent) < kFar ? exponent_rest : Doubles{};
  return exp_inside<0>(at_least(at_most(exponent, kFar), -kFar), near_rest);
}

// From 2^(digits - 1) on every number is whole.
template <class V>
inline auto is_whole(V size) {
  constexpr ElementOf<V> kWhole = uint64_t{1} << ExpConstants<ElementOf<V>>::kMantissa;
  return (size >= kWhole) | ((size + kWhole) - kWhole == size);
}

// For lanes where y is finite and x positive, and neither infinite nor subnormal.
struct PowerOfNormal {
  template <class V>
  static V of(V x, V y) {
    return power_of_positive<true>(x, y);
  }
};
// For lanes where y is finite and x is neither 0, infinite nor NaN.
struct PowerVector {
  template <class V>
  static V of(V x, V y) {
    using C = ElementOf<V>;
    const V result = power_of_positive<false>(magnitude(x), y), size = magnitude(y);
    const auto whole = is_whole(size), half_whole = is_whole(C(0.5) * size);
    const V of_whole = half_whole ? result : -result;
    const V of_negative = whole ? of_whole : V{} + std::numeric_limits<C>::quiet_NaN();
    return x < 0 ? of_negative : result;
  }
};
