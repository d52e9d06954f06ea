// One element from any type to any other.
//
// To a floating type: rounded once, to nearest even. From a floating type to an integer: toward
// zero; out of range gives the nearest end of the range and NaN gives 0 (C leaves both undefined).
// Between integers: modulo 2^bits. To bool: != 0.
#pragma once

template <class T>
inline constexpr bool kHalf = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;
template <class T>
inline constexpr bool kFloating = std::is_floating_point_v<T> || kHalf<T>;

// To float32, rounded to odd: inexact values keep a set last bit, so that a second rounding to 22
// bits or fewer gives what one rounding of the double would.
inline float round_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  const double back = nearest;
  const uint32_t bits = std::bit_cast<uint32_t>(nearest);
  const uint32_t away = __builtin_fabs(back) > __builtin_fabs(value);
  const uint32_t inexact = back != value;
  return std::bit_cast<float>((bits - away) | inexact);
}

// Likewise to double, where only integers past 2^53 are inexact.
inline double round_to_odd(int64_t value) {
  constexpr int64_t kExact = int64_t{1} << 53;
  constexpr int64_t kTail = (1 << 11) - 1;  // 64 - 53 bits
  const int64_t odd = (value & ~kTail) | (value & kTail ? kTail + 1 : 0);
  return static_cast<double>(value >= -kExact && value <= kExact ? value : odd);
}

// A float32 that rounds to a 16-bit type as `value` does.
template <class From>
inline float before_narrowing(From value) {
  if constexpr (std::is_same_v<From, double>) {
    return round_to_odd(value);
  } else if constexpr (std::is_integral_v<From> && sizeof(From) >= 4) {
    return round_to_odd(round_to_odd(static_cast<int64_t>(value)));
  } else {
    return static_cast<float>(value);
  }
}

template <class To, class From>
inline To truncate(From value) {
  constexpr From kLow = static_cast<From>(std::numeric_limits<To>::min());
  constexpr From kEnd = static_cast<From>(uint64_t{1} << (std::numeric_limits<To>::digits - 1)) * 2;
  // The largest From below kEnd: kEnd is a power of two, so half a unit of it.
  constexpr From kHigh = kEnd - kEnd / 2 * std::numeric_limits<From>::epsilon();
  if constexpr (sizeof(To) < sizeof(int32_t)) {  // whose bounds are exact
    const From most = static_cast<From>(std::numeric_limits<To>::max());
    const From below = value < most ? value : most;
    const From inside = below > kLow ? below : kLow;
    return static_cast<To>(static_cast<int32_t>(value == value ? inside : From{0}));
  }
  const From floored = value > kLow ? value : kLow;
  const To inside = static_cast<To>(floored < kHigh ? floored : kHigh);
  const To bounded = value >= kEnd ? std::numeric_limits<To>::max() : inside;
  return value == value ? bounded : To{0};
}

template <class To, class From>
inline To convert(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (kHalf<From>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != 0;
  } else if constexpr (kHalf<To>) {
    return To(before_narrowing(value));
  } else if constexpr (kFloating<From> && !kFloating<To>) {
    return truncate<To>(value);
  } else {
    return static_cast<To>(value);
  }
}
