// One element of any type from a double.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/half.h"

namespace bitmetal {

// A float that rounds to any shorter type as `value` itself would: where the two differ, the one
// next to it in the direction of zero, marked in its lowest bit.
inline float round_to_odd(double value) {
  auto nearest = static_cast<float>(value);
  if (!std::isfinite(nearest) || nearest == value) return nearest;
  if (std::abs(static_cast<double>(nearest)) > std::abs(value)) {
    nearest = std::nextafter(nearest, 0.0f);
  }
  return std::bit_cast<float>(std::bit_cast<uint32_t>(nearest) | 1);
}

// Rounded once; integers truncate.
template <class T>
T element_of(double value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value != 0;
  } else if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
    return T(round_to_odd(value));
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<int64_t>(value));
  } else {
    return static_cast<T>(value);
  }
}

// The element's memory, in the lowest bytes.
inline uint64_t element_bits(DType dtype, double value) {
  uint64_t bits = 0;
  visit(dtype, [&](auto type) {
    const auto element = element_of<typename decltype(type)::type>(value);
    std::memcpy(&bits, &element, sizeof element);
  });
  return bits;
}

}  // namespace bitmetal
