// AVX-512 with VNNI: Cascade Lake and Zen 4 onwards.
#include "cpu/isa/kernels.h"

#if defined(__x86_64__) && !defined(BITMETAL_FEW_SETS)
#include "cpu/isa/headers.h"
#include "cpu/isa/target.h"

BITMETAL_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c,bmi2")
namespace bitmetal::cpu::avx512 {
namespace {
#include "cpu/isa/vector_avx512.h"

#include "cpu/kernels/vector16.inl"

#include "cpu/isa/blockwise_avx512.h"
#include "cpu/isa/ternary_avx512.h"
#include "cpu/isa/transpose_avx512.h"

#include "cpu/isa/int8_avx512.h"

#include "cpu/isa/kernels.inl"

constexpr Kernels kKernels = make_kernels(Isa::avx512);
}  // namespace
}  // namespace bitmetal::cpu::avx512
BITMETAL_TARGET_END

const bitmetal::cpu::Kernels* const bitmetal::cpu::avx512_kernels =
    &bitmetal::cpu::avx512::kKernels;
#else
const bitmetal::cpu::Kernels* const bitmetal::cpu::avx512_kernels = nullptr;
#endif
