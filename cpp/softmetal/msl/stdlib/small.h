// What half and bfloat are made of.
namespace sm_program {

// A 16-bit float where the compiler has none: arithmetic in float, rounded after every operation,
// and Metal's rules for what a mixture of types gives.
template <class Format>
struct sm_small {
  unsigned short sm_bits;

  sm_small() = default;
  template <class T>
    requires(__is_enum(T) || requires(T v) { static_cast<float>(v); })
  constexpr sm_small(T v) : sm_bits(Format::round(static_cast<float>(v))) {}
  constexpr operator float() const { return Format::widen(sm_bits); }

  template <class T>
  constexpr sm_small& operator+=(T v) {
    return *this = sm_small(*this + v);
  }
  template <class T>
  constexpr sm_small& operator-=(T v) {
    return *this = sm_small(*this - v);
  }
  template <class T>
  constexpr sm_small& operator*=(T v) {
    return *this = sm_small(*this * v);
  }
  template <class T>
  constexpr sm_small& operator/=(T v) {
    return *this = sm_small(*this / v);
  }
  constexpr sm_small& operator++() { return *this += 1; }
  constexpr sm_small& operator--() { return *this -= 1; }
  constexpr sm_small operator++(int) {
    sm_small old = *this;
    *this += 1;
    return old;
  }
  constexpr sm_small operator--(int) {
    sm_small old = *this;
    *this -= 1;
    return old;
  }
};

struct sm_bfloat_format {
  static constexpr unsigned short round(float v) {
    const uint bits = __builtin_bit_cast(uint, v);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<unsigned short>(bits >> 16 | 0x40);
    return static_cast<unsigned short>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);  // ties to even
  }
  static constexpr float widen(unsigned short bits) {
    return __builtin_bit_cast(float, uint(bits) << 16);
  }
};

}  // namespace sm_program
