// 16-bit floating types, and a visitor from a DType to its C++ type.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "bitmetal/dtype.h"

namespace bitmetal {

using float16 = _Float16;

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
