// Logarithms and powers in vectors.
#pragma once

#include "cpu/kernels/exp.inl"

template <class C>
struct LogConstants;

// (log(1 + f) - f + f^2 / 2) / f^3 in f, and for double (log(1 + f) / s - 2) / s^2 in s^2,
// s = f / (2 + f): tools/polynomials.py.
template <>
struct LogConstants<float> {
  static constexpr int32_t kSqrtHalf = 0x3f3504f3;
  static constexpr float kTiny = 0x1p-25f;
  static constexpr float kPolynomial[] = {
      0.33333331180030046f,  -0.24999996957950882f, 0.20000715748892103f,
      -0.16667802319501254f, 0.1424905764569748f,   -0.12425687331451106f,
      0.1168541992348674f,   -0.11479733846637637f, 0.069716114714511779f};
};
template <>
struct LogConstants<double> {
  static constexpr int64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  static constexpr double kTiny = 0x1p-54;
  static constexpr double kPolynomial[] = {
      0.66666666666666663, 0.40000000000000879, 0.28571428570803614, 0.22222222391713917,
      0.18181795640132906, 0.15386239702814658, 0.13268773138656886, 0.13086626147840102};
};

// x = 2^k m with m from sqrt(1/2) to sqrt(2), for positive x.
template <class V>
struct Binary {
  V k, m;
};
template <class V>
inline Binary<V> binary_of_normal(V x) {
  using C = ElementOf<V>;
  using K = LogConstants<C>;
  using E = ExpConstants<C>;
  const IntegersOf<V> bits = (IntegersOf<V>)x;
  if constexpr (sizeof(C) == sizeof(float)) {
    const IntegersOf<V> k = (bits - K::kSqrtHalf) >> E::kMantissa;
    return {__builtin_convertvector(k, V), (V)(bits - (k << E::kMantissa))};
  } else {  // as a positive number, in the last places of a double: not every set converts integers
    constexpr int64_t kOne = int64_t{E::kBias} << E::kMantissa;
    const WordsOf<V> k = (WordsOf<V>)(bits - K::kSqrtHalf + kOne) >> E::kMantissa;
    return {(V)(k | std::bit_cast<uint64_t>(0x1p52)) - (0x1p52 + E::kBias),
            (V)((WordsOf<V>)bits - (k << E::kMantissa) + kOne)};
  }
}
template <class V>
inline Binary<V> binary_of(V x) {
  using C = ElementOf<V>;
  constexpr int kMantissa = ExpConstants<C>::kMantissa;
  const auto tiny = x < std::numeric_limits<C>::min();
  const Binary<V> b = binary_of_normal(tiny ? x * static_cast<C>(uint64_t{1} << kMantissa) : x);
  return {tiny ? b.k - kMantissa : b.k, b.m};
}

// log(x) + correction for positive, finite x.
template <class V>
inline V log_positive(V x, V correction) {
  using C = ElementOf<V>;
  using E = ExpConstants<C>;
  const Binary<V> b = binary_of(x);
  const V f = b.m - 1;
  const V high = b.k * E::kLn2High, sum = high + f;
  const V lost = ((high - sum) + f) + fma(b.k, V{} + E::kLn2Low, correction);
  constexpr auto& kPolynomial = LogConstants<C>::kPolynomial;
  if constexpr (sizeof(C) == sizeof(float)) {
    return sum + fma(f * f, fma(f, long_polynomial(f, kPolynomial), V{} - C(0.5)), lost);
  } else {
    const V s = f / (f + 2), z = s * s, half = C(0.5) * f * f;
    return sum - (half - fma(s, fma(z, long_polynomial(z, kPolynomial), half), lost));
  }
}

// What a logarithm is outside the positive numbers.
template <class V>
inline V log_edges(V x, V result) {
  using Limits = std::numeric_limits<ElementOf<V>>;
  result = x < Limits::infinity() ? result : x;  // infinity and NaN
  result = x < 0 ? V{} + Limits::quiet_NaN() : result;
  return x == 0 ? V{} - Limits::infinity() : result;
}

template <class V>
inline V log_of(V x) {
  return log_edges(x, log_positive(x, V{}));
}

// log(u) + c / u, where u + c = 1 + x.
template <class V>
inline V log1p_of(V x) {
  const V u = x + 1;
  const V c = x < 1 ? x - (u - 1) : 1 - (u - x);
  const V result = log_edges(u, log_positive(u, c / u));
  return magnitude(x) < LogConstants<ElementOf<V>>::kTiny ? x : result;
}

