// NEON with the dot products of Armv8.2: Cortex-A76, Graviton 2 and Apple M1 onwards.
#include "cpu/isa/kernels.h"

// Clang before 16 has the dot products only where CMake compiles the file for them.
#if defined(__aarch64__) && \
    (!defined(__clang__) || defined(__ARM_FEATURE_DOTPROD) || __clang_major__ >= 16)
#include "cpu/isa/headers.h"
#include "cpu/isa/target.h"

#if defined(__clang__)
BITMETAL_TARGET_BEGIN("dotprod")
#else
BITMETAL_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#endif
namespace bitmetal::cpu::neon {
namespace {
#include "cpu/isa/vector_neon.h"

#include "cpu/kernels/vector16.inl"

#include "cpu/isa/blockwise_neon.h"
#include "cpu/isa/blockwise_scalar.h"
#include "cpu/isa/ternary_neon.h"

#include "cpu/isa/int8_neon.h"

#include "cpu/isa/kernels.inl"

constexpr Kernels kKernels = make_kernels(Isa::neon);
}  // namespace
}  // namespace bitmetal::cpu::neon
BITMETAL_TARGET_END

const bitmetal::cpu::Kernels* const bitmetal::cpu::neon_kernels = &bitmetal::cpu::neon::kKernels;
#else
const bitmetal::cpu::Kernels* const bitmetal::cpu::neon_kernels = nullptr;
#endif
