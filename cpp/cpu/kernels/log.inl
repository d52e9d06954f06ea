// Logarithms in vectors.
#pragma once

#include "cpu/kernels/exp.inl"

template <class C>
struct LogConstants;

// (log(1 + f) - f + f^2 / 2) / f^3 in f: tools/polynomials.py, as all polynomials and tables here.
template <>
struct LogConstants<float> {
  static constexpr int32_t kSqrtHalf = 0x3f3504f3;
  static constexpr float kTiny = 0x1p-25f;
  static constexpr float kPolynomial[] = {
      0.33333331180030046f,  -0.24999996957950882f, 0.20000715748892103f,
      -0.16667802319501254f, 0.1424905764569748f,   -0.12425687331451106f,
      0.1168541992348674f,   -0.11479733846637637f, 0.069716114714511779f};
};

// Sixteen intervals from kFirst to twice that, a sixteenth of a power of two each. For a number m
// of one r = m * inverse - 1 is at most 0.03; the inverse is 1 where m may be. kPolynomial: (log(1
// + r) - r) / r^2 in r.
template <>
struct LogConstants<double> {
  static constexpr uint64_t kFirst = 0x3fe6555560000000;  // 0.698
  static constexpr double kTiny = 0x1p-54;
  static constexpr double kInverse[16] = {
      1.4013671875,  1.3427734375,   1.28857421875,  1.23876953125, 1.192626953125, 1.149658203125,
      1.10986328125, 1.072509765625, 1.037841796875, 1.0,           0.950439453125, 0.897216796875,
      0.849609375,   0.806640625,    0.76806640625,  0.73291015625};
  // -log(inverse), the high parts multiples of 2^-42.
  static constexpr double kHigh[16] = {-0.33744832259435498,  -0.2947372045011889,
                                       -0.25353635034389299,  -0.21411857343991869,
                                       -0.17615839775749009,  -0.13946468352423835,
                                       -0.10423683769317904,  -0.070001477256482758,
                                       -0.037143361639436989, 0.0,
                                       0.050830819108796277,  0.10845775507232247,
                                       0.16297859395081105,   0.21487703207844788,
                                       0.26387908310107377,   0.31073215452602199};
  static constexpr double kLow[16] = {8.6587499367658952e-14,  -2.9675116408159827e-14,
                                      -3.2673675404006532e-14, 3.5220793065577454e-14,
                                      -4.9309174900401461e-14, 2.7486017329598922e-14,
                                      3.4239029013831293e-14,  4.6907443707980567e-14,
                                      -9.4256115116242302e-15, 0.0,
                                      9.1707465389363078e-14,  8.4191830498618623e-14,
                                      1.2645632984431417e-14,  2.7146365570777349e-14,
                                      4.6804670216186471e-14,  -8.5536977295709738e-14};
  static constexpr double kPolynomial[] = {-0.5,
                                           0.33333333333333137,
                                           -0.2499999999999982,
                                           0.20000000002965015,
                                           -0.16666666669384655,
                                           0.14285702235170933,
                                           -0.1249998895345648,
                                           0.11129246836761585,
                                           -0.10016624658009488};
};

// x = 2^k m for positive x: m from sqrt(1/2) to sqrt(2).
struct BinaryFloats {
  Floats k, m;
};
inline BinaryFloats binary_of_normal(Floats x) {
  const Integers power = ((Integers)x - LogConstants<float>::kSqrtHalf) >> 23;
  return {__builtin_convertvector(power, Floats), (Floats)((Integers)x - (power << 23))};
}

