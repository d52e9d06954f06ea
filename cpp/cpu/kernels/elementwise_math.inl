// Elementary functions in vectors: a reduction of the argument to a short interval, a polynomial
// there (tools/polynomials.py), and the way back. Errors in units in the last place, over all
// floats or a dense sample of them, are held in tests/test_elementwise_accuracy.py.
#pragma once

#include "cpu/kernels/exp.inl"
#include "cpu/kernels/log.inl"
#include "cpu/kernels/power.inl"
#include "cpu/kernels/sine.inl"

// Where e^x is infinite, where it is less than half a unit of 1, and what it is 1 for.
template <class C>
struct Expm1Constants;
template <>
struct Expm1Constants<float> {
  static constexpr float kHighest = 89, kLowest = -17.5f, kTiny = 0x1p-25f;
};
template <>
struct Expm1Constants<double> {
  static constexpr double kHighest = 710, kLowest = -38, kTiny = 0x1p-54;
};

// 2^n (e^r - 1) + (2^n - 1): the two parts are added with their rounding error kept.
template <class V>
inline V expm1_of(V x) {
  using C = ElementOf<V>;
  using K = ExpConstants<C>;
  using Limits = Expm1Constants<C>;
  using Words = WordsOf<V>;
  const V y = at_least(at_most(x, Limits::kHighest), Limits::kLowest);
  const V shifted = y * C(1.4426950408889634) + K::kRound;
  const V n = shifted - K::kRound;
  const V r = (y - n * K::kLn2High) - n * K::kLn2Low;
  const V tail = r * r * polynomial(r, K::kPolynomial);
  // Half of 2^n, since the greatest is infinite.
  const Words exponent =
      (Words)shifted - std::bit_cast<ElementOf<Words>>(K::kRound) + (K::kBias - 1);
  const V scale = (V)(exponent << K::kMantissa);
  const V whole = scale - C(0.5), part = r * scale;
  const V sum = whole + part;
  const V lost = (whole - sum) + part;
  const V result = 2 * (sum + fma(tail, scale, lost));
  return magnitude(x) < Limits::kTiny ? x : result;
}

// E / (E + 1), E = (e^2|x| - 1) / 2 = 2^n p + (2^n - 1) / 2, where p is in x - n log(2) / 2:
// kTanhPolynomial is (p - r) / r^2. Near 0 instead from (tanh(x) / x - 1) / x^2 in x^2.
constexpr float kTanhPolynomial[] = {1.0f, 0.66666308102391958f, 0.33333243729640427f,
                                     0.13381076919221938f, 0.044563763583793853f};

constexpr float kTanhNear[] = {-0.33333331918891826f, 0.13332963273321602f, -0.053815943251305249f,
                               0.019837984119354489f};

inline Floats tanh_of(Floats x) {
  using K = ExpConstants<float>;
  const Floats size = at_most(magnitude(x), 10.0f);  // where it is 1
  constexpr float kRound = K::kRound + K::kBias;     // its last places are an exponent's
  const Floats shifted = fma(size, Floats{} + 2.8853900817779268f, Floats{} + kRound);
  const Floats n = shifted - kRound;
  const Floats r = fma(n, Floats{} - 0.34657359f, size);  // log(2) / 2 to a 30th of a unit
  const Floats part = fma(r * r, polynomial(r, kTanhPolynomial), r);
  const Floats power = (Floats)((Words)shifted << K::kMantissa);
  const Floats e = fma(power, part, fma(power, Floats{} + 0.5f, Floats{} - 0.5f));
  const Floats square = x * x, near = fma(x * square, polynomial(square, kTanhNear), x);
  return size < 0.35f ? near : with_sign_of(e / (e + 1), x);
}
inline Doubles tanh_of(Doubles x) {
  const Doubles e = expm1_of(2 * minus_magnitude(x));
  return with_sign_of(e / (e + 2), x);
}

template <class V>
inline V sigmoid_of(V x) {
  const V e = exp_nonpositive(minus_magnitude(x));
  return (x < 0 ? e : V{} + 1) / (1 + e);
}

// Tails are computed times a power of 2 that keeps them above the subnormal numbers.
template <class C>
struct Tail {
  static constexpr int kScale = sizeof(C) == sizeof(float) ? 24 : 100;
  static constexpr C kUnit = sizeof(C) == sizeof(float) ? C(0x1p-24) : C(0x1p-100);
};

// x / (1 + e^-|x|) where x >= 0, the same times e^-|x| where not, from e^-|x| scaled.
template <class V>
inline V times_sigmoid(V x, V scaled) {
  constexpr auto kUnit = Tail<ElementOf<V>>::kUnit;
  const V quotient = x / fma(scaled, V{} + kUnit, V{} + 1);
  return x < 0 ? quotient * scaled * kUnit : quotient;
}

template <class V>
inline V silu_of(V x) {
  return times_sigmoid(x, exp_nonpositive<Tail<ElementOf<V>>::kScale>(minus_magnitude(x)));
}

