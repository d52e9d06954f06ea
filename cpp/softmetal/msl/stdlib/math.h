// Functions of floating-point numbers, one overload for each of float and half, as Metal has them:
// an integer argument is ambiguous and a bfloat one is refused. Half results are the float
// function's, rounded.
namespace sm_program {
namespace metal {

// The element-wise overload for vectors, with scalars spread, and the refusal of bfloat.
#define SM_VECTOR(name)                                                                        \
  template <class... A>                                                                        \
    requires sm_vector_call<A...>                                                              \
  constexpr auto name(const A&... a) {                                                         \
    return sm_map([](auto... e) { return name(e...); }, static_cast<sm_vector_t<A...>>(a)...); \
  }                                                                                            \
  template <class A, class... Rest>                                                            \
    requires is_same_v<A, bfloat>                                                              \
  void name(A, Rest...) = delete;

#define SM_MATH1(name, expression)                                       \
  inline float name(float x) { return expression; }                      \
  inline half name(half x) { return half(name(static_cast<float>(x))); } \
  SM_VECTOR(name)
#define SM_MATH2(name, expression)                                   \
  inline float name(float x, float y) { return expression; }         \
  inline half name(half x, half y) {                                 \
    return half(name(static_cast<float>(x), static_cast<float>(y))); \
  }                                                                  \
  SM_VECTOR(name)

// The multiple of pi is taken off exactly first.
inline float sm_pi_part(float x) {
  return (x - 2.0f * __builtin_floorf(x * 0.5f)) * 3.14159265358979323846f;
}

SM_MATH1(acos, __builtin_acosf(x))
SM_MATH1(acosh, __builtin_acoshf(x))
SM_MATH1(asin, __builtin_asinf(x))
SM_MATH1(asinh, __builtin_asinhf(x))
SM_MATH1(atan, __builtin_atanf(x))
SM_MATH1(atanh, __builtin_atanhf(x))
SM_MATH2(atan2, __builtin_atan2f(x, y))
SM_MATH1(ceil, __builtin_ceilf(x))
SM_MATH2(copysign, __builtin_copysignf(x, y))
SM_MATH1(cos, __builtin_cosf(x))
SM_MATH1(cosh, __builtin_coshf(x))
SM_MATH1(cospi, __builtin_cosf(sm_pi_part(x)))
SM_MATH2(divide, x / y)
SM_MATH1(exp, __builtin_expf(x))
SM_MATH1(exp2, __builtin_exp2f(x))
SM_MATH1(exp10, __builtin_powf(10.0f, x))
SM_MATH1(fabs, __builtin_fabsf(x))
SM_MATH2(fdim, __builtin_fdimf(x, y))
SM_MATH1(floor, __builtin_floorf(x))
SM_MATH2(fmax, __builtin_fmaxf(x, y))
SM_MATH2(fmin, __builtin_fminf(x, y))
SM_MATH2(fmod, __builtin_fmodf(x, y))
SM_MATH1(fract, __builtin_fminf(x - __builtin_floorf(x), 0x1.fffffep-1f))
SM_MATH1(log, __builtin_logf(x))
SM_MATH1(log2, __builtin_log2f(x))
SM_MATH1(log10, __builtin_log10f(x))
SM_MATH2(nextafter, __builtin_nextafterf(x, y))
SM_MATH2(pow, __builtin_powf(x, y))
SM_MATH2(powr, __builtin_powf(x, y))
SM_MATH1(rint, __builtin_rintf(x))
SM_MATH1(round, __builtin_roundf(x))
SM_MATH1(rsqrt, 1.0f / __builtin_sqrtf(x))
SM_MATH1(sin, __builtin_sinf(x))
SM_MATH1(sinh, __builtin_sinhf(x))
SM_MATH1(sinpi, __builtin_sinf(sm_pi_part(x)))
SM_MATH1(sqrt, __builtin_sqrtf(x))
SM_MATH1(tan, __builtin_tanf(x))
SM_MATH1(tanh, __builtin_tanhf(x))
SM_MATH1(tanpi, __builtin_tanf(sm_pi_part(x)))
SM_MATH1(trunc, __builtin_truncf(x))
SM_MATH1(saturate, __builtin_fminf(__builtin_fmaxf(x, 0.0f), 1.0f))
SM_MATH1(sign, x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x == 0.0f ? x : 0.0f)
SM_MATH2(step, y < x ? 0.0f : 1.0f)
#undef SM_MATH1
#undef SM_MATH2

// One rounding in the type itself.
inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline half fma(half a, half b, half c) {
  // The product of two halves and its sum with a third are exact in double.
  return half(static_cast<double>(a) * static_cast<double>(b) + static_cast<double>(c));
}
SM_VECTOR(fma)

#define SM_MATH3(name, expression)                                                          \
  inline float name(float x, float y, float z) { return expression; }                       \
  inline half name(half x, half y, half z) {                                                \
    return half(name(static_cast<float>(x), static_cast<float>(y), static_cast<float>(z))); \
  }                                                                                         \
  SM_VECTOR(name)
SM_MATH3(fmax3, fmax(fmax(x, y), z))
SM_MATH3(fmin3, fmin(fmin(x, y), z))
SM_MATH3(fmedian3, fmax(fmin(x, y), fmin(fmax(x, y), z)))
SM_MATH3(mix, x + (y - x) * z)
inline float smoothstep(float low, float high, float x) {
  const float t = saturate((x - low) / (high - low));
  return t * t * (3.0f - 2.0f * t);
}
inline half smoothstep(half low, half high, half x) {
  return half(smoothstep(static_cast<float>(low), static_cast<float>(high), static_cast<float>(x)));
}
SM_VECTOR(smoothstep)
#undef SM_MATH3

inline float frexp(float x, int& exponent) { return __builtin_frexpf(x, &exponent); }
inline half frexp(half x, int& exponent) {
  return half(__builtin_frexpf(static_cast<float>(x), &exponent));
}
inline int ilogb(float x) { return __builtin_ilogbf(x); }
inline int ilogb(half x) { return __builtin_ilogbf(static_cast<float>(x)); }
SM_VECTOR(ilogb)
inline float ldexp(float x, int exponent) { return __builtin_ldexpf(x, exponent); }
inline half ldexp(half x, int exponent) {
  return half(__builtin_ldexpf(static_cast<float>(x), exponent));
}
template <class T, int n>
inline vec<T, n> ldexp(vec<T, n> x, vec<int, n> exponent) {
  return sm_map([](T a, int b) { return ldexp(a, b); }, x, exponent);
}
inline float modf(float x, float& whole) {
  whole = __builtin_truncf(x);
  return __builtin_copysignf(__builtin_isinf(x) ? 0.0f : x - whole, x);
}
inline half modf(half x, half& whole) {
  float w;
  const half part = half(modf(static_cast<float>(x), w));
  whole = half(w);
  return part;
}
template <class T, int n>
inline vec<T, n> modf(vec<T, n> x, vec<T, n>& whole) {
  vec<T, n> part;
  for (int i = 0; i < n; ++i) part.sm_data[i] = modf(x.sm_data[i], whole.sm_data[i]);
  return part;
}
inline float sincos(float x, float& cosine) {
  cosine = cos(x);
  return sin(x);
}
inline half sincos(half x, half& cosine) {
  cosine = cos(x);
  return sin(x);
}
template <class T, int n>
inline vec<T, n> sincos(vec<T, n> x, vec<T, n>& cosine) {
  cosine = cos(x);
  return sin(x);
}

// Relations.
#define SM_TEST(name, expression)                                  \
  inline bool name(float x) { return expression; }                 \
  inline bool name(half x) { return name(static_cast<float>(x)); } \
  SM_VECTOR(name)
SM_TEST(isfinite, __builtin_isfinite(x))
SM_TEST(isinf, __builtin_isinf(x) != 0)
SM_TEST(isnan, __builtin_isnan(x))
SM_TEST(signbit, __builtin_signbit(x) != 0)
#undef SM_TEST
inline bool isnormal(float x) { return __builtin_isnormal(x); }
inline bool isnormal(half x) {
  const float v = __builtin_fabsf(static_cast<float>(x));
  return v >= 0x1p-14f && v <= 65504.0f;
}
SM_VECTOR(isnormal)
inline bool isordered(float x, float y) { return x == x && y == y; }
inline bool isordered(half x, half y) { return x == x && y == y; }
SM_VECTOR(isordered)
inline bool isunordered(float x, float y) { return !isordered(x, y); }
inline bool isunordered(half x, half y) { return !isordered(x, y); }
SM_VECTOR(isunordered)
template <int n>
constexpr bool all(vec<bool, n> v) {
  for (int i = 0; i < n; ++i)
    if (!v.sm_data[i]) return false;
  return true;
}
template <int n>
constexpr bool any(vec<bool, n> v) {
  for (int i = 0; i < n; ++i)
    if (v.sm_data[i]) return true;
  return false;
}
constexpr bool all(bool v) { return v; }
constexpr bool any(bool v) { return v; }
template <class T>
  requires is_arithmetic_v<T>
constexpr T select(T a, T b, bool condition) {
  return condition ? b : a;
}
template <class T, int n>
constexpr vec<T, n> select(vec<T, n> a, vec<T, n> b, vec<bool, n> condition) {
  for (int i = 0; i < n; ++i)
    if (condition.sm_data[i]) a.sm_data[i] = b.sm_data[i];
  return a;
}
template <class T, int n>
constexpr vec<T, n> select(vec<T, n> a, vec<T, n> b, bool condition) {
  return condition ? b : a;
}

// Geometry.
template <class T>
concept sm_real = is_same_v<T, float> || is_same_v<T, half>;
template <class T, int n>
constexpr T dot(vec<T, n> a, vec<T, n> b) {
  static_assert(is_floating_point_v<T>, "dot takes vectors of floating-point numbers");
  T sum = static_cast<T>(a.sm_data[0] * b.sm_data[0]);
  for (int i = 1; i < n; ++i) sum = static_cast<T>(sum + a.sm_data[i] * b.sm_data[i]);
  return sum;
}
template <sm_real T>
constexpr vec<T, 3> cross(vec<T, 3> a, vec<T, 3> b) {
  return vec<T, 3>(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
template <sm_real T, int n>
inline T length_squared(vec<T, n> v) {
  return dot(v, v);
}
template <sm_real T, int n>
inline T length(vec<T, n> v) {
  return sqrt(dot(v, v));
}
template <sm_real T, int n>
inline T distance_squared(vec<T, n> a, vec<T, n> b) {
  return length_squared(a - b);
}
template <sm_real T, int n>
inline T distance(vec<T, n> a, vec<T, n> b) {
  return length(a - b);
}
template <sm_real T, int n>
inline vec<T, n> normalize(vec<T, n> v) {
  return v * rsqrt(dot(v, v));
}
template <sm_real T, int n>
inline vec<T, n> reflect(vec<T, n> i, vec<T, n> normal) {
  return i - normal * T(2 * dot(normal, i));
}
template <sm_real T, int n>
inline vec<T, n> faceforward(vec<T, n> normal, vec<T, n> i, vec<T, n> reference) {
  return dot(reference, i) < T(0) ? normal : -normal;
}

// The library's functions are the precise ones; the fast ones may be less precise and need not be.
#define SM_USING(space)   \
  namespace space {       \
  using metal::acos;      \
  using metal::acosh;     \
  using metal::asin;      \
  using metal::asinh;     \
  using metal::atan;      \
  using metal::atan2;     \
  using metal::atanh;     \
  using metal::ceil;      \
  using metal::copysign;  \
  using metal::cos;       \
  using metal::cosh;      \
  using metal::cospi;     \
  using metal::divide;    \
  using metal::exp;       \
  using metal::exp10;     \
  using metal::exp2;      \
  using metal::fabs;      \
  using metal::fdim;      \
  using metal::floor;     \
  using metal::fma;       \
  using metal::fmax;      \
  using metal::fmin;      \
  using metal::fmod;      \
  using metal::fract;     \
  using metal::frexp;     \
  using metal::ldexp;     \
  using metal::log;       \
  using metal::log10;     \
  using metal::log2;      \
  using metal::modf;      \
  using metal::pow;       \
  using metal::powr;      \
  using metal::rint;      \
  using metal::round;     \
  using metal::rsqrt;     \
  using metal::saturate;  \
  using metal::sin;       \
  using metal::sincos;    \
  using metal::sinh;      \
  using metal::sinpi;     \
  using metal::sqrt;      \
  using metal::tan;       \
  using metal::tanh;      \
  using metal::tanpi;     \
  using metal::trunc;     \
  using metal::dot;       \
  using metal::length;    \
  using metal::normalize; \
  using metal::distance;  \
  }
// clang-format off
SM_USING(precise) SM_USING(fast)
// clang-format on
#undef SM_USING

}  // namespace metal
}  // namespace sm_program
