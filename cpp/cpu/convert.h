// One element from any type to any other.
//
// To a floating type: rounded once, to nearest even. From a floating type to an integer: toward
// zero; out of range gives the nearest end of the range and NaN gives 0 (C leaves both undefined).
// Between integers: modulo 2^bits. To bool: != 0.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/half.h"

namespace bitmetal::cpu {

template <class T>
inline constexpr bool kFloating = std::is_same_v<T, float> || std::is_same_v<T, double> ||
                                  std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;

// To float32, rounded to odd: inexact values keep a set last bit, so that a second rounding to 22
// bits or fewer gives what one rounding of the double would.
inline float round_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  const uint32_t bits = std::bit_cast<uint32_t>(nearest);
  const bool inexact = static_cast<double>(nearest) != value;
  const bool away = std::fabs(static_cast<double>(nearest)) > std::fabs(value);
  return std::bit_cast<float>(inexact ? (bits - away) | 1 : bits);
}

// Likewise to double, where only integers past 2^53 are inexact.
inline double round_to_odd(int64_t value) {
  constexpr int64_t kExact = int64_t{1} << 53;
  if (value >= -kExact && value <= kExact) return static_cast<double>(value);
  constexpr int64_t kTail = (1 << 11) - 1;  // 64 - 53 bits
  return static_cast<double>((value & ~kTail) | (value & kTail ? kTail + 1 : 0));
}

template <class To, class From>
inline To convert(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (std::is_same_v<From, float16> || std::is_same_v<From, bfloat16>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != 0;
  } else if constexpr (std::is_same_v<To, float16> || std::is_same_v<To, bfloat16>) {
    if constexpr (std::is_same_v<From, double>) {
      return static_cast<To>(round_to_odd(value));
    } else if constexpr (sizeof(From) >= 4 && !kFloating<From>) {
      return static_cast<To>(round_to_odd(round_to_odd(static_cast<int64_t>(value))));
    } else {
      return static_cast<To>(static_cast<float>(value));
    }
  } else if constexpr (kFloating<From> && !kFloating<To>) {
    constexpr From kLow = static_cast<From>(std::numeric_limits<To>::min());
    constexpr From kEnd =
        static_cast<From>(uint64_t{1} << (std::numeric_limits<To>::digits - 1)) * 2;
    if (value < kEnd) {
      return value > kLow ? static_cast<To>(value) : std::numeric_limits<To>::min();
    }
    return value >= kEnd ? std::numeric_limits<To>::max() : To{0};
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace bitmetal::cpu
