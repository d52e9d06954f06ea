// One element of each operation that needs no more than the processor's own instructions. Written
// so that a loop over it becomes vector code: no branches, integers wrap as unsigned ones.
// Those of float take vectors, too.
#pragma once

#include "cpu/kernels/exp.inl"

template <>
inline constexpr bool kFloating<Floats> = true;
template <>
inline constexpr bool kFloating<Doubles> = true;

template <class T>
using Unsigned = std::make_unsigned_t<T>;

struct Add {
  template <class T>
  static T of(T a, T b) {
    if constexpr (kFloating<T>)
      return a + b;
    else
      return static_cast<T>(Unsigned<T>(a) + Unsigned<T>(b));
  }
};
struct Subtract {
  template <class T>
  static T of(T a, T b) {
    if constexpr (kFloating<T>)
      return a - b;
    else
      return static_cast<T>(Unsigned<T>(a) - Unsigned<T>(b));
  }
};
struct Multiply {
  template <class T>
  static T of(T a, T b) {
    if constexpr (kFloating<T>)
      return a * b;
    else
      return static_cast<T>(Unsigned<T>(a) * Unsigned<T>(b));
  }
};
struct Divide {
  template <class T>
  static T of(T a, T b) {
    return a / b;
  }
};
struct Minimum {
  template <class T>
  static T of(T a, T b) {
    if constexpr (std::is_same_v<T, Floats> || std::is_same_v<T, Doubles>) {
      const T lesser = min(a, b);  // b where one is NaN
      return a != a ? a : lesser;
    }
    return ((a < b) | (a != a)) ? a : b;
  }
};
struct Maximum {
  template <class T>
  static T of(T a, T b) {
    if constexpr (std::is_same_v<T, Floats> || std::is_same_v<T, Doubles>) {
      const T greater = max(a, b);
      return a != a ? a : greater;
    }
    return ((a > b) | (a != a)) ? a : b;
  }
};

struct Equal {
  template <class T>
  static bool of(T a, T b) {
    return a == b;
  }
};
struct NotEqual {
  template <class T>
  static bool of(T a, T b) {
    return a != b;
  }
};
struct Less {
  template <class T>
  static bool of(T a, T b) {
    return a < b;
  }
};
struct LessEqual {
  template <class T>
  static bool of(T a, T b) {
    return a <= b;
  }
};
struct Greater {
  template <class T>
  static bool of(T a, T b) {
    return a > b;
  }
};
struct GreaterEqual {
  template <class T>
  static bool of(T a, T b) {
    return a >= b;
  }
};

// Booleans as bytes: memory of others may hold more than 0 and 1.
struct LogicalAnd {
  static bool of(uint8_t a, uint8_t b) { return (a != 0) & (b != 0); }
};
struct LogicalOr {
  static bool of(uint8_t a, uint8_t b) { return (a | b) != 0; }
};
struct LogicalXor {
  static bool of(uint8_t a, uint8_t b) { return (a != 0) != (b != 0); }
};
struct LogicalNot {
  static bool of(uint8_t a) { return a == 0; }
};

struct BitwiseAnd {
  template <class T>
  static T of(T a, T b) {
    return a & b;
  }
};
struct BitwiseOr {
  template <class T>
  static T of(T a, T b) {
    return a | b;
  }
};
struct BitwiseXor {
  template <class T>
  static T of(T a, T b) {
    return a ^ b;
  }
};
struct BitwiseNot {
  template <class T>
  static T of(T a) {
    return static_cast<T>(~a);
  }
};
struct LeftShift {
  template <class T>
  static T of(T a, T b) {
    constexpr Unsigned<T> kBits = 8 * sizeof(T);
    const bool inside = static_cast<Unsigned<T>>(b) < kBits;
    const auto shifted = static_cast<T>(Unsigned<T>(a) << (b & (kBits - 1)));
    return inside ? shifted : T{0};
  }
};
struct RightShift {
  template <class T>
  static T of(T a, T b) {
    constexpr Unsigned<T> kBits = 8 * sizeof(T);
    const bool inside = static_cast<Unsigned<T>>(b) < kBits;
    const auto shifted = static_cast<T>(a >> (b & (kBits - 1)));
    return inside ? shifted : static_cast<T>(a < T{0} ? -1 : 0);
  }
};

struct Negative {
  template <class T>
  static T of(T a) {
    if constexpr (kFloating<T>)
      return -a;
    else
      return static_cast<T>(Unsigned<T>{0} - Unsigned<T>(a));
  }
};
struct Absolute {
  template <class T>
  static T of(T a) {
    if constexpr (std::is_same_v<T, float>)
      return __builtin_fabsf(a);
    else if constexpr (std::is_same_v<T, double>)
      return __builtin_fabs(a);
    else
      return a < 0 ? Negative::of(a) : a;
  }
};
// Of a float's bits.
struct FlippedSign {
  static uint16_t of(uint16_t a) { return a ^ 0x8000; }
};
struct ClearedSign {
  static uint16_t of(uint16_t a) { return a & 0x7fff; }
};
struct Sign {
  template <class T>
  static T of(T a) {
    if constexpr (kFloating<T>) {
      const T sign = a > 0 ? T{1} : a == 0 ? T{0} : a;
      return a < 0 ? T{-1} : sign;
    } else {
      return static_cast<T>((a > T{0}) - (a < T{0}));
    }
  }
};
struct Squared {
  template <class T>
  static T of(T a) {
    return Multiply::of(a, a);
  }
};
struct Reciprocal {
  template <class T>
  static T of(T a) {
    return 1 / a;
  }
};
struct Sqrt {
  static float of(float a) { return __builtin_sqrtf(a); }
  static double of(double a) { return __builtin_sqrt(a); }
};
struct Rsqrt {
  template <class T>
  static T of(T a) {
    return T{1} / Sqrt::of(a);
  }
};
struct Relu {
  template <class T>
  static T of(T a) {
    return ((a > T{}) | (a != a)) ? a : T{};
  }
};
struct Round {
  static float of(float a) { return __builtin_rintf(a); }
  static double of(double a) { return __builtin_rint(a); }
};
inline float with_sign(float a, float sign) { return __builtin_copysignf(a, sign); }
inline double with_sign(double a, double sign) { return __builtin_copysign(a, sign); }
// From the nearest integer, which is one instruction in a vector; g++ 12 has none for the others.
struct Floor {
  template <class T>
  static T of(T a) {
    const T nearest = Round::of(a);
    return with_sign(nearest > a ? nearest - 1 : nearest, a);
  }
};
struct Ceil {
  template <class T>
  static T of(T a) {
    const T nearest = Round::of(a);
    return with_sign(nearest < a ? nearest + 1 : nearest, a);
  }
};
struct Trunc {
  template <class T>
  static T of(T a) {
    return with_sign(Floor::of(Absolute::of(a)), a);
  }
};
struct IsNan {
  template <class T>
  static bool of(T a) {
    return a != a;
  }
};
struct IsInf {
  template <class T>
  static bool of(T a) {
    return Absolute::of(a) == std::numeric_limits<T>::infinity();
  }
};
struct IsFinite {
  template <class T>
  static bool of(T a) {
    return Absolute::of(a) < std::numeric_limits<T>::infinity();
  }
};