// log2(m) / (m - 1) in m - 1, and (2^r - 1) / r.
constexpr double kLog2Polynomial[] = {
    1.4426950408708794,  -0.72134752096315513, 0.48089836017624588, -0.36067365531593959,
    0.28853739437873954, -0.24045433696411997, 0.20617283226751984, -0.18027102577114942,
    0.15878356832510718, -0.14349039375280995, 0.14495052999815844, -0.14144788210587389,
    0.075537903980134116};
constexpr float kExp2Polynomial[] = {0.69314718802622877f,   0.24022650760568126f,
                                     0.055503571142190775f,  0.0096180825572778524f,
                                     0.0013390863364671234f, 0.00015453162945120691f};

// power * (k + log2(1 + f)).
inline Doubles exponent_of_2(Doubles k, Doubles f, Doubles power) {
  return power * fma(f, long_polynomial(f, kLog2Polynomial), k);
}

// x^y for lanes where y is finite, from the binary form of x: 2^(y log2 x), the exponent in double.
inline Floats power_of_binary(Binary<Floats> b, Floats y) {
  const Floats f = b.m - 1;
  const Doubles lower = exponent_of_2(lower_half(b.k), lower_half(f), lower_half(y));
  const Doubles upper = exponent_of_2(upper_half(b.k), upper_half(f), upper_half(y));
  // Beyond these float32 has no powers of 2.
  constexpr float kRound = ExpConstants<float>::kRound;
  const Floats bounded = at_least(at_most(join(lower, upper), 160.0f), -160.0f);
  const Floats n = (bounded + kRound) - kRound;
  const Floats rest = join(lower - lower_half(n), upper - upper_half(n));
  const Floats r = at_least(at_most(rest, 1.0f), -1.0f);
  const Floats power = fma(r, polynomial(r, kExp2Polynomial), Floats{} + 1.0f);
  return times_power(power, n);
}

// (2 atanh(s) / s - 2 - 2/3 s^2) / s^4 in s^2.
constexpr double kAtanhPolynomial[] = {
    0.40000000000000024, 0.28571428571338559, 0.22222222271077449, 0.18181808251607398,
    0.15385574500458829, 0.13285967273890614, 0.12913496066803151};

// The same of double: a unit of the exponent would be many of the power, so the logarithm
// 2 atanh((m - 1) / (m + 1)) + k log(2) is a sum of two doubles. `_rest` is what a number lost.
inline Doubles power_of_binary(Binary<Doubles> b, Doubles y) {
  using E = ExpConstants<double>;
  const Doubles f = b.m - 1, d = b.m + 1, d_rest = b.m - (d - 1), inverse = 1 / d;
  const Doubles s = f * inverse;
  const Doubles s_rest = (-product_rest(s, d, f) - s * d_rest) * inverse;
  const Doubles z = s * s, z_rest = product_rest(s, s, z) + 2 * s * s_rest;
  const Doubles cube = s * z, cube_rest = product_rest(s, z, cube) + (s * z_rest + s_rest * z);
  constexpr double kTwoThirds = 2.0 / 3, kTwoThirdsRest = 3.7007434154171883e-17;
  const Doubles third = cube * kTwoThirds;
  const Doubles third_rest = product_rest(cube, Doubles{} + kTwoThirds, third) +
                             (cube * kTwoThirdsRest + cube_rest * kTwoThirds);
  const Doubles tail = cube * z * polynomial(z, kAtanhPolynomial);
  const Doubles of_k = b.k * E::kLn2High, twice = s + s;
  const Doubles first = of_k + twice, second = first + third;
  const Doubles rest = ((of_k - first) + twice) + ((first - second) + third) +
                       ((third_rest + 2 * s_rest) + (tail + b.k * E::kLn2Low));
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
    return power_of_binary(binary_of_normal(x), y);
  }
};
// For lanes where y is finite and x is neither 0, infinite nor NaN.
struct PowerVector {
  template <class V>
  static V of(V x, V y) {
    using C = ElementOf<V>;
    const V result = power_of_binary(binary_of(magnitude(x)), y), size = magnitude(y);
    const auto whole = is_whole(size), half_whole = is_whole(C(0.5) * size);
    const V of_whole = half_whole ? result : -result;
    const V of_negative = whole ? of_whole : V{} + std::numeric_limits<C>::quiet_NaN();
    return x < 0 ? of_negative : result;
  }
};
