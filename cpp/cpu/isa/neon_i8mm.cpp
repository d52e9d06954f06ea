// The set neon with products of int8 matrices: Armv8.6, Graviton 3 and Apple M2 onwards.
#include "cpu/isa/kernels.h"

// Clang before 16 has them only where CMake compiles the file for them.
#if defined(__aarch64__) && \
    (!defined(__clang__) || defined(__ARM_FEATURE_MATMUL_INT8) || __clang_major__ >= 16)
#include "cpu/isa/headers.h"
#include "cpu/isa/target.h"

#if defined(__clang__)
BITMETAL_TARGET_BEGIN("dotprod,i8mm")
#else
BITMETAL_TARGET_BEGIN("arch=armv8.2-a+dotprod+i8mm")
#endif
namespace bitmetal::cpu::neon_i8mm {
namespace {
#define BITMETAL_I8MM 1
#include "cpu/isa/vector_neon.h"

#include "cpu/kernels/vector16.inl"

#include "cpu/isa/ternary_neon.h"

#include "cpu/kernels/ternary_int8.inl"
}  // namespace
}  // namespace bitmetal::cpu::neon_i8mm
BITMETAL_TARGET_END

namespace bitmetal::cpu {

static const Kernels extended = [] {
  Kernels kernels = *neon_kernels;
  kernels.isa = Isa::neon_i8mm;
  kernels.ternary.multiply_int8 = neon_i8mm::multiply_int8;
  return kernels;
}();
const Kernels* const neon_i8mm_kernels = &extended;

}  // namespace bitmetal::cpu
#else
const bitmetal::cpu::Kernels* const bitmetal::cpu::neon_i8mm_kernels = nullptr;
#endif
