// Elementary functions of float32 in vectors: a reduction of the argument to a short interval, a
// polynomial there (tools/polynomials.py), and the way back. Errors in units in the last place,
// over all floats or a dense sample of them, are held in tests/test_elementwise_accuracy.py.
#pragma once

#include "cpu/kernels/exp.inl"
#include "cpu/kernels/vector.inl"

using Integers = VectorOf<int32_t>::type;

template <class V, class C, int kCount>
inline V polynomial(V x, const C (&coefficients)[kCount]) {
  V sum = V{} + coefficients[kCount - 1];
  for (int i = kCount - 2; i >= 0; --i) sum = fma(sum, x, V{} + coefficients[i]);
  return sum;
}

inline Floats magnitude(Floats x) { return (Floats)((Integers)x & 0x7fffffff); }
inline Floats with_sign_of(Floats x, Floats sign) {
  return (Floats)(((Integers)x & 0x7fffffff) | ((Integers)sign & INT32_MIN));
}

// Two vectors of doubles as one of floats, rounded.
inline Floats join(Doubles lower, Doubles upper) {
  typedef float Half __attribute__((vector_size(kVectorBytes / 2)));
  Half halves[2] = {__builtin_convertvector(lower, Half), __builtin_convertvector(upper, Half)};
  return load<Floats>(reinterpret_cast<const float*>(halves));
}

// x^2 = high + low without error: of two halves of 12 bits each every product is a float.
struct SquareParts {
  Floats high, low;
};
inline SquareParts exact_square(Floats x) {
  const Floats top = (Floats)((Integers)x & ~0xfff), rest = x - top;
  const Floats high = x * x;
  return {high, ((top * top - high) + 2 * top * rest) + rest * rest};
}

