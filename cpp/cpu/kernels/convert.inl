#pragma once

#include "cpu/kernels/element.inl"
#include "cpu/kernels/vector16.inl"

constexpr int kConvertBlock = 512;  // floats on their way to or from halves: 2 KiB of L1

inline void widen_run(const float16* in, float* out, int64_t n) {
  int64_t i = 0;
  for (; i + kFloats <= n; i += kFloats) narrow(widen(in + i), out + i);
  for (; i < n; ++i) out[i] = in[i];
}
inline void narrow_run(const float* in, float16* out, int64_t n) {
  int64_t i = 0;
  for (; i + kFloats <= n; i += kFloats) narrow(widen(in + i), out + i);
  for (; i < n; ++i) out[i] = float16(in[i]);
}

template <class V>
  requires std::is_same_v<V, Floats>
inline IntegerRegister truncated(V v) {
  Integers r;
  for (int i = 0; i < kFloats; ++i) r[i] = truncate<int32_t>(v[i]);
  return (IntegerRegister)r;
}

template <class To>
inline IntegerRegister truncated_as(Floats v) {
  if constexpr (sizeof(To) == 1) {
    constexpr float kLow = std::numeric_limits<To>::min(), kHigh = std::numeric_limits<To>::max();
    const Floats inside = at_most(at_least(v, kLow), kHigh);
    return (IntegerRegister) __builtin_convertvector(v == v ? inside : Floats{}, Integers);
  } else {
    return (IntegerRegister)truncated(v);
  }
}

template <class To>
inline void truncate_run(const float* in, To* out, int64_t n) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    I32x16 x;
    for (int p = 0; p < kParts; ++p) x.v[p] = truncated_as<To>(widen(in + i + p * kFloats));
    if constexpr (sizeof(To) == 1) {
      store_bytes(out + i, x);
    } else {
      store(out + i, x);
    }
  }
  for (; i < n; ++i) out[i] = truncate<To>(in[i]);
}

template <class From, class To>
void convert_run(const void* in_bytes, void* out_bytes, int64_t n) {
  const From* in = static_cast<const From*>(in_bytes);
  To* out = static_cast<To*>(out_bytes);
  if constexpr (std::is_same_v<From, bool> && !std::is_same_v<To, bool>) {
    // As bytes, which compilers turn into vectors.
    const uint8_t* bytes = static_cast<const uint8_t*>(in_bytes);
    for (int64_t i = 0; i < n; ++i) out[i] = convert<To>(static_cast<int8_t>(bytes[i] != 0));
  } else if constexpr (std::is_same_v<From, To>) {
    std::memcpy(out, in, static_cast<size_t>(n) * sizeof(To));
  } else if constexpr (std::is_same_v<From, float16> && std::is_same_v<To, float>) {
    widen_run(in, out, n);
  } else if constexpr (std::is_same_v<From, float> && std::is_same_v<To, float16>) {
    narrow_run(in, out, n);
  } else if constexpr (std::is_same_v<From, float> && std::is_integral_v<To> &&
                       !std::is_same_v<To, bool> && sizeof(To) <= sizeof(float)) {
    truncate_run(in, out, n);
  } else if constexpr (std::is_same_v<From, float16>) {
    for (int64_t i = 0; i < n; i += kConvertBlock) {
      const int64_t count = n - i < kConvertBlock ? n - i : kConvertBlock;
      float wide[kConvertBlock];
      widen_run(in + i, wide, count);
      convert_run<float, To>(wide, out + i, count);
    }
  } else if constexpr (std::is_same_v<To, float16>) {
    for (int64_t i = 0; i < n; i += kConvertBlock) {
      const int64_t count = n - i < kConvertBlock ? n - i : kConvertBlock;
      float wide[kConvertBlock];
      for (int64_t j = 0; j < count; ++j) wide[j] = before_narrowing(in[i + j]);
      narrow_run(wide, out + i, count);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) out[i] = convert<To>(in[i]);
  }
}

template <class From, class... To>
constexpr void convert_row(ConvertRun (&row)[sizeof...(To)]) {
  int at = 0;
  ((row[at++] = convert_run<From, To>), ...);
}

// In the order of DType.
template <class... T>
constexpr ConvertKernels convert_kernels() {
  ConvertKernels kernels{};
  int at = 0;
  (convert_row<T, T...>(kernels.run[at++]), ...);
  return kernels;
}

constexpr ConvertKernels kConvertKernels =
    convert_kernels<float, float16, bfloat16, double, int8_t, uint8_t, int32_t, int64_t, bool>();
