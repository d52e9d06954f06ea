// Two halves in one instruction.
namespace sm_program {
namespace metal {

inline vec<half, 2> fma(vec<half, 2> a, vec<half, 2> b, vec<half, 2> c) {
  uint sum;
  asm("fma.rn.f16x2 %0, %1, %2, %3;"
      : "=r"(sum)
      : "r"(__builtin_bit_cast(uint, a)), "r"(__builtin_bit_cast(uint, b)),
        "r"(__builtin_bit_cast(uint, c)));
  return __builtin_bit_cast(vec<half, 2>, sum);
}

}  // namespace metal
}  // namespace sm_program
