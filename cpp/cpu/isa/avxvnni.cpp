// AVX2 with the 8-bit dot products of AVX-VNNI: Alder Lake and Zen 5 onwards.
#include "cpu/isa/kernels.h"

#if defined(__x86_64__) && !defined(BITMETAL_FEW_SETS)
#include "cpu/isa/headers.h"
#include "cpu/isa/target.h"

BITMETAL_TARGET_BEGIN("avx2,fma,f16c,bmi2,avxvnni")
namespace bitmetal::cpu::avxvnni {
namespace {
#define BITMETAL_AVXVNNI 1
#include "cpu/isa/vector_avx2.h"

#include "cpu/kernels/vector16.inl"

#include "cpu/isa/blockwise_avx2.h"
#include "cpu/isa/ternary_avx2.h"

#include "cpu/isa/int8_avx2.h"

#include "cpu/isa/kernels.inl"

constexpr Kernels kKernels = make_kernels(Isa::avxvnni);
}  // namespace
}  // namespace bitmetal::cpu::avxvnni
BITMETAL_TARGET_END

const bitmetal::cpu::Kernels* const bitmetal::cpu::avxvnni_kernels =
    &bitmetal::cpu::avxvnni::kKernels;
#else
const bitmetal::cpu::Kernels* const bitmetal::cpu::avxvnni_kernels = nullptr;
#endif
