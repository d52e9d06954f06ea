// The formats' names and the values of their codes.
#include <algorithm>
#include <array>
#include <string>

#include "bitmetal/blockwise.h"
#include "ops/check.h"

namespace bitmetal {
namespace {

constexpr std::string_view kNames[] = {"nf4", "fp4", "int8", "mxfp4", "nvfp4", "affine"};

// Dettmers et al., "QLoRA", 2023: quantiles of the normal distribution, with an exact zero.
constexpr float kNf4[16] = {-1.0f,
                            -0.6961928009986877f,
                            -0.5250730514526367f,
                            -0.39491748809814453f,
                            -0.28444138169288635f,
                            -0.18477343022823334f,
                            -0.09105003625154495f,
                            0.0f,
                            0.07958029955625534f,
                            0.16093020141124725f,
                            0.24611230194568634f,
                            0.33791524171829224f,
                            0.44070982933044434f,
                            0.5626170039176941f,
                            0.7229568362236023f,
                            1.0f};
// bitsandbytes' own order of a float with 3 bits of exponent and fraction; bit 3 is the sign.
constexpr float kFp4[8] = {0, 0.0625f / 12, 8.0f / 12, 1, 4.0f / 12, 0.5f, 2.0f / 12, 0.25f};
// OCP Microscaling Formats (MX) v1.0: 2 bits of exponent, 1 of fraction; bit 3 is the sign.
constexpr float kE2m1[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};

// Dettmers, "8-Bit Approximations for Parallelism in Deep Learning", 2015: for i = 0 to 6, the
// midpoints of linspace(0.1, 1, 2^i + 1) times 10^(i - 6), with both signs; 0 and 1. Rounded to
// float32 where bitsandbytes (torch.linspace) rounds, and in the same way.
std::array<float, 256> dynamic_map() {
  std::array<float, 256> map;
  constexpr float kPowers[7] = {1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1};
  size_t at = 0;
  for (int i = 0; i < 7; ++i) {
    const int steps = 1 << i;
    const float step = (1.0f - 0.1f) / static_cast<float>(steps);
    const auto point = [&](int k) {  // from the nearer end
      const double from_first = double{0.1f} + double{step} * k;
      const double from_last = 1.0 - double{step} * (steps - k);
      return static_cast<float>(k < (steps + 1) / 2 ? from_first : from_last);
    };
    for (int k = 0; k < steps; ++k) {
      const float value = (point(k) + point(k + 1)) / 2 * kPowers[i];
      map[at++] = value;
      map[at++] = -value;
    }
  }
  map[at++] = 0;
  map[at++] = 1;
  std::sort(map.begin(), map.end());
  return map;
}

}  // namespace

std::string_view name_of(BlockFormat format) { return kNames[static_cast<int>(format)]; }

BlockFormat block_format_named(const char* op, std::string_view name) {
  std::string known;
  for (int i = 0; i < static_cast<int>(std::size(kNames)); ++i) {
    if (kNames[i] == name) return static_cast<BlockFormat>(i);
    known.append(i ? ", '" : "'").append(kNames[i]).append("'");
  }
  fail<ValueError>(op, ": format is '", name, "', expected one of ", known);
}

Array block_book(BlockFormat format, Device& device) {
  const bool bytes = format == BlockFormat::int8;
  const Array book({bytes ? 256 : 16}, DType::f32, host_side(device));
  auto* to = write_on_host<float>(book);
  if (bytes) {
    static const std::array<float, 256> map = dynamic_map();
    std::copy(map.begin(), map.end(), to);
  } else if (format == BlockFormat::nf4) {
    std::copy(std::begin(kNf4), std::end(kNf4), to);
  } else {
    const float* magnitudes = format == BlockFormat::fp4 ? kFp4 : kE2m1;
    for (int i = 0; i < 16; ++i) to[i] = i < 8 ? magnitudes[i] : -magnitudes[i - 8];
  }
  return to_device(book, device);
}

}  // namespace bitmetal
