// Division to whole numbers, element by element.
#pragma once

struct FloorDivide {
  // For operands that leave no doubt: see division_run.
  static float of_plain(float a, float b) {
    const double x = a, y = b;
    double quotient = Floor::of(x / y);
    const double rest = x - y * quotient;
    quotient -= ((rest != 0) & ((rest < 0) != (y < 0))) ? 1 : 0;  // x / y was rounded up
    quotient += __builtin_fabs(rest) >= __builtin_fabs(y) ? 1 : 0;
    return static_cast<float>(quotient == 0 ? __builtin_copysign(0.0, x / y) : quotient);
  }
  static double of_plain(double a, double b) {
    double quotient = Floor::of(a / b);
    const double rest = __builtin_fma(-quotient, b, a);
    quotient -= ((rest != 0) & ((rest < 0) != (b < 0))) ? 1 : 0;  // a / b was rounded up
    return quotient == 0 ? __builtin_copysign(0.0, a / b) : quotient;
  }
  // As Python: from the exact remainder, so that it agrees with it.
  template <class T>
  static T of(T a, T b) {
    if constexpr (kFloating<T>) {
      if (b == 0) return a / b;
      T rest = std::fmod(a, b);
      T quotient = (a - rest) / b;
      if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
      if (quotient == 0) return std::copysign(T{0}, a / b);
      const T whole = std::floor(quotient);
      return quotient - whole > T(0.5) ? whole + 1 : whole;
    } else {
      if (b == 0) return 0;
      if (b == static_cast<T>(-1) && std::is_signed_v<T>) return Negative::of(a);
      return static_cast<T>(a / b - ((a % b != 0) & ((a < 0) != (b < 0))));
    }
  }
};
struct Remainder {
  // For operands that leave no doubt: see division_run.
  static float of_plain(float a, float b) {
    const double x = a, y = b;
    double rest = x - y * Floor::of(x / y);
    rest = ((rest != 0) & ((rest < 0) != (y < 0))) ? rest + y : rest;  // x / y was rounded up
    rest = __builtin_fabs(rest) >= __builtin_fabs(y) ? rest - y : rest;
    return static_cast<float>(rest == 0 ? __builtin_copysign(0.0, y) : rest);
  }
  static double of_plain(double a, double b) {
    double rest = __builtin_fma(-Floor::of(a / b), b, a);
    rest = ((rest != 0) & ((rest < 0) != (b < 0))) ? rest + b : rest;  // a / b was rounded up
    return rest == 0 ? __builtin_copysign(0.0, b) : rest;
  }
  template <class T>
  static T of(T a, T b) {
    if constexpr (kFloating<T>) {
      const T rest = std::fmod(a, b);
      if (rest == 0) return b == b ? std::copysign(T{0}, b) : b;
      return (b < 0) != (rest < 0) ? rest + b : rest;
    } else {
      if (b == 0 || (b == static_cast<T>(-1) && std::is_signed_v<T>)) return 0;
      const T rest = static_cast<T>(a % b);
      const bool other_side = (rest != 0) & ((rest < 0) != (b < 0));
      return static_cast<T>(rest + (other_side ? b : T{0}));
    }
  }
};
// Of integers whose quotient, rounded in a wider floating type, is no whole number unless it is
// one.
struct ShortFloorDivide {
  template <class T>
  static T of(T a, T b) {
    using Wide = std::conditional_t<sizeof(T) == 4, double, float>;
    constexpr Wide kEnd = Wide(0x1p31);  // of the quotient of the least int32 and -1, which wraps
    const int32_t by_zero = -(b == 0);   // a mask: g++ 12 makes branches of choices here
    const Wide divisor = static_cast<Wide>(b - by_zero);
    const Wide quotient = Floor::of(static_cast<Wide>(a) / divisor);
    const Wide wrapped = quotient < kEnd ? quotient : -kEnd;
    return static_cast<T>(static_cast<int32_t>(wrapped) & ~by_zero);
  }
};
struct ShortRemainder {
  template <class T>
  static T of(T a, T b) {
    const T rest = Subtract::of(a, Multiply::of(ShortFloorDivide::of(a, b), b));
    return static_cast<T>(rest & -(b != 0));
  }
};
