// The set avx512 with dot products of bfloat16 and lookups of bytes: Zen 4 and Sapphire Rapids
// onwards.
#include "cpu/isa/kernels.h"

#if defined(__x86_64__) && !defined(BITMETAL_FEW_SETS)
#include "cpu/isa/headers.h"
#include "cpu/isa/target.h"

BITMETAL_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vbmi,fma,f16c,bmi2")
namespace bitmetal::cpu::avx512bf16 {
namespace {
#include "cpu/isa/vector_avx512.h"

#include "cpu/kernels/vector16.inl"

#include "cpu/isa/blockwise_avx512.h"

#include "cpu/isa/bf16_avx512.h"

#include "cpu/isa/blockwise_vbmi.h"

#include "cpu/kernels/bf16.inl"

#include "cpu/kernels/blockwise_bytes.inl"
}  // namespace
}  // namespace bitmetal::cpu::avx512bf16
BITMETAL_TARGET_END

namespace bitmetal::cpu {

static const Kernels extended = [] {
  Kernels kernels = *avx512_kernels;
  kernels.isa = Isa::avx512bf16;
  kernels.bf16 = avx512bf16::kBf16Kernels;
  avx512bf16::use_byte_lookups(kernels.blockwise);
  return kernels;
}();
const Kernels* const avx512bf16_kernels = &extended;

}  // namespace bitmetal::cpu
#else
const bitmetal::cpu::Kernels* const bitmetal::cpu::avx512bf16_kernels = nullptr;
#endif
