// What several kernels need of numbers: tests that survive fast math, rounding, lane exchange.
#pragma once

#include <metal_stdlib>

#include "params.h"

using namespace metal;
using namespace bitmetal::kernels;

// For loops over what is kept in registers, which no number of the run can index.
#define BITMETAL_UNROLL _Pragma("unroll")

// Apple's compiler may assume in fast-math mode that NaN and infinity do not occur and drop
// isnan(); a test of the bits stays.
METAL_FUNC bool is_nan(float x) { return (as_type<uint>(x) & 0x7fffffffu) > 0x7f800000u; }
METAL_FUNC bool is_nan(half x) { return (as_type<ushort>(x) & 0x7fffu) > 0x7c00u; }
METAL_FUNC bool is_nan(bfloat x) { return (as_type<ushort>(x) & 0x7fffu) > 0x7f80u; }
template <typename T>
METAL_FUNC bool is_nan(T) {
  return false;
}
METAL_FUNC bool is_finite(float x) { return (as_type<uint>(x) & 0x7f800000u) != 0x7f800000u; }
METAL_FUNC float quiet_nan() { return as_type<float>(0x7fc00000u); }

// 2^-e for 2^e <= x < 2^(e + 1), 1 for zero, infinity and NaN.
METAL_FUNC float power_to_one(float x) {
  const uint exponent = as_type<uint>(x) >> 23 & 0xffu;
  if (exponent == 0xffu || x == 0.0f) return 1.0f;
  return as_type<float>(clamp(254u - exponent, 1u, 253u) << 23);
}

// Values of one lane seen by another: SIMD-group functions take 32 bits at most.
METAL_FUNC float shuffle_xor(float x, ushort mask) { return simd_shuffle_xor(x, mask); }
METAL_FUNC int shuffle_xor(int x, ushort mask) { return simd_shuffle_xor(x, mask); }
METAL_FUNC long shuffle_xor(long x, ushort mask) {
  return as_type<long>(simd_shuffle_xor(as_type<uint2>(x), mask));
}

// Integers to bfloat with one rounding. Through float there would be two; folding the bits that
// float cannot hold into a sticky lowest one leaves only the second to round.
METAL_FUNC bfloat bfloat_of(long x) {
  ulong magnitude = x < 0 ? 0ul - ulong(x) : ulong(x);
  const int excess = max(0, 40 - int(clz(magnitude)));  // bits beyond the 24 of float
  const ulong dropped = magnitude & ((1ul << excess) - 1);
  magnitude = (magnitude >> excess | ulong(dropped != 0)) << excess;
  const float rounded = float(magnitude);
  return bfloat(x < 0 ? -rounded : rounded);
}

// sum + a.b, four fused operations: dot() may be eight.
METAL_FUNC float fma_dot(float4 a, float4 b, float sum) {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

// The type of T's elements in vectors: there are none of bool in templates.
template <typename T>
using Lane = conditional_t<is_same_v<T, bool>, uchar, T>;

template <typename Out, typename In>
METAL_FUNC Out convert(In x) {
  if constexpr (is_same_v<Out, bool>) {
    return x != In(0);
  } else if constexpr (is_same_v<Out, bfloat> && is_integral_v<In>) {
    return bfloat_of(long(x));
  } else if constexpr (is_same_v<Out, bfloat> || is_same_v<In, bfloat>) {
    return Out(float(x));
  } else {
    return Out(x);
  }
}
