// Element types. f64 lives on the cpu device alone: Metal has no double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bitmetal {

enum class DType : uint8_t { f32, f16, bf16, f64, i8, u8, i32, i64, boolean };

inline constexpr DType kDTypes[] = {DType::f32, DType::f16, DType::bf16, DType::f64,    DType::i8,
                                    DType::u8,  DType::i32, DType::i64,  DType::boolean};

constexpr size_t size_of(DType t) {
  switch (t) {
    case DType::f64:
    case DType::i64: return 8;
    case DType::f32:
    case DType::i32: return 4;
    case DType::f16:
    case DType::bf16: return 2;
    default: return 1;
  }
}

// NumPy's name for the type ("bfloat16" as ml_dtypes has it).
constexpr std::string_view name_of(DType t) {
  switch (t) {
    case DType::f32: return "float32";
    case DType::f16: return "float16";
    case DType::bf16: return "bfloat16";
    case DType::f64: return "float64";
    case DType::i8: return "int8";
    case DType::u8: return "uint8";
    case DType::i32: return "int32";
    case DType::i64: return "int64";
    default: return "bool";
  }
}

constexpr bool is_floating(DType t) { return t <= DType::f64; }

}  // namespace bitmetal
