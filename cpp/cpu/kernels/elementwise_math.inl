// Elementary functions of float32 in vectors: a reduction of the argument to a short interval, a
// polynomial there (tools/polynomials.py), and the way back. Errors in units in the last place,
// over all floats or a dense sample of them, are held in tests/test_elementwise_accuracy.py.
#pragma once

#include "cpu/kernels/exp.inl"
#include "cpu/kernels/vector.inl"

using Integers = VectorOf<int32_t>::type;

inline Floats magnitude(Floats x) { return (Floats)((Integers)x & 0x7fffffff); }
inline Floats with_sign_of(Floats x, Floats sign) {
  return (Floats)(((Integers)x & 0x7fffffff) | ((Integers)sign & INT32_MIN));
}

// 2^n (e^r - 1) + (2^n - 1): the two parts are added with their rounding error kept.
inline Floats expm1_of(Floats x) {
  using K = ExpConstants<float>;
  Floats y = x > 89.0f ? Floats{} + 89.0f : x;
  y = y < -17.5f ? Floats{} - 17.5f : y;  // e^-17.5 is less than half a unit of 1
  const Floats shifted = y * 1.44269504f + K::kRound;
  const Floats n = shifted - K::kRound;
  const Floats r = (y - n * K::kLn2High) - n * K::kLn2Low;
  const Floats tail = r * r * polynomial(r, K::kPolynomial);
  // Half of 2^n, since 2^128 is no float.
  const Words exponent = (Words)shifted - std::bit_cast<uint32_t>(K::kRound) + (K::kBias - 1);
  const Floats scale = (Floats)(exponent << K::kMantissa);
  const Floats whole = scale - 0.5f, part = r * scale;
  const Floats sum = whole + part;
  const Floats lost = (whole - sum) + part;
  const Floats result = 2 * (sum + fma(tail, scale, lost));
  return magnitude(x) < 0x1p-25f ? x : result;
}

constexpr float kLogPolynomial[] = {
    0.33333331180030046f,  -0.24999996957950882f, 0.20000715748892103f,
    -0.16667802319501254f, 0.1424905764569748f,   -0.12425687331451106f,
    0.1168541992348674f,   -0.11479733846637637f, 0.069716114714511779f};

// x = 2^k m with m from sqrt(1/2) to sqrt(2), for positive x.
struct Binary {
  Floats k, m;
};
inline Binary binary_of(Floats x) {
  const auto tiny = x < 0x1p-126f;
  const Floats normal = tiny ? x * 0x1p23f : x;
  constexpr int32_t kSqrtHalf = 0x3f3504f3;
  const Integers k = ((Integers)normal - kSqrtHalf) >> 23;
  const Floats m = (Floats)((Integers)normal - (k << 23));
  const Floats exponent = __builtin_convertvector(k, Floats);
  return {tiny ? exponent - 23.0f : exponent, m};
}

// log(x) + correction for positive, finite x.
inline Floats log_positive(Floats x, Floats correction) {
  using K = ExpConstants<float>;
  const Binary b = binary_of(x);
  const Floats f = b.m - 1.0f;
  const Floats high = b.k * K::kLn2High, sum = high + f;
  const Floats lost = ((high - sum) + f) + fma(b.k, Floats{} + K::kLn2Low, correction);
  return sum + fma(f * f, fma(f, long_polynomial(f, kLogPolynomial), Floats{} - 0.5f), lost);
}

// What a logarithm is outside the positive numbers.
inline Floats log_edges(Floats x, Floats result) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  result = x < kInfinity ? result : x;  // infinity and NaN
  result = x < 0 ? Floats{} + std::numeric_limits<float>::quiet_NaN() : result;
  return x == 0 ? Floats{} - kInfinity : result;
}

inline Floats log_of(Floats x) { return log_edges(x, log_positive(x, Floats{})); }

// log(u) + c / u, where u + c = 1 + x.
inline Floats log1p_of(Floats x) {
  const Floats u = x + 1.0f;
  const Floats c = x < 1 ? x - (u - 1.0f) : 1.0f - (u - x);
  const Floats result = log_edges(u, log_positive(u, c / u));
  return magnitude(x) < 0x1p-25f ? x : result;
}

// 1 - 2 / (e^2|x| + 1), and near 0, where that cancels, (tanh(x) / x - 1) / x^2 in x^2.
constexpr float kTanhPolynomial[] = {-0.33333332007976979f, 0.13333113729020863f,
                                     -0.053909428827459534f, 0.021309388664439033f,
                                     -0.0066102278311082303f};