// (t + 4) Phi(-t) e^(t^2 / 2), Phi the normal distribution, in (t - 4) / (t + 4) for t >= 0.
template <class C>
struct Mills;
template <>
struct Mills<float> {
  static constexpr float kEnd = 17;  // where the tail is 0
  static constexpr float kPolynomial[] = {0.75528513859619294f,    -0.60789659414508174f,
                                          0.38713668307040542f,    -0.18652330675776782f,
                                          0.060406185514291791f,   -0.0075254024182085447f,
                                          -0.0035209728239863741f, 0.0015668816877809047f,
                                          0.00018899651942026396f, -0.0001255583856022561f};
};
template <>
struct Mills<double> {
  static constexpr double kEnd = 41;
  static constexpr double kPolynomial[] = {
      0.75528513041575152,     -0.60789664197189208,   0.38713740074221464,
      -0.18652185795965937,    0.060396574890930213,   -0.0075401889666598925,
      -0.0034796923672520807,  0.0016308184566235734,  0.0001333443107426556,
      -0.00023109492751462497, -1.9082467362071698e-6, 3.5144649514290321e-5,
      7.166136531522344e-7,    -5.9200637891099433e-6, -6.295418937455188e-7,
      1.0213461276683073e-6,   2.7150648766883065e-7,  -1.547220083448872e-7,
      -8.5040534591566544e-8,  1.3120878268311951e-8,  1.9346558330767474e-8,
      1.9643276806219769e-9,   -2.4165480803189245e-9, -7.2685534772106093e-10,
      -1.4280763756154855e-11};
};

inline Floats mills_polynomial(Floats s) { return long_polynomial(s, Mills<float>::kPolynomial); }
// The same with more terms than g++ unrolls a loop for.
template <int... i>
inline Doubles mills_terms(Doubles s, std::integer_sequence<int, i...>) {
  constexpr auto& c = Mills<double>::kPolynomial;
  constexpr int kLast = 2 * sizeof...(i);
  static_assert(std::size(c) == kLast + 1);
  const Doubles square = s * s;
  Doubles even = Doubles{} + c[kLast], odd = {};
  ((odd = fma(odd, square, Doubles{} + c[kLast - 1 - 2 * i]),
    even = fma(even, square, Doubles{} + c[kLast - 2 - 2 * i])),
   ...);
  return fma(odd, s, even);
}
inline Doubles mills_polynomial(Doubles s) {
  return mills_terms(s, std::make_integer_sequence<int, 12>{});
}

// Phi(-t) times a factor for 0 <= t <= kEnd, rounded once where it is subnormal.
template <class V>
inline V normal_tail(V t, V factor) {
  using C = ElementOf<V>;
  const V inverse = 1 / (t + 4), mills = mills_polynomial((t - 4) * inverse) * inverse;
  const V half = C(-0.5) * t, exponent = half * t;
  const PowerOf2<V> e = exp_parts(exponent, product_rest(half, t, exponent));
  return times_power(factor * mills * e.power, e.n);
}

// (x + |x|) / 2 - t Phi(-t), t = |x|.
template <class V>
inline V gelu_of(V x) {
  using C = ElementOf<V>;
  const V size = magnitude(x), t = at_most(size, Mills<C>::kEnd);
  return fma(size, V{} + C(0.5), C(0.5) * x) - normal_tail(t, t);
}

// The same for 16-bit results, to 2^-14 of them: (x + |x|) / 2 - t Phi(-t), t = |x|.
// kPolynomial is log2(Phi(-t)) in t up to kEnd, from where on the tail is 0 in T.
template <class T>
struct HalfGelu;
template <>
struct HalfGelu<float16> {
  static constexpr float kEnd = 5.8f;
  static constexpr float kPolynomial[] = {-0.9999893307685852f,   -1.1513463258743286f,
                                          -0.45820876955986023f,  -0.054220475256443024f,
                                          0.008635120466351509f,  -0.0009625668753869832f,
                                          6.560919428011402e-05f, -2.032305928878486e-06f};
};
template <>
struct HalfGelu<bfloat16> {
  static constexpr float kEnd = 14;
  static constexpr float kPolynomial[] = {-1.000012993812561f,    -1.150961995124817f,
                                          -0.4590308666229248f,   -0.05367368459701538f,
                                          0.00853021815419197f,   -0.0009866534965112805f,
                                          7.880073098931462e-05f, -4.074729076819494e-06f,
                                          1.219885064074333e-07f, -1.5992475121962002e-09f};
};
constexpr float kHalfExp2Polynomial[] = {1.0f, 0.6931210160255432f, 0.2402234971523285f,
                                         0.055921975523233414f, 0.00966636836528778f};

template <class T>
inline Floats half_gelu_of(Floats x) {
  using K = HalfGelu<T>;
  constexpr float kRound = ExpConstants<float>::kRound;
  const Floats size = magnitude(x), t = at_most(size, K::kEnd);
  const Floats log2 = long_polynomial(t, K::kPolynomial);
  const Floats n = (log2 + kRound) - kRound;
  const Floats tail = times_power(polynomial(log2 - n, kHalfExp2Polynomial), n);
  return fma(-t, tail, fma(size, Floats{} + 0.5f, 0.5f * x));
}

