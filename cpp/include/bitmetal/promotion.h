// The type in which operands of two types meet: NumPy's rules among our types, and three of our own
// where those would lead to a type that we or a GPU lack. float64 comes from float64 only: where
// NumPy answers float64 for narrower types (an int32 with a float32), it is float32 here. int8
// with uint8 is int32. float16 with bfloat16 is float32.
#pragma once

#include "bitmetal/dtype.h"

namespace bitmetal {

namespace promotion {
inline constexpr DType f32 = DType::f32, f16 = DType::f16, bf16 = DType::bf16, f64 = DType::f64,
                       i8 = DType::i8, u8 = DType::u8, i32 = DType::i32, i64 = DType::i64,
                       bit = DType::boolean;
// clang-format off
inline constexpr DType kTable[9][9] = {
    //           f32  f16  bf16  f64  i8   u8   i32  i64  bool
    /* f32  */ {f32, f32, f32,  f64, f32, f32, f32, f32, f32},
    /* f16  */ {f32, f16, f32,  f64, f16, f16, f32, f32, f16},
    /* bf16 */ {f32, f32, bf16, f64, bf16, bf16, f32, f32, bf16},
    /* f64  */ {f64, f64, f64,  f64, f64, f64, f64, f64, f64},
    /* i8   */ {f32, f16, bf16, f64, i8,  i32, i32, i64, i8},
    /* u8   */ {f32, f16, bf16, f64, i32, u8,  i32, i64, u8},
    /* i32  */ {f32, f32, f32,  f64, i32, i32, i32, i64, i32},
    /* i64  */ {f32, f32, f32,  f64, i64, i64, i64, i64, i64},
    /* bool */ {f32, f16, bf16, f64, i8,  u8,  i32, i64, bit},
};
// clang-format on
}  // namespace promotion

constexpr DType promote(DType a, DType b) {
  return promotion::kTable[static_cast<int>(a)][static_cast<int>(b)];
}

// A Python number has no width of its own: it takes the other operand's type, unless its kind is
// above that one's (bool, integer, real, in this order): then int64 or float32.
enum class NumberKind : uint8_t { boolean, integer, real };

constexpr NumberKind kind_of(DType t) {
  if (is_floating(t)) return NumberKind::real;
  return t == DType::boolean ? NumberKind::boolean : NumberKind::integer;
}
constexpr DType default_type(NumberKind kind) {
  switch (kind) {
    case NumberKind::boolean: return DType::boolean;
    case NumberKind::integer: return DType::i64;
    default: return DType::f32;
  }
}
constexpr DType promote(DType a, NumberKind number) {
  return number > kind_of(a) ? default_type(number) : a;
}

// NumPy's "same_kind": what an operation may store in an array of type `to`.
constexpr bool castable(DType from, DType to) {
  if (kind_of(from) != kind_of(to)) return kind_of(from) < kind_of(to);
  return to != DType::u8 || from == DType::u8;  // signed to unsigned is another kind
}

}  // namespace bitmetal