inline Floats tanh_of(Floats x) {
  const Floats size = magnitude(x), square = x * x;
  const Floats near = fma(x * square, polynomial(square, kTanhPolynomial), x);
  // From 10 on it is 1.
  const Floats far = 1.0f - 2.0f / (exp_inside<0>(2.0f * at_most(size, 10.0f)) + 1.0f);
  return size < 0.55f ? near : with_sign_of(far, x);
}

template <class V>
inline V minus_magnitude(V x) {
  if constexpr (sizeof(x[0]) == sizeof(float)) {
    return (V)((Integers)x | INT32_MIN);
  } else {
    return x < 0 ? x : -x;
  }
}

template <class V>
inline V sigmoid_of(V x) {
  const V e = exp_nonpositive(minus_magnitude(x));
  return (x < 0 ? e : V{} + 1) / (1 + e);
}

// Tails are computed times 2^24.
constexpr int kTailScale = 24;
constexpr float kTailUnit = 0x1p-24f;

// x / (1 + e^-|x|) where x >= 0, the same times e^-|x| where not, from e^-|x| times 2^24.
template <class V>
inline V times_sigmoid(V x, V scaled) {
  const V quotient = x / fma(scaled, V{} + kTailUnit, V{} + 1);
  return x < 0 ? quotient * scaled * kTailUnit : quotient;
}

template <class V>
inline V silu_of(V x) {
  return times_sigmoid(x, exp_nonpositive<kTailScale>(minus_magnitude(x)));
}

// (t + 4) Phi(-t) e^(t^2 / 2), Phi the normal distribution, in (t - 4) / (t + 4) for t >= 0.
constexpr float kMills[] = {0.75528513859619294f,    -0.60789659414508174f,
                            0.38713668307040542f,    -0.18652330675776782f,
                            0.060406185514291791f,   -0.0075254024182085447f,
                            -0.0035209728239863741f, 0.0015668816877809047f,
                            0.00018899651942026396f, -0.0001255583856022561f};

inline Floats gelu_of(Floats x) {
  const Floats t = at_most(magnitude(x), 17.0f);  // where the tail is 0
  // 1 / (t + 4), and what it lost in rounding; so precise since s magnifies it.
  const Floats sum = t + 4.0f, inverse = 1.0f / sum;
  const Floats lost =
      inverse * fma(sum - 4.0f - t, inverse, -product_rest(sum, inverse, Floats{} + 1.0f));
  const Floats s = fma(lost, Floats{} - 8.0f, fma(inverse, Floats{} - 8.0f, Floats{} + 1.0f));
  const Floats value = long_polynomial(s, kMills);
  const Floats mills = fma(value, lost, value * inverse);
  const Floats square = t * t, rest = product_rest(t, t, square);
  const Floats tail = exp_inside<kTailScale>(-0.5f * square, -0.5f * rest) * mills;
  const Floats positive = x * fma(tail, Floats{} - kTailUnit, Floats{} + 1.0f);
  return x < 0 ? x * tail * kTailUnit : positive;
}

// x sigmoid(v), v = 2 sqrt(2 / pi) (x + 0.044715 x^3). A unit of v would be many of e^v, so what is
// lost on the way to v is carried along.
inline Floats gelu_tanh_of(Floats x) {
  constexpr double kLinear = 1.5957691216057308, kCubic = 0.07135481627260025;
  constexpr float kLinearHigh = 0x1.9884p0f, kCubicHigh = kCubic;  // 15 bits: slope - kLinearHigh
  constexpr float kLinearLow = kLinear - kLinearHigh;              // is exact
  constexpr float kCubicLow = kCubic - kCubicHigh;
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
  return times_sigmoid(x, exp_inside<kTailScale>(-bounded, -v_rest));
}

// erf(x) / x - 1 in x^2 for |x| < 1; beyond, log(erfc(x)) / x in x.
constexpr float kErfPolynomial[] = {
    0.12837916584835096f,   -0.37612626666720334f,    0.11283594715160218f,  -0.026854212010626412f,
    0.0051890874234339739f, -0.00080168642871658699f, 7.8758750626854883e-5f};
constexpr float kErfcPolynomial[] = {-1.1289572433855557f,    -0.63397144758926453f,
                                     -0.10809191262559006f,   0.025308601194779258f,
                                     -0.0043739226248216579f, 0.00051574556381983117f,
                                     -3.6593011820437698e-5f, 1.1660325004599572e-6f};

inline Floats erf_of(Floats x) {
  const Floats square = x * x, size = at_most(magnitude(x), 4.0f);
  const Floats near = fma(x, long_polynomial(square, kErfPolynomial), x);
  const Floats far = 1.0f - exp_inside<0>(size * long_polynomial(size, kErfcPolynomial));
  return magnitude(x) < 1.0f ? near : with_sign_of(far, x);
}