// x sigmoid(v), v = 2 sqrt(2 / pi) (x + 0.044715 x^3). A unit of v would be many of e^v, so what is
// lost on the way to v is carried along.
constexpr double kGeluLinear = 1.5957691216057308, kGeluCubic = 0.07135481627260025;

inline Floats gelu_tanh_of(Floats x) {
  constexpr float kLinearHigh = 0x1.9884p0f, kCubicHigh = kGeluCubic;  // 15 bits: slope -
  constexpr float kLinearLow = kGeluLinear - kLinearHigh;              // kLinearHigh is exact
  constexpr float kCubicLow = kGeluCubic - kCubicHigh;
  const Floats size = at_most(magnitude(x), 16.0f);  // e^-v times x is less than any float
  const Floats square = size * size, square_rest = product_rest(size, size, square);
  const Floats cubic = square * kCubicHigh;
  const Floats slope = cubic + kLinearHigh;
  Floats rest =
      (cubic - (slope - kLinearHigh)) + product_rest(square, Floats{} + kCubicHigh, cubic);
  rest = fma(square, Floats{} + kCubicLow, fma(square_rest, Floats{} + kCubicHigh, rest));
  const Floats v = size * slope;
  const Floats v_rest = fma(size, rest + kLinearLow, product_rest(size, slope, v));
  constexpr float kFar = 130;  // e^-130 times 2^24 is 0
  const Floats bounded = at_most(v, kFar);
  return times_sigmoid(x, exp_inside<Tail<float>::kScale>(-bounded, -v_rest));
}
// In double a tail may lose three digits of its sixteen.
inline Doubles gelu_tanh_of(Doubles x) {
  constexpr double kFar = 820;  // e^-820 times 2^100 is 0
  const Doubles size = at_most(magnitude(x), 32.0);
  const Doubles v = size * fma(size * size, Doubles{} + kGeluCubic, Doubles{} + kGeluLinear);
  return times_sigmoid(x, exp_inside<Tail<double>::kScale>(-at_most(v, kFar)));
}

// erf(x) / x - 1 in x^2 for |x| < 1; beyond, for float, log(erfc(x)) / x in x.
template <class C>
struct Erf;
template <>
struct Erf<float> {
  static constexpr float kPolynomial[] = {0.12837916584835096f,   -0.37612626666720334f,
                                          0.11283594715160218f,   -0.026854212010626412f,
                                          0.0051890874234339739f, -0.00080168642871658699f,
                                          7.8758750626854883e-5f};
};
template <>
struct Erf<double> {
  static constexpr double kPolynomial[] = {
      0.12837916709551256,   -0.37612638903183748,   0.11283791670954879,   -0.026866170645076792,
      0.0052239776248180145, -0.000854832698083379,  0.0001205533111164271, -1.4925595266831182e-5,
      1.6461000484121368e-6, -1.6350312701054695e-7, 1.4659775274047436e-8, -1.1372848856791674e-9,
      5.9571761477489113e-11};
};
constexpr float kErfcPolynomial[] = {-1.1289572433855557f,    -0.63397144758926453f,
                                     -0.10809191262559006f,   0.025308601194779258f,
                                     -0.0043739226248216579f, 0.00051574556381983117f,
                                     -3.6593011820437698e-5f, 1.1660325004599572e-6f};

inline Floats erf_beyond_1(Floats size) {
  const Floats bounded = at_most(size, 4.0f);  // where it is 1
  return 1.0f - exp_inside<0>(bounded * long_polynomial(bounded, kErfcPolynomial));
}
inline Doubles erf_beyond_1(Doubles size) {
  constexpr double kSqrt2 = 1.4142135623730951;
  return 1 - normal_tail(at_most(size, 6.0) * kSqrt2, Doubles{} + 2);
}

template <class V>
inline V erf_of(V x) {
  const V square = x * x;
  const V near = fma(x, long_polynomial(square, Erf<ElementOf<V>>::kPolynomial), x);
  const V far = erf_beyond_1(magnitude(x));
  return magnitude(x) < 1 ? near : with_sign_of(far, x);
}

#define BITMETAL_VECTOR_FUNCTION(Name, function) \
  struct Name {                                  \
    template <class V>                           \
    static V of(V x) {                           \
      return function(x);                        \
    }                                            \
  };
BITMETAL_VECTOR_FUNCTION(ExpVector, exp_of)
BITMETAL_VECTOR_FUNCTION(Expm1Vector, expm1_of)
BITMETAL_VECTOR_FUNCTION(TanhVector, tanh_of)
BITMETAL_VECTOR_FUNCTION(SigmoidVector, sigmoid_of)
BITMETAL_VECTOR_FUNCTION(SiluVector, silu_of)
BITMETAL_VECTOR_FUNCTION(ErfVector, erf_of)
BITMETAL_VECTOR_FUNCTION(GeluVector, gelu_of)
BITMETAL_VECTOR_FUNCTION(GeluTanhVector, gelu_tanh_of)
#undef BITMETAL_VECTOR_FUNCTION
template <class T>
struct HalfGeluVector {
  static Floats of(Floats x) { return half_gelu_of<T>(x); }
};
