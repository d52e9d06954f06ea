// Conversions in one instruction, and in integers where the compiler itself calculates.
namespace sm_program {

struct sm_cuda_bfloat_format : sm_bfloat_format {
  static constexpr unsigned short round(float v) {
#if __CUDA_ARCH__ >= 800
    if (!__builtin_is_constant_evaluated()) {
      unsigned short bits;
      asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(v));
      return bits;
    }
#endif
    return sm_bfloat_format::round(v);
  }
};
typedef sm_small<sm_cuda_bfloat_format> bfloat;
constexpr bfloat sm_bfloat_literal(float v) { return bfloat(v); }

struct sm_half_format {
  static constexpr unsigned short round(float v) {
    if (!__builtin_is_constant_evaluated()) {
      unsigned short bits;
      asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(v));
      return bits;
    }
    const uint bits = __builtin_bit_cast(uint, v), sign = bits >> 16 & 0x8000,
               size = bits & 0x7fffffff;
    if (size > 0x7f800000) return static_cast<unsigned short>(sign | 0x7e00);
    if (size >= 0x477ff000) return static_cast<unsigned short>(sign | 0x7c00);  // 65520 and more
    if (size < 0x33000001) return static_cast<unsigned short>(sign);            // up to 2^-25
    // Subnormal halves lack bits of the significand: 2^-24 is their unit.
    const uint exponent = size >> 23, significand = (size & 0x7fffff) | 0x800000;
    const uint drop = exponent < 113 ? 126 - exponent : 13;
    const uint kept = significand >> drop, rest = significand & ((1u << drop) - 1);
    const uint half_unit = 1u << (drop - 1);
    const uint up = rest > half_unit || (rest == half_unit && (kept & 1)) ? 1 : 0;
    const uint base = exponent < 113 ? 0 : (exponent - 113) << 10;
    return static_cast<unsigned short>(sign | (base + kept + up));
  }
  static constexpr float widen(unsigned short bits) {
    if (!__builtin_is_constant_evaluated()) {
      float v;
      asm("cvt.f32.f16 %0, %1;" : "=f"(v) : "h"(bits));
      return v;
    }
    const uint sign = uint(bits & 0x8000) << 16, exponent = bits >> 10 & 31, rest = bits & 0x3ff;
    if (exponent == 31) return __builtin_bit_cast(float, sign | 0x7f800000 | rest << 13);
    if (exponent) return __builtin_bit_cast(float, sign | (exponent + 112) << 23 | rest << 13);
    const float size = static_cast<float>(rest) * 0x1p-24f;
    return sign ? -size : size;
  }
};
typedef sm_small<sm_half_format> half;

}  // namespace sm_program
