// Element-wise operations: one at a time by the kernels of elementwise.metal, several fused by
// kernels that cpp/gpu/expression_source.cpp writes with what is here.
//
//   elementwise_map_TYPE    operands and result of TYPE; buffer 0 a, bound where kFcHasA, 1 b,
//   bound
//                           where kFcHasB, 2 out, 3 ElementwiseParams, 4 constant ulong[3], the
//                           bits of operands that are no arrays
//   elementwise_test_TYPE   the same with a bool result
//   elementwise_where_SIZE  elements of SIZE bits; buffer 0 condition (bool), 1 a, 2 b, 3 out,
//                           4 ElementwiseParams, 5 constant ulong[3]
//   function constants kFcFlat, kFcVectors. A thread 4 * kFlatPieces elements where kFcFlat is
//   set, else one; a grid of (x, y) threads, in threadgroups of whole simdgroups.
//
// float16 and bfloat16 are computed in float and rounded once. Booleans are bytes in memory, which
// may hold more than 0 and 1.
#pragma once

#include "elementwise_math.h"
#include "elementwise_ops.h"
#include "neighbours.h"

enum Operation : uint {
  op_input,
  op_constant,
  op_cast,
#define BITMETAL_NAME(name, arity, rule) op_##name,
  BITMETAL_ELEMENTWISE(BITMETAL_NAME)
#undef BITMETAL_NAME
};

constant uint operation [[function_constant(14)]];
constant bool flat [[function_constant(15)]];
constant bool has_a [[function_constant(16)]];
constant bool has_b [[function_constant(17)]];

// --- Where elements are.

// Four neighbours of a flat array, or four times its only element.
template <typename Stored>
METAL_FUNC vec<Stored, 4> load_flat(device const Stored* a, constant ElementwiseParams& p, uint k,
                                    ulong i) {
  if (p.strides[k][0] == 0) return vec<Stored, 4>(a[p.starts[k]]);
  return load_neighbours(a + p.starts[k], i, p.count);
}

// The places of element i in the first kArrays arrays.
template <uint kArrays>
METAL_FUNC void find_places(constant ElementwiseParams& p, ulong i, thread long* at) {
  for (uint k = 0; k < kArrays; ++k) at[k] = p.starts[k];
  const bool narrow = p.count >> 32 == 0;  // a 64-bit division takes several times as long
  for (uint axis = p.rank; axis-- > 0;) {
    const ulong quotient = narrow ? ulong(uint(i) / uint(p.shape[axis])) : i / p.shape[axis];
    const long index = long(i - quotient * p.shape[axis]);
    for (uint k = 0; k < kArrays; ++k) at[k] += index * p.strides[k][axis];
    i = quotient;
  }
}

// --- Elements in memory and constants as values.

template <typename Value, typename Stored>
METAL_FUNC Value value_of(Stored x) {
  if constexpr (is_same_v<Value, bool>) {
    return x != Stored(0);
  } else {
    return Value(x);
  }
}

template <typename Value>
METAL_FUNC Value value_of_bits(ulong bits) {
  if constexpr (is_same_v<Value, float>) {
    return as_type<float>(uint(bits));
  } else if constexpr (is_same_v<Value, half>) {
    return as_type<half>(ushort(bits));
  } else if constexpr (is_same_v<Value, bfloat>) {
    return as_type<bfloat>(ushort(bits));
  } else if constexpr (is_same_v<Value, bool>) {
    return bits != 0;
  } else {
    return Value(bits);
  }
}

// --- The operations, by their names in elementwise_ops.h.

