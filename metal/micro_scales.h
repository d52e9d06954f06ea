// The 8-bit scales of the microscaling formats. encode() gets a block's greatest magnitude, as
// bits, and returns NaN's code where that is not finite.
#pragma once

#include "numeric.h"

// E8M0, a power of two: 2^(x - 127); 255 is NaN.
struct PowerScale {
  static constant constexpr bool kFitsHalf = false;

  static METAL_FUNC float decode(uchar x) {
    if (x == 255) return quiet_nan();
    return as_type<float>(x == 0 ? 0x00400000u : uint(x) << 23);  // 2^-127 is denormal
  }

  // The greatest element's exponent less that of 4, E2M1's largest power of two.
  static METAL_FUNC uchar encode(uint greatest) {
    return is_finite(as_type<float>(greatest)) ? max(greatest >> 23, 2u) - 2 : 255;
  }
};

// E4M3 floats: half's bits but for an exponent whose bias is 8 less. 127 and 255 are NaN.
struct MiniScale {
  static constant constexpr bool kFitsHalf = true;

  static METAL_FUNC float decode(uchar x) {
    if ((x & 127) == 127) return quiet_nan();
    return float(as_type<half>(ushort((x & 128) << 8 | (x & 127) << 7))) * 0x1p8f;
  }

  // The greatest element over 6, E2M1's greatest value, rounded to nearest, ties to even; at most
  // 448.
  static METAL_FUNC uchar encode(uint greatest) {
    if (!is_finite(as_type<float>(greatest))) return 127;
    const float x = as_type<float>(greatest) / 6.0f;
    if (x < 0x1p-6f) return uchar(rint(x * 0x1p9f));  // denormal, or the least that is not
    const uint bits = as_type<uint>(x);
    const uint rounded = bits + 0x7ffffu + (bits >> 20 & 1);
    return uchar(min((rounded >> 20) - (120u << 3), 126u));
  }
};
