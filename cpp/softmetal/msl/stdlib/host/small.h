// half is the compiler's own where it has one.
namespace sm_program {

typedef sm_small<sm_bfloat_format> bfloat;
constexpr bfloat sm_bfloat_literal(float v) { return bfloat(v); }

#if defined(__FLT16_MANT_DIG__) && (defined(__x86_64__) || defined(__clang__) || __GNUC__ >= 13)
typedef _Float16 half;
#else
struct sm_half_format {
  static constexpr unsigned short round(float v) {
    return __builtin_bit_cast(unsigned short, static_cast<__fp16>(v));
  }
  static constexpr float widen(unsigned short bits) {
    return static_cast<float>(__builtin_bit_cast(__fp16, bits));
  }
};
typedef sm_small<sm_half_format> half;
#endif

}  // namespace sm_program
