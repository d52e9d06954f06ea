// What is computed element by element: integer division and powers, and functions whose double
// precision is the C library's.
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
// Of integers that a wider floating type divides without a doubt about the integer part.
struct ShortFloorDivide {
  template <class T>
  static T of(T a, T b) {
    using Wide = std::conditional_t<sizeof(T) == 4, double, float>;
    const bool negate = std::is_signed_v<T> && b == static_cast<T>(-1);
    const T divisor = ((b == 0) | negate) ? T{1} : b;
    const T quotient = static_cast<T>(static_cast<Wide>(a) / static_cast<Wide>(divisor));
    const T rest = Subtract::of(a, Multiply::of(quotient, divisor));
    const bool other_side = (rest != 0) & ((rest < 0) != (divisor < 0));
    const T floored = static_cast<T>(quotient - other_side);
    return b == 0 ? T{0} : negate ? Negative::of(a) : floored;
  }
};
struct ShortRemainder {
  template <class T>
  static T of(T a, T b) {
    const T rest = Subtract::of(a, Multiply::of(ShortFloorDivide::of(a, b), b));
    return b == 0 ? T{0} : rest;
  }
};

struct Power {
  template <class T>
  static T of(T a, T b) {
    if constexpr (kFloating<T>) {
      return std::pow(a, b);
    } else {
      if (b < 0) {
        if (a == 1) return 1;
        if (a == static_cast<T>(-1)) return b % 2 ? a : T{1};
        return 0;
      }
      Unsigned<T> result = 1, factor = static_cast<Unsigned<T>>(a);
      for (auto n = static_cast<Unsigned<T>>(b); n; n = static_cast<Unsigned<T>>(n >> 1)) {
        if (n & 1) result = static_cast<Unsigned<T>>(result * factor);
        factor = static_cast<Unsigned<T>>(factor * factor);
      }
      return static_cast<T>(result);
    }
  }
};

struct Expm1 {
  static double of(double x) { return std::expm1(x); }
};
struct Log {
  static double of(double x) { return std::log(x); }
};
struct Log1p {
  static double of(double x) { return std::log1p(x); }
};
struct Sin {
  static double of(double x) { return std::sin(x); }
};
struct Cos {
  static double of(double x) { return std::cos(x); }
};
struct Tanh {
  static double of(double x) { return std::tanh(x); }
};
struct Erf {
  static double of(double x) { return std::erf(x); }
};
struct Gelu {
  static double of(double x) {
    constexpr double kSqrtHalf = 0.70710678118654752440;
    return 0.5 * x * std::erfc(-x * kSqrtHalf);
  }
};
struct GeluTanh {
  static double of(double x) {
    constexpr double kTwice = 1.5957691216057307;  // 2 sqrt(2 / pi)
    const double u = kTwice * (x + 0.044715 * x * x * x);
    const double e = std::exp(-std::fabs(u));
    return x * ((u < 0 ? e : 1) / (1 + e));
  }
};
