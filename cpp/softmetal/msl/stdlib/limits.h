namespace sm_program {
namespace metal {

template <class T>
struct numeric_limits {
  static constexpr bool is_specialized = false;
};

template <class T>
struct sm_integer_limits {
  static constexpr bool is_specialized = true, is_integer = true, is_exact = true;
  static constexpr bool is_signed = is_signed_v<T>;
  static constexpr bool has_infinity = false, has_quiet_NaN = false;
  static constexpr int digits = is_same_v<T, bool> ? 1 : int(sizeof(T) * 8) - (is_signed ? 1 : 0);
  static constexpr int digits10 = digits * 3 / 10;
  static constexpr T max() {
    if constexpr (is_same_v<T, bool>)
      return true;
    else
      return static_cast<T>(~ulong(0) >> (64 - digits));
  }
  static constexpr T min() { return is_signed ? static_cast<T>(-max() - 1) : T(0); }
  static constexpr T lowest() { return min(); }
  static constexpr T epsilon() { return T(0); }
  static constexpr T infinity() { return T(0); }
  static constexpr T quiet_NaN() { return T(0); }
};
#define SM_LIMITS(T) \
  template <>        \
  struct numeric_limits<T> : sm_integer_limits<T> {};
// clang-format off
SM_LIMITS(bool) SM_LIMITS(char) SM_LIMITS(signed char) SM_LIMITS(uchar) SM_LIMITS(short)
SM_LIMITS(ushort) SM_LIMITS(int) SM_LIMITS(uint) SM_LIMITS(long) SM_LIMITS(ulong)
// clang-format on
#undef SM_LIMITS

        template <class T, class Bits, Bits kMax, Bits kMin, Bits kEpsilon, Bits kInfinity,
                  Bits kNaN, Bits kDenormal, int kDigits>
        struct sm_float_limits {
  static constexpr bool is_specialized = true, is_integer = false, is_exact = false,
                        is_signed = true;
  static constexpr bool has_infinity = true, has_quiet_NaN = true;
  static constexpr int digits = kDigits, digits10 = (kDigits - 1) * 3 / 10, radix = 2;
  static constexpr T max() { return __builtin_bit_cast(T, kMax); }
  static constexpr T lowest() { return -max(); }
  static constexpr T min() { return __builtin_bit_cast(T, kMin); }
  static constexpr T epsilon() { return __builtin_bit_cast(T, kEpsilon); }
  static constexpr T infinity() { return __builtin_bit_cast(T, kInfinity); }
  static constexpr T quiet_NaN() { return __builtin_bit_cast(T, kNaN); }
  static constexpr T signaling_NaN() { return quiet_NaN(); }
  static constexpr T denorm_min() { return __builtin_bit_cast(T, kDenormal); }
  static constexpr T round_error() { return T(0.5f); }
};
template <>
struct numeric_limits<float> : sm_float_limits<float, uint, 0x7f7fffff, 0x00800000, 0x34000000,
                                               0x7f800000, 0x7fc00000, 1, 24> {};
template <>
struct numeric_limits<half>
    : sm_float_limits<half, ushort, 0x7bff, 0x0400, 0x1400, 0x7c00, 0x7e00, 1, 11> {};
template <>
struct numeric_limits<bfloat>
    : sm_float_limits<bfloat, ushort, 0x7f7f, 0x0080, 0x3c00, 0x7f80, 0x7fc0, 1, 8> {};
template <class T>
struct numeric_limits<const T> : numeric_limits<T> {};

}  // namespace metal
}  // namespace sm_program