namespace elementwise {

template <typename T>
struct UnsignedOf {
  using type = make_unsigned_t<T>;
};
template <>
struct UnsignedOf<uchar> {
  using type = uchar;
};
template <typename T>
using Unsigned = typename UnsignedOf<T>::type;

template <typename T>
METAL_FUNC T add(T a, T b) {
  if constexpr (is_same_v<T, float>) {
    return a + b;
  } else {
    return T(Unsigned<T>(a) + Unsigned<T>(b));
  }
}
template <typename T>
METAL_FUNC T subtract(T a, T b) {
  if constexpr (is_same_v<T, float>) {
    return a - b;
  } else {
    return T(Unsigned<T>(a) - Unsigned<T>(b));
  }
}
template <typename T>
METAL_FUNC T multiply(T a, T b) {
  if constexpr (is_same_v<T, float>) {
    return a * b;
  } else {
    return T(Unsigned<T>(a) * Unsigned<T>(b));
  }
}
METAL_FUNC float divide(float a, float b) { return a / b; }

template <typename T>
METAL_FUNC T negative(T a) {
  if constexpr (is_same_v<T, float>) {
    return -a;
  } else {
    return T(Unsigned<T>(0) - Unsigned<T>(a));
  }
}
template <typename T>
METAL_FUNC T absolute(T a) {
  if constexpr (is_same_v<T, float>) {
    return fabs(a);
  } else {
    return a < 0 ? negative(a) : a;
  }
}
template <typename T>
METAL_FUNC T sign(T a) {
  return is_nan(a) ? a : T(int(a > T(0)) - int(a < T(0)));
}
template <typename T>
METAL_FUNC T square(T a) {
  return multiply(a, a);
}

// Rounded down, from the exact remainder, so that the two agree.
METAL_FUNC float floor_divide(float a, float b) {
  if (b == 0) return divide(a, b);
  const float rest = precise::fmod(a, b);
  float quotient = divide(a - rest, b);
  if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
  if (quotient == 0) return math::with_sign_of(0.0f, divide(a, b));
  const float whole = precise::floor(quotient);
  return quotient - whole > 0.5f ? whole + 1 : whole;
}
METAL_FUNC float remainder(float a, float b) {
  const float rest = precise::fmod(a, b);
  if (rest == 0) return is_nan(b) ? b : math::with_sign_of(0.0f, b);
  return (b < 0) != (rest < 0) ? rest + b : rest;
}
METAL_FUNC float power(float a, float b) { return precise::pow(a, b); }

// Division of the least integer by -1 overflows, and nothing can be divided by 0.
template <typename T>
METAL_FUNC bool is_minus_one(T b) {
  return Unsigned<T>(b) == Unsigned<T>(~Unsigned<T>(0)) && T(-1) < T(0);
}
template <typename T>
METAL_FUNC T floor_divide(T a, T b) {
  if (b == 0) return 0;
  if (is_minus_one(b)) return negative(a);
  return T(a / b - T(a % b != 0 && (a < 0) != (b < 0)));
}
template <typename T>
METAL_FUNC T remainder(T a, T b) {
  if (b == 0 || is_minus_one(b)) return 0;
  const T rest = T(a % b);
  return rest != 0 && (rest < 0) != (b < 0) ? T(rest + b) : rest;
}
template <typename T>
METAL_FUNC T power(T a, T b) {
  if (b < 0) {
    if (a == 1) return 1;
    return is_minus_one(a) ? (b % 2 ? a : T(1)) : T(0);
  }
  Unsigned<T> result = 1, factor = Unsigned<T>(a);
  for (Unsigned<T> n = Unsigned<T>(b); n != 0; n = Unsigned<T>(n >> 1)) {
    if (n & 1) result = Unsigned<T>(result * factor);
    factor = Unsigned<T>(factor * factor);
  }
  return T(result);
}

template <typename T>
METAL_FUNC T minimum(T a, T b) {
  return a < b || is_nan(a) ? a : b;
}
template <typename T>
METAL_FUNC T maximum(T a, T b) {
  return a > b || is_nan(a) ? a : b;
}
template <typename T>
METAL_FUNC T relu(T a) {
  return a > T(0) || is_nan(a) ? a : T(0);
}

template <typename T>
METAL_FUNC bool equal(T a, T b) {
  return a == b;
}
template <typename T>
METAL_FUNC bool not_equal(T a, T b) {
  return a != b;
}
template <typename T>
METAL_FUNC bool less(T a, T b) {
  return a < b;
}
template <typename T>
METAL_FUNC bool less_equal(T a, T b) {
  return a <= b;
}
template <typename T>
METAL_FUNC bool greater(T a, T b) {
  return a > b;
}
template <typename T>
METAL_FUNC bool greater_equal(T a, T b) {
  return a >= b;
}

METAL_FUNC bool logical_and(bool a, bool b) { return a && b; }
METAL_FUNC bool logical_or(bool a, bool b) { return a || b; }
METAL_FUNC bool logical_xor(bool a, bool b) { return a != b; }
METAL_FUNC bool logical_not(bool a) { return !a; }

template <typename T>
METAL_FUNC T bitwise_and(T a, T b) {
  return T(a & b);
}
template <typename T>
METAL_FUNC T bitwise_or(T a, T b) {
  return T(a | b);
}
template <typename T>
METAL_FUNC T bitwise_xor(T a, T b) {
  return T(a ^ b);
}
template <typename T>
METAL_FUNC T bitwise_not(T a) {
  return T(~a);
}
template <typename T>
METAL_FUNC T left_shift(T a, T b) {
  const Unsigned<T> bits = 8 * sizeof(T);
  const Unsigned<T> n = Unsigned<T>(b);
  return n < bits ? T(Unsigned<T>(Unsigned<T>(a) << n)) : T(0);
}
template <typename T>
METAL_FUNC T right_shift(T a, T b) {
  const Unsigned<T> bits = 8 * sizeof(T);
  const Unsigned<T> n = Unsigned<T>(b);
  return n < bits ? T(a >> n) : (a < T(0) ? T(-1) : T(0));
}

METAL_FUNC float reciprocal(float a) { return 1 / a; }
METAL_FUNC float sqrt(float a) { return precise::sqrt(a); }
METAL_FUNC float rsqrt(float a) { return 1 / precise::sqrt(a); }
METAL_FUNC float exp(float a) { return math::exp(a); }
METAL_FUNC float expm1(float a) { return math::expm1(a); }
METAL_FUNC float log(float a) { return precise::log(a); }
METAL_FUNC float log1p(float a) { return math::log1p(a); }
METAL_FUNC float sin(float a) { return precise::sin(a); }
METAL_FUNC float cos(float a) { return precise::cos(a); }
METAL_FUNC float tanh(float a) { return math::tanh(a); }
METAL_FUNC float sigmoid(float a) { return math::sigmoid(a); }
METAL_FUNC float erf(float a) { return math::erf(a); }
METAL_FUNC float gelu(float a) { return math::gelu(a); }
METAL_FUNC float gelu_tanh(float a) { return math::gelu_tanh(a); }
METAL_FUNC float silu(float a) { return math::silu(a); }
METAL_FUNC float floor(float a) { return precise::floor(a); }
METAL_FUNC float ceil(float a) { return precise::ceil(a); }
METAL_FUNC float round(float a) { return precise::rint(a); }
METAL_FUNC float trunc(float a) { return precise::trunc(a); }

METAL_FUNC bool isnan(float a) { return is_nan(a); }
METAL_FUNC bool isinf(float a) { return !is_nan(a) && !is_finite(a); }
METAL_FUNC bool isfinite(float a) { return is_finite(a); }

// Which operations exist for values of type T, by their rule.
template <typename T>
constexpr bool has_arithmetic() {
  return !is_same_v<T, bool>;
}
template <typename T>
constexpr bool has_ordered() {
  return !is_same_v<T, bool>;
}
template <typename T>
constexpr bool has_real() {
  return is_same_v<T, float>;
}
template <typename T>
constexpr bool has_rounding() {
  return is_same_v<T, float>;
}
template <typename T>
constexpr bool has_comparison() {
  return true;
}
template <typename T>
constexpr bool has_logical() {
  return is_same_v<T, bool>;
}
template <typename T>
constexpr bool has_bitwise() {
  return !is_same_v<T, bool> && !is_same_v<T, float>;
}
template <typename T>
constexpr bool has_shift() {
  return has_bitwise<T>();
}
template <typename T>
constexpr bool has_classification() {
  return is_same_v<T, float>;
}
template <typename T>
constexpr bool has_choice() {
  return false;  // elementwise_where
}
// Whether it gives a bool.
#define BITMETAL_TESTS_arithmetic false
#define BITMETAL_TESTS_ordered false
#define BITMETAL_TESTS_real false
#define BITMETAL_TESTS_rounding false
#define BITMETAL_TESTS_comparison true
#define BITMETAL_TESTS_logical true
#define BITMETAL_TESTS_bitwise false
#define BITMETAL_TESTS_shift false
#define BITMETAL_TESTS_classification true
#define BITMETAL_TESTS_choice false
#define BITMETAL_OPERANDS_1 a
#define BITMETAL_OPERANDS_2 a, b
#define BITMETAL_OPERANDS_3 a, b

// The operation that the function constant names; of one type, and giving a bool or that type.
template <bool kTests, typename T, typename Result>
METAL_FUNC Result apply(T a, T b) {
  switch (operation) {
#define BITMETAL_CASE(name, arity, rule)                                \
  case op_##name:                                                       \
    if constexpr (has_##rule<T>() && BITMETAL_TESTS_##rule == kTests) { \
      return name(BITMETAL_OPERANDS_##arity);                           \
    }                                                                   \
    break;
    BITMETAL_ELEMENTWISE(BITMETAL_CASE)
#undef BITMETAL_CASE
    default: break;
  }
  return Result(0);
}

}  // namespace elementwise

template <typename Value, typename Stored, bool kTests, typename Result>
METAL_FUNC Result mapped(Stored a, Stored b, constant ulong* constants) {
  Value x = value_of_bits<Value>(constants[0]), y = value_of_bits<Value>(constants[1]);
  if (has_a) x = value_of<Value>(a);
  if (has_b) y = value_of<Value>(b);
  using Computed = conditional_t<kTests, bool, Value>;
  return Result(elementwise::apply<kTests, Value, Computed>(x, y));
}

template <typename Value, typename Stored, bool kTests, typename Result>
[[kernel]] void elementwise_kernel(device const Stored* a [[buffer(0), function_constant(has_a)]],
                                   device const Stored* b [[buffer(1), function_constant(has_b)]],
                                   device Result* out [[buffer(2)]],
                                   constant ElementwiseParams& p [[buffer(3)]],
                                   constant ulong* constants [[buffer(4)]],
                                   uint2 position [[thread_position_in_grid]],
                                   uint2 grid [[threads_per_grid]]) {
  if (flat) {
    const ulong first = first_neighbour(position, grid);
    vec<Stored, 4> x[kFlatPieces], y[kFlatPieces];
    for (uint i = 0; i < kFlatPieces; ++i) {
      x[i] = y[i] = vec<Stored, 4>(Stored(0));
      if (has_a) x[i] = load_flat(a, p, 1, first + i * kPiece);
      if (has_b) y[i] = load_flat(b, p, 2, first + i * kPiece);
    }
    for (uint i = 0; i < kFlatPieces; ++i) {
      vec<Result, 4> four;
      for (uint j = 0; j < 4; ++j) {
        four[j] = mapped<Value, Stored, kTests, Result>(x[i][j], y[i][j], constants);
      }
      store_neighbours(out + p.starts[0], first + i * kPiece, p.count, four);
    }
    return;
  }
  const ulong i = ulong(position.y) * grid.x + position.x;
  if (i >= p.count) return;
  long at[3];
  find_places<3>(p, i, at);
  Stored x = Stored(0), y = Stored(0);
  if (has_a) x = a[at[1]];
  if (has_b) y = b[at[2]];
  out[at[0]] = mapped<Value, Stored, kTests, Result>(x, y, constants);
}

template <typename Stored>
[[kernel]] void elementwise_where(device const uchar* condition [[buffer(0)]],
                                  device const Stored* a [[buffer(1), function_constant(has_a)]],
                                  device const Stored* b [[buffer(2), function_constant(has_b)]],
                                  device Stored* out [[buffer(3)]],
                                  constant ElementwiseParams& p [[buffer(4)]],
                                  constant ulong* constants [[buffer(5)]],
                                  uint2 position [[thread_position_in_grid]],
                                  uint2 grid [[threads_per_grid]]) {
  Stored x = Stored(constants[1]), y = Stored(constants[2]);
  if (flat) {
    const ulong first = first_neighbour(position, grid);
    for (uint piece = 0; piece < kFlatPieces; ++piece) {
      const ulong i = first + piece * kPiece;
      const uchar4 chosen = load_flat(condition, p, 1, i);
      vec<Stored, 4> four = vec<Stored, 4>(x), other = vec<Stored, 4>(y);
      if (has_a) four = load_flat(a, p, 2, i);
      if (has_b) other = load_flat(b, p, 3, i);
      for (uint j = 0; j < 4; ++j) four[j] = chosen[j] != 0 ? four[j] : other[j];
      store_neighbours(out + p.starts[0], i, p.count, four);
    }
    return;
  }
  const ulong i = ulong(position.y) * grid.x + position.x;
  if (i >= p.count) return;
  long at[4];
  find_places<4>(p, i, at);
  if (has_a) x = a[at[2]];
  if (has_b) y = b[at[3]];
  out[at[0]] = condition[at[1]] != 0 ? x : y;
}