// sin(r + quarter * pi / 2) for |r| <= pi / 4.
inline Floats sine_of_reduced(Floats r, Integers quarter) {
  constexpr float kSin[] = {-0.1666666666385529f, 0.0083333318747102082f, -0.00019840086735384846f,
                            2.7249925803059792e-6f};
  constexpr float kCos[] = {0.041666664659502209f, -0.0013888303035894866f, 2.4547942085071572e-5f};
  const Floats z = r * r;
  const Floats sine = fma(r * z, polynomial(z, kSin), r);
  const Floats cosine = fma(z * z, polynomial(z, kCos), 1.0f - 0.5f * z);
  const Floats value = (quarter & 1) != 0 ? cosine : sine;
  return (Floats)((Integers)value ^ ((quarter & 2) << 30));
}

// Up to here n * pi / 2 is reduced in float: the first three parts of pi / 2 have 11 bits, n has
// 13, so that their products are exact.
constexpr float kLargestAngle = 8192;

template <int kShift>  // 0 for the sine, 1 for the cosine
inline Floats sine_of(Floats x) {
  constexpr float kRound = 0x1.8p23f;
  const Floats shifted = x * 0.636619772f + kRound;
  const Floats n = shifted - kRound;
  Floats r = x - n * 0x1.92p0f;
  r = r - n * 0x1.fb4p-12f;
  r = r - n * 0x1.444p-24f;
  r = r - n * 0x1.68c234p-39f;
  return sine_of_reduced(r, ((Integers)shifted & 3) + kShift);
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
  store(sine_of_reduced(load<Floats>(r), load<Integers>(quarter)), result);
  for (int64_t i = 0; i < n; ++i) {
    const double value = x[i];
    const bool near = __builtin_fabs(value) < 0x1p30;
    out[i] = near ? result[i] : static_cast<float>(kShift ? std::cos(value) : std::sin(value));
  }
}

// As precise as a result in float32 needs.
struct ShortExpConstants : ExpConstants<double> {
  static constexpr double kPolynomial[] = {0.5,
                                           0.16666666718997508,
                                           0.041666666718980845,
                                           0.0083332984837548862,
                                           0.001388885404961482,
                                           0.00019899273958649361,
                                           2.4859578222625295e-5};
};

// (2^k m)^y.
inline Doubles power_of_positive(Doubles k, Doubles m, Doubles y) {
  constexpr double kAtanh[] = {-2.6405968720480837e-14, 0.33333333339789628, 0.1999999744591619,
                               0.14286083072937864,     0.11087124955038745, 0.098040478198765268};
  const Doubles s = (m - 1) / (m + 1), twice = s + s;
  const Doubles of_m = fma(twice, polynomial(s * s, kAtanh), twice);
  const Doubles exponent = y * fma(k, Doubles{} + 0.69314718055994531, of_m);
  // Beyond these float32 has no powers.
  return exp_inside<0, ShortExpConstants>(at_least(at_most(exponent, 90.0), -105.0));
}

// x^y for lanes where y is finite and x is neither 0, infinite nor NaN: e^(y log |x|) in double.
inline Floats power_of(Floats x, Floats y) {
  const Binary b = binary_of(magnitude(x));
  const Floats result = join(power_of_positive(lower_half(b.k), lower_half(b.m), lower_half(y)),
                             power_of_positive(upper_half(b.k), upper_half(b.m), upper_half(y)));
  // Beyond 2^24 every float is an even integer.
  const Floats size = magnitude(y);
  const Floats bounded = size < 0x1p24f ? size : Floats{};
  const Integers whole = __builtin_convertvector(bounded, Integers);
  const auto integral = __builtin_convertvector(whole, Floats) == bounded;
  const Integers odd = whole << 31;
  const Floats of_negative = integral ? (Floats)((Integers)result | odd)
                                      : Floats{} + std::numeric_limits<float>::quiet_NaN();
  return x < 0 ? of_negative : result;
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
BITMETAL_VECTOR_FUNCTION(LogVector, log_of)
BITMETAL_VECTOR_FUNCTION(Log1pVector, log1p_of)
BITMETAL_VECTOR_FUNCTION(TanhVector, tanh_of)
BITMETAL_VECTOR_FUNCTION(SigmoidVector, sigmoid_of)
BITMETAL_VECTOR_FUNCTION(SiluVector, silu_of)
BITMETAL_VECTOR_FUNCTION(ErfVector, erf_of)
BITMETAL_VECTOR_FUNCTION(GeluVector, gelu_of)
BITMETAL_VECTOR_FUNCTION(GeluTanhVector, gelu_tanh_of)
#undef BITMETAL_VECTOR_FUNCTION
