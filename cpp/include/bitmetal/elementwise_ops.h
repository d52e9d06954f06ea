// Every element-wise operation, once: X(name, arity, rule). The rule says which types the operands
// are brought to and what type comes out (see Rule in elementwise.h); kernels compute float16 and
// bfloat16 in float32, and all operands of a step are of one type.
//
// What the names do not say:
//   floor_divide, remainder   rounded down, the remainder has the divisor's sign; integers: x // 0
//                             and x % 0 are 0, the least integer // -1 is itself
//   power                     integers: modulo 2^bits; a negative exponent gives the integer part
//                             of 1 / x^n, 0 for x = 0
//   add ... on integers       modulo 2^bits
//   minimum, maximum          NaN wins, as in relu, sign, round
//   left_shift, right_shift   by the type's bits or more, or by a negative number: all bits go
//   where                     operand 0 is a bool, the others are of any one type and only moved
//   round                     to the nearest integer, ties to even
//   gelu, gelu_tanh           x Phi(x); x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))
//   rsqrt, silu               1 / sqrt(x); x sigmoid(x)
#pragma once

// clang-format off
#define BITMETAL_ELEMENTWISE(X)   \
  X(add, 2, arithmetic)           \
  X(subtract, 2, arithmetic)      \
  X(multiply, 2, arithmetic)      \
  X(divide, 2, real)              \
  X(floor_divide, 2, arithmetic)  \
  X(remainder, 2, arithmetic)     \
  X(power, 2, arithmetic)         \
  X(minimum, 2, ordered)          \
  X(maximum, 2, ordered)          \
  X(equal, 2, comparison)         \
  X(not_equal, 2, comparison)     \
  X(less, 2, comparison)          \
  X(less_equal, 2, comparison)    \
  X(greater, 2, comparison)       \
  X(greater_equal, 2, comparison) \
  X(logical_and, 2, logical)      \
  X(logical_or, 2, logical)       \
  X(logical_xor, 2, logical)      \
  X(logical_not, 1, logical)      \
  X(bitwise_and, 2, bitwise)      \
  X(bitwise_or, 2, bitwise)       \
  X(bitwise_xor, 2, bitwise)      \
  X(bitwise_not, 1, bitwise)      \
  X(left_shift, 2, shift)         \
  X(right_shift, 2, shift)        \
  X(where, 3, choice)             \
  X(negative, 1, arithmetic)      \
  X(absolute, 1, ordered)         \
  X(sign, 1, arithmetic)          \
  X(square, 1, arithmetic)        \
  X(reciprocal, 1, real)          \
  X(sqrt, 1, real)                \
  X(rsqrt, 1, real)               \
  X(exp, 1, real)                 \
  X(expm1, 1, real)               \
  X(log, 1, real)                 \
  X(log1p, 1, real)               \
  X(sin, 1, real)                 \
  X(cos, 1, real)                 \
  X(tanh, 1, real)                \
  X(sigmoid, 1, real)             \
  X(erf, 1, real)                 \
  X(relu, 1, ordered)             \
  X(gelu, 1, real)                \
  X(gelu_tanh, 1, real)           \
  X(silu, 1, real)                \
  X(floor, 1, rounding)           \
  X(ceil, 1, rounding)            \
  X(round, 1, rounding)           \
  X(trunc, 1, rounding)           \
  X(isnan, 1, classification)     \
  X(isinf, 1, classification)     \
  X(isfinite, 1, classification)
// clang-format on
