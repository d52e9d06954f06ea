#include <cmath>
#include <cstring>

#include "core/half.h"
#include "gpu/backend.h"
#include "gpu/kernels.h"

namespace bitmetal::gpu {
namespace {

// A float that rounds to any shorter type as `value` itself would: where the two differ, the one
// next to it in the direction of zero, marked in its lowest bit.
float round_to_odd(double value) {
  auto nearest = static_cast<float>(value);
  if (!std::isfinite(nearest) || nearest == value) return nearest;
  if (std::abs(static_cast<double>(nearest)) > std::abs(value)) {
    nearest = std::nextafter(nearest, 0.0f);
  }
  return std::bit_cast<float>(std::bit_cast<uint32_t>(nearest) | 1);
}

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

}  // namespace

void GpuBackend::fill(const Array& out, double value) {
  uint64_t bits = 0;  // kernels know the size of the type only
  visit(out.dtype(), [&](auto type) {
    const auto element = element_of<typename decltype(type)::type>(value);
    std::memcpy(&bits, &element, sizeof element);
  });
  const size_t size = size_of(out.dtype());
  const kernels::FillParams params{static_cast<uint64_t>(out.size())};
  run("fill", cat("fill_", 8 * size), {},
      {Argument::out(out), Argument::bytes(&bits, size), Argument::constant(params)},
      grid_of_elements(params.count));
}

}  // namespace bitmetal::gpu
