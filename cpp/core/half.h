// 16-bit floating types, and a visitor from a DType to its C++ type.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "bitmetal/dtype.h"

namespace bitmetal {

// IEEE binary16, stored; arithmetic happens in float32. A class of our own, since neither g++ 12
// for aarch64 nor clang 14 for x86-64 has a built-in type for it in C++. Conversion rounds to
// nearest even and keeps NaN a NaN, bit for bit as the processors' own instructions do.
struct float16 {
  uint16_t bits;

  float16() = default;
  float16(float value) {
    const uint32_t u = std::bit_cast<uint32_t>(value);
    const uint32_t magnitude = u & 0x7fffffff;
    uint32_t h;
    if (magnitude > 0x7f800000) {
      h = 0x7e00 | (magnitude >> 13 & 0x3ff);
    } else if (magnitude >= 0x47800000) {  // 2^16 and up
      h = 0x7c00;
    } else if (magnitude < 0x38800000) {  // below 2^-14, the units are 2^-24: those of 0.5f
      h = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000;
    } else {  // 112 = 127 - 15 is what the exponents' biases differ by
      h = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
    }
    bits = static_cast<uint16_t>((u >> 16 & 0x8000) | h);
  }
  operator float() const {
    const uint32_t sign = (bits & 0x8000u) << 16;
    const uint32_t magnitude = (bits & 0x7fffu) << 13;
    uint32_t u;
    if (magnitude >= 0x0f800000) {  // infinity and NaN, which turns quiet
      u = (magnitude + (224u << 23)) | (magnitude > 0x0f800000 ? 0x400000u : 0u);
    } else if (magnitude < 0x00800000) {  // a multiple of 2^-24
      u = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude + (113u << 23)) - 0x1p-14f);
    } else {
      u = magnitude + (112u << 23);
    }
    return std::bit_cast<float>(sign | u);
  }
};

// The upper half of a float32; conversion rounds to nearest even and keeps NaN a NaN.
struct bfloat16 {
  uint16_t bits;

  bfloat16() = default;
  bfloat16(float value) {
    uint32_t u = std::bit_cast<uint32_t>(value);
    bits = (u & 0x7fffffff) > 0x7f800000
               ? static_cast<uint16_t>(u >> 16 | 0x40)
               : static_cast<uint16_t>((u + 0x7fff + (u >> 16 & 1)) >> 16);
  }
  operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

// Calls f with std::type_identity<T> for the C++ type T of `dtype`.
template <class F>
decltype(auto) visit(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f(std::type_identity<float>{});
    case DType::f16: return f(std::type_identity<float16>{});
    case DType::bf16: return f(std::type_identity<bfloat16>{});
    case DType::f64: return f(std::type_identity<double>{});
    case DType::i8: return f(std::type_identity<int8_t>{});
    case DType::u8: return f(std::type_identity<uint8_t>{});
    case DType::i32: return f(std::type_identity<int32_t>{});
    case DType::i64: return f(std::type_identity<int64_t>{});
    default: return f(std::type_identity<bool>{});
  }
}

// The same for the types that are stored as 32 bits or less and computed in float32.
template <class F>
decltype(auto) visit_half_or_float(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f16: return f(std::type_identity<float16>{});
    case DType::bf16: return f(std::type_identity<bfloat16>{});
    default: return f(std::type_identity<float>{});
  }
}

}  // namespace bitmetal
