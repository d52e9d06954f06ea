// Functions of float that MSL lacks or gives too few digits of: a reduction of the argument, a
// polynomial (tools/polynomials.py), and the way back. The cpu device has the same in vectors.
#pragma once

#include "numeric.h"

namespace math {

METAL_FUNC float with_sign_of(float x, float sign) {
  return as_type<float>((as_type<uint>(x) & 0x7fffffffu) | (as_type<uint>(sign) & 0x80000000u));
}

// 2^n (1 + (e^r - 1)), x = n ln 2 + r; 2^n in two factors, since the result may be smaller or
// larger than such a power can be.
METAL_FUNC float exp(float x) {
  if (is_nan(x)) return x;
  const float y = clamp(x, -105.0f, 90.0f);
  const float n = rint(y * 1.44269504f);
  const float r = fma(n, 0x1.bd0106p-13f, fma(n, -0x1.63p-1f, y));  // ln 2 in two parts
  float tail = 0.00019890991f;
  tail = fma(tail, r, 0.001393365f);
  tail = fma(tail, r, 0.0083333105f);
  tail = fma(tail, r, 0.041666467f);
  tail = fma(tail, r, 0.16666667f);
  tail = fma(tail, r, 0.5f);
  const int half_way = int(n) / 2;
  const float up = as_type<float>(uint(half_way + 127) << 23);
  const float rest = as_type<float>(uint(int(n) - half_way + 127) << 23);
  return (1 + fma(r * r, tail, r)) * up * rest;
}

// 2^n (e^r - 1) + (2^n - 1), x = n ln 2 + r: the two parts are added with their rounding error
// kept.
METAL_FUNC float expm1(float x) {
  if (is_nan(x) || fabs(x) < 0x1p-25f) return x;
  const float y = clamp(x, -17.5f, 89.0f);  // e^-17.5 is less than half a unit of 1
  const float n = rint(y * 1.44269504f);
  const float r = fma(n, 0x1.bd0106p-13f, fma(n, -0x1.63p-1f, y));  // ln 2 in two parts
  float tail = 0.00019890991f;
  tail = fma(tail, r, 0.001393365f);
  tail = fma(tail, r, 0.0083333105f);
  tail = fma(tail, r, 0.041666467f);
  tail = fma(tail, r, 0.16666667f);
  tail = r * r * fma(tail, r, 0.5f);
  // Half of 2^n, since 2^128 is no float.
  const float scale = as_type<float>(uint(int(n) + 126) << 23);
  const float whole = scale - 0.5f, part = r * scale;
  const float sum = whole + part;
  const float lost = (whole - sum) + part;
  return 2 * (sum + fma(tail, scale, lost));
}

// log(u) + c / u, where u + c = 1 + x.
METAL_FUNC float log1p(float x) {
  const float u = 1 + x;
  if (fabs(x) < 0x1p-25f || !is_finite(u) || u <= 0) {
    return fabs(x) < 0x1p-25f ? x : precise::log(u);
  }
  const float c = x < 1 ? x - (u - 1) : 1 - (u - x);
  return precise::log(u) + c / u;
}

// (e^2y - 1) / (e^2y + 1) for y = -|x|.
METAL_FUNC float tanh(float x) {
  const float t = expm1(-2 * fabs(x));
  return with_sign_of(t / (2 + t), x);
}

METAL_FUNC float sigmoid(float x) {
  const float e = exp(-fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

// x times sigmoid; far down e^x is no float any more when the product still is one.
METAL_FUNC float silu(float x) {
  if (x < -80) {
    const float root = exp(0.5f * x);
    return x * root * root;
  }
  return x * sigmoid(x);
}

// Phi(-t), the normal distribution's tail, for t >= 0: e^(-t^2 / 2) times a function that is smooth
// in (t - 3) / (t + 3) over all t.
METAL_FUNC float normal_tail(float t) {
  if (t > 15) return 0;
  const float inverse = 1 / (t + 3), s = (t - 3) * inverse;
  float mills = 5.5174623938396321e-5f;
  mills = fma(mills, s, 0.00013282590865159357f);
  mills = fma(mills, s, -0.0002444839420897951f);
  mills = fma(mills, s, -0.0010338913481372117f);
  mills = fma(mills, s, 0.0010241576682239034f);
  mills = fma(mills, s, 0.0069696895431712496f);
  mills = fma(mills, s, -0.010462311157907835f);
  mills = fma(mills, s, -0.047262727689357138f);
  mills = fma(mills, s, 0.23001767971296402f);
  mills = fma(mills, s, -0.50933199024130005f);
  mills = fma(mills, s, 0.72908369066529555f);
  const float square = t * t, rest = fma(t, t, -square);
  const float e = exp(-0.5f * square);
  return fma(e, -0.5f * rest, e) * (mills * inverse);
}

METAL_FUNC float erf(float x) {
  if (!(fabs(x) < 1)) {
    return is_nan(x) ? x : with_sign_of(1 - 2 * normal_tail(fabs(x) * 1.41421356f), x);
  }
  const float z = x * x;
  float sum = 7.8758750626854883e-5f;
  sum = fma(sum, z, -0.00080168642871658699f);
  sum = fma(sum, z, 0.0051890874234339739f);
  sum = fma(sum, z, -0.026854212010626412f);
  sum = fma(sum, z, 0.11283594715160218f);
  sum = fma(sum, z, -0.37612626666720334f);
  sum = fma(sum, z, 0.12837916584835096f);
  return fma(x, sum, x);
}

METAL_FUNC float gelu(float x) {
  if (is_nan(x)) return x;
  const float tail = normal_tail(fabs(x));
  return x * (x < 0 ? tail : 1 - tail);
}

// x sigmoid(v), v = 2 sqrt(2 / pi) (x + 0.044715 x^3), with v in two floats: e^v magnifies its
// error.
METAL_FUNC float gelu_tanh(float x) {
  constexpr float kLinear = 1.5957692f, kLinearRest = -4.534068e-8f;  // 1.5957691216057308
  constexpr float kCubic = 0.071354814f, kCubicRest = 2.3988325e-9f;  // 0.071354816272600249
  if (!(fabs(x) < 12)) return x > 0 ? x : x * 0.0f;                   // -infinity gives NaN
  const float square = x * x, square_rest = fma(x, x, -square);
  const float cubic = kCubic * square;
  const float cubic_rest =
      fma(kCubic, square, -cubic) + fma(kCubic, square_rest, kCubicRest * square);
  const float sum = kLinear + cubic;
  const float part = sum - kLinear;
  const float sum_rest = (kLinear - (sum - part)) + (cubic - part) + (cubic_rest + kLinearRest);
  const float v = x * sum;
  const float rest = fma(x, sum, -v) + x * sum_rest;
  float e = exp(-fabs(v));
  e *= 1 - (v < 0 ? -rest : rest);
  return x * ((v < 0 ? e : 1) / (1 + e));
}

}  // namespace math
