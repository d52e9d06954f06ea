// AVX2, FMA, F16C and BMI2: Haswell and Zen onwards.
#include "cpu/isa/kernels.h"

#if defined(__x86_64__)
#include "cpu/isa/headers.h"
#include "cpu/isa/target.h"

BITMETAL_TARGET_BEGIN("avx2,fma,f16c,bmi2")
namespace bitmetal::cpu::avx2 {
namespace {
#include "cpu/isa/vector_avx2.h"

#include "cpu/kernels/vector16.inl"

#include "cpu/isa/blockwise_avx2.h"
#include "cpu/isa/ternary_avx2.h"

#include "cpu/isa/int8_avx2.h"

#include "cpu/isa/kernels.inl"

constexpr Kernels kKernels = make_kernels(Isa::avx2);
}  // namespace
}  // namespace bitmetal::cpu::avx2
BITMETAL_TARGET_END

const bitmetal::cpu::Kernels* const bitmetal::cpu::avx2_kernels = &bitmetal::cpu::avx2::kKernels;
#else
const bitmetal::cpu::Kernels* const bitmetal::cpu::avx2_kernels = nullptr;
#endif
