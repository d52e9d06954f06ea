// The set avx512bf16 with products of tiles: Sapphire Rapids onwards. Linux alone: there the
// operating system lends a process the registers when asked.
#include "cpu/isa/kernels.h"

#if defined(__x86_64__) && defined(__linux__) && !defined(BITMETAL_FEW_SETS)
#include "cpu/isa/headers.h"
#include "cpu/isa/target.h"

BITMETAL_TARGET_BEGIN(
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c,bmi2,amx-tile,amx-int8,amx-bf16")
namespace bitmetal::cpu::amx {
namespace {
#include "cpu/isa/vector_avx512.h"

#include "cpu/kernels/vector16.inl"

#include "cpu/isa/ternary_avx512.h"
#include "cpu/isa/tiles_amx.h"

#include "cpu/kernels/ternary_tiles.inl"

// Rows of activations up to which expanding the weights for tiles costs more than it saves; sums of
// a single tile, groups of 64, pay later.
constexpr int64_t kFewRows = 11, kFewRowsOfSmallGroups = 15;

void multiply_ternary(const Panels& w, const Int8Rows& x, void* scratch, float* y) {
  const int64_t few = w.group_blocks > kTileBlocks ? kFewRows : kFewRowsOfSmallGroups;
  if (x.count <= few || !has_whole_tiles(w)) {
    avx512_kernels->ternary.multiply_int8(w, x, scratch, y);
  } else {
    multiply_by_tiles(w, x, scratch, y);
  }
}
}  // namespace
}  // namespace bitmetal::cpu::amx
BITMETAL_TARGET_END

const bitmetal::cpu::Kernels* bitmetal::cpu::amx_kernels() {
  static const Kernels extended = [] {
    Kernels kernels = *avx512bf16_kernels;
    kernels.isa = Isa::amx;
    kernels.ternary.multiply_int8 = amx::multiply_ternary;
    kernels.ternary.multiply_int8_scratch = amx::tile_scratch;
    return kernels;
  }();
  return &extended;
}
#else
const bitmetal::cpu::Kernels* bitmetal::cpu::amx_kernels() { return nullptr; }
#endif