// e^x times 2^kScale, which keeps the digits of results that a later factor brings back into range.
template <int kScale = 0, class V>
inline V exp_of(V x) {
  using C = std::remove_cvref_t<decltype(x[0])>;
  using K = ExpConstants<C>;
  constexpr C kHighest = sizeof(C) == 4 ? 89 : 710;  // their powers are infinite
  x = x > kHighest ? V{} + kHighest : x;
  constexpr C kLowest = K::kLowest - static_cast<C>(kScale * 0.6931471805599453);
  x = x < kLowest ? V{} + kLowest : x;  // NaN stays
  const V n = (x * static_cast<C>(1.4426950408889634) + K::kRound) - K::kRound;
  const V r = (x - n * K::kLn2High) - n * K::kLn2Low;
  const V power = fma(r * r, polynomial(r, K::kPolynomial), r) + 1, exponent = n + kScale;
  return times_power(power, exponent);
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
  return sum + fma(f * f, fma(f, polynomial(f, kLogPolynomial), Floats{} - 0.5f), lost);
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

// t / (t + 2) for t = e^2|x| - 1; where t is large, 1 - 2 / (t + 2) carries less of its error.
inline Floats tanh_of(Floats x) {
  const Floats t = expm1_of(2.0f * magnitude(x));
  const auto large = t > 2.0f;
  const Floats sum = t + 2.0f;
  const Floats quotient = (large ? Floats{} - 2.0f : t) / sum;
  const Floats lost = t - (sum - 2.0f);
  const Floats small = fma(quotient * -0.4f, lost, quotient);  // 1 / sum is 0.25 to 0.5
  return with_sign_of(large ? quotient + 1.0f : small, x);
}

template <class V>
inline V absolute(V x) {
  return x < 0 ? -x : x;
}

template <class V>
inline V sigmoid_of(V x) {
  const V e = exp_of(-absolute(x));
  return (x < 0 ? e : V{} + 1) / (1 + e);
}
// Tails are computed times 2^24.
constexpr int kTailScale = 24;
constexpr float kTailUnit = 0x1p-24f;

template <class V>
inline V silu_of(V x) {
  const V scaled = exp_of<kTailScale>(-absolute(x));
  const V quotient = (x < 0 ? x * scaled : x) / (1 + scaled * kTailUnit);
  return x < 0 ? quotient * kTailUnit : quotient;
}

// Phi(-t) times 2^24, the normal distribution's tail, for t >= 0: e^(-t^2 / 2) times a function
// that is smooth in (t - 3) / (t + 3) over all t.
inline Floats normal_tail(Floats t) {
  constexpr float kMills[] = {
      0.72908369066529555f,    -0.50933199024130005f,   0.23001767971296402f,
      -0.047262727689357138f,  -0.010462311157907835f,  0.0069696895431712496f,
      0.0010241576682239034f,  -0.0010338913481372117f, -0.0002444839420897951f,
      0.00013282590865159357f, 5.5174623938396321e-5f};
  const auto beyond = t >= 15.0f;  // where it is less than any float
  t = beyond ? Floats{} + 15.0f : t;
  const Floats inverse = 1.0f / (t + 3.0f);
  const Floats mills = polynomial((t - 3.0f) * inverse, kMills) * inverse;
  const SquareParts square = exact_square(t);
  const Floats e = exp_of<kTailScale>(-0.5f * square.high);
  return beyond ? Floats{} : fma(e, -0.5f * square.low, e) * mills;
}

// erf(x) / x - 1 in x^2 for |x| < 1.
constexpr float kErfPolynomial[] = {
    0.12837916584835096f,   -0.37612626666720334f,    0.11283594715160218f,  -0.026854212010626412f,
    0.0051890874234339739f, -0.00080168642871658699f, 7.8758750626854883e-5f};

inline Floats gelu_of(Floats x) {
  constexpr float kHalfSqrtHalf = 0.353553391f;
  const Floats size = magnitude(x), tail = normal_tail(size);
  const Floats slope = x * kHalfSqrtHalf;
  const Floats near = fma(slope, polynomial(0.5f * x * x, kErfPolynomial), slope) + 0.5f;
  const Floats far = 1.0f - tail * kTailUnit;
  const Floats positive = x * (size < 0.75f ? near : far);
  return x < -0.75f ? x * tail * kTailUnit : positive;
}

// 2 sqrt(2 / pi) (x + 0.044715 x^3).
inline Doubles gelu_inner(Doubles x) {
  constexpr double kLinear = 1.5957691216057308, kCubic = 0.07135481627260025;
  return x * (kLinear + kCubic * (x * x));
}

// x sigmoid(v) with v in double, since e^v magnifies its error.
inline Floats gelu_tanh_of(Floats x) {
  const Doubles lower = gelu_inner(lower_half(x)), upper = gelu_inner(upper_half(x));
  const Floats v = join(lower, upper);
  const Floats rest = join(lower - lower_half(v), upper - upper_half(v));
  const Floats e = exp_of<kTailScale>(-magnitude(v));
  const Floats corrected = e * (1.0f - with_sign_of(rest, (Floats)((Integers)rest ^ (Integers)v)));
  const Floats bounded = magnitude(v) < 120.0f ? corrected : e;  // rest is NaN for infinite v
  const Floats quotient = (x < 0 ? x * bounded : x) / (1.0f + bounded * kTailUnit);
  return x < 0 ? quotient * kTailUnit : quotient;
}

inline Floats erf_of(Floats x) {
  constexpr float kSqrt2 = 1.41421356f;
  const Floats near = fma(x, polynomial(x * x, kErfPolynomial), x);
  const Floats far = 1.0f - 2.0f * kTailUnit * normal_tail(magnitude(x) * kSqrt2);
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

// (2^k m)^y.
inline Doubles power_of_positive(Doubles k, Doubles m, Doubles y) {
  constexpr double kAtanh[] = {-2.6405968720480837e-14, 0.33333333339789628, 0.1999999744591619,
                               0.14286083072937864,     0.11087124955038745, 0.098040478198765268};
  const Doubles s = (m - 1) / (m + 1);
  const Doubles of_m = 2 * s * (1 + polynomial(s * s, kAtanh));
  return exp_of(y * fma(k, Doubles{} + 0.69314718055994531, of_m));
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