// The same, m in the interval number `place`: its lowest four bits. `inverse_power` is 2^-k.
struct BinaryDoubles {
  Doubles k, m, inverse_power;
  IntegerRegister place;
};
inline BinaryDoubles binary_of_normal(Doubles x) {
  using Words = WordsOf<Doubles>;
  constexpr int kBias = ExpConstants<double>::kBias, kMantissa = ExpConstants<double>::kMantissa;
  constexpr uint64_t kOne = uint64_t{kBias} << kMantissa;
  // A positive k, since not every set converts integers: in the last places of a double.
  const Words from_first = (Words)x - LogConstants<double>::kFirst + kOne;
  const Words k = from_first >> kMantissa, power = k << kMantissa;
  return {(Doubles)(k | std::bit_cast<uint64_t>(0x1p52)) - (0x1p52 + kBias),
          (Doubles)((Words)x - power + kOne), (Doubles)(2 * kOne - power),
          (IntegerRegister)(from_first >> (kMantissa - 4))};
}
// Subnormal numbers, too.
template <class V>
inline auto binary_of(V x) {
  using C = ElementOf<V>;
  constexpr int kMantissa = ExpConstants<C>::kMantissa;
  const auto tiny = x < std::numeric_limits<C>::min();
  auto b = binary_of_normal(tiny ? x * static_cast<C>(uint64_t{1} << kMantissa) : x);
  b.k = tiny ? b.k - kMantissa : b.k;
  return b;
}

// log(x) of a positive, finite x; with c, which is less than a unit of a normal x, log(x) + c / x.
template <class... C>
inline Floats log_of_binary([[maybe_unused]] Floats x, const BinaryFloats& b, C... c) {
  using E = ExpConstants<float>;
  const Floats f = b.m - 1;
  const Floats high = b.k * E::kLn2High, sum = high + f;
  const Floats low = fma(b.k, Floats{} + E::kLn2Low, (Floats{} + ... + (c / x)));
  const Floats lost = ((high - sum) + f) + low;
  const Floats tail = long_polynomial(f, LogConstants<float>::kPolynomial);
  return sum + fma(f * f, fma(f, tail, Floats{} - 0.5f), lost);
}
template <class... C>
inline Doubles log_of_binary(Doubles, const BinaryDoubles& b, C... c) {
  using E = ExpConstants<double>;
  using K = LogConstants<double>;
  const Doubles inverse = lookup(K::kInverse, b.place);
  const Doubles f = b.m - 1, product = f * inverse, r = product + (inverse - 1);
  const Doubles high = fma(b.k, Doubles{} + E::kLn2High, lookup(K::kHigh, b.place));
  const Doubles low = fma(b.k, Doubles{} + E::kLn2Low, lookup(K::kLow, b.place));
  const Doubles sum = high + r;
  Doubles lost = ((high - sum) + r) + (low + product_rest(f, inverse, product));
  if constexpr (sizeof...(c) > 0) {
    lost = fma((c + ...) * b.inverse_power, fma(-r, inverse, inverse), lost);
  }
  return sum + fma(r * r, polynomial(r, K::kPolynomial), lost);
}

// What a logarithm is outside the positive numbers.
template <class V>
inline V log_edges(V x, V result) {
  using Limits = std::numeric_limits<ElementOf<V>>;
  result = x < Limits::infinity() ? result : x;  // infinity and NaN
  result = x < 0 ? V{} + Limits::quiet_NaN() : result;
  return x == 0 ? V{} - Limits::infinity() : result;
}

// For positive, finite and normal x; for any.
struct LogOfNormal {
  template <class V>
  static V of(V x) {
    return log_of_binary(x, binary_of_normal(x));
  }
};
struct LogVector {
  template <class V>
  static V of(V x) {
    return log_edges(x, log_of_binary(x, binary_of(x)));
  }
};

// log(u) + c / u, where u + c = 1 + x. For finite x above -1; for any.
struct Log1pOfInside {
  template <class V>
  static V of(V x) {
    const V u = x + 1;
    const V c = x < 1 ? x - (u - 1) : 1 - (u - x);
    const V result = log_of_binary(u, binary_of_normal(u), c);
    return magnitude(x) < LogConstants<ElementOf<V>>::kTiny ? x : result;
  }
};
struct Log1pVector {
  template <class V>
  static V of(V x) {
    return log_edges(x + 1, Log1pOfInside::of(x));
  }
};
