#include "cpu/isa/isa.h"

#include <atomic>
#include <cstdlib>
#include <initializer_list>
#include <string>

#include "bitmetal/error.h"
#include "cpu/isa/kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace bitmetal::cpu {
namespace {

struct Entry {
  Isa isa;
  std::string_view name;
};
constexpr Entry kNames[] = {{Isa::generic, "generic"},
                            {Isa::avx2, "avx2"},
                            {Isa::avxvnni, "avxvnni"},
                            {Isa::avx512, "avx512"},
                            {Isa::avx512bf16, "avx512bf16"},
                            {Isa::amx, "amx"},
                            {Isa::neon, "neon"},
                            {Isa::neon_i8mm, "neon_i8mm"}};

const Kernels* built(Isa isa) {
  switch (isa) {
    case Isa::avx2: return avx2_kernels;
    case Isa::avxvnni: return avxvnni_kernels;
    case Isa::avx512: return avx512_kernels;
    case Isa::avx512bf16: return avx512bf16_kernels;
    case Isa::amx: return amx_kernels();
    case Isa::neon: return neon_kernels;
    case Isa::neon_i8mm: return neon_i8mm_kernels;
    default: return generic_kernels;
  }
}

#if defined(__x86_64__)
struct CpuId {
  unsigned a = 0, b = 0, c = 0, d = 0;
  CpuId(unsigned leaf, unsigned subleaf) { __get_cpuid_count(leaf, subleaf, &a, &b, &c, &d); }
};

constexpr bool all(unsigned word, std::initializer_list<int> bits) {
  for (int bit : bits) {
    if (!(word >> bit & 1)) return false;
  }
  return true;
}

// The register states that the operating system saves: what the processor can do is of no use
// without.
unsigned enabled_state() {
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// Linux gives the tile registers to processes that ask. It refuses where a signal's stack is too
// small for them.
bool tiles_permitted() {
#if defined(__linux__)
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
#else
  return false;
#endif
}

bool runs(Isa isa) {
  const CpuId basic(1, 0), extended(7, 0), extended1(7, 1);
  constexpr int kOsxsave = 27, kFma = 12, kF16c = 29;
  if (!all(basic.c, {kOsxsave, kFma, kF16c})) return false;
  const unsigned state = enabled_state();
  constexpr unsigned kYmm = 0x06, kZmm = 0xe6;  // XMM and YMM; and masks, both parts of ZMM
  constexpr unsigned kTiles = 0x60000;          // their shapes and contents
  const bool avx2 = (state & kYmm) == kYmm && all(extended.b, {5 /*AVX2*/, 8 /*BMI2*/});
  switch (isa) {
    case Isa::avx2: return avx2;
    case Isa::avxvnni: return avx2 && all(extended1.a, {4});
    case Isa::avx512:
      return avx2 && (state & kZmm) == kZmm &&
             all(extended.b, {16 /*F*/, 17 /*DQ*/, 30 /*BW*/, 31 /*VL*/}) &&
             all(extended.c, {11 /*VNNI*/});
    case Isa::avx512bf16:
      return runs(Isa::avx512) && all(extended.c, {1 /*VBMI*/}) && all(extended1.a, {5});
    case Isa::amx:
      return runs(Isa::avx512bf16) && (state & kTiles) == kTiles &&
             all(extended.d, {22 /*BF16*/, 24 /*TILE*/, 25 /*INT8*/}) && tiles_permitted();
    default: return false;
  }
}
#elif defined(__aarch64__) && defined(__linux__)
bool runs(Isa isa) {
  constexpr unsigned long kDotprod = 1ul << 20, kI8mm = 1ul << 13;  // HWCAP_ASIMDDP, HWCAP2_I8MM
  if (isa == Isa::neon_i8mm) return runs(Isa::neon) && (getauxval(AT_HWCAP2) & kI8mm);
  return isa == Isa::neon && (getauxval(AT_HWCAP) & kDotprod);
}
#elif defined(__aarch64__) && defined(__APPLE__)
bool runs(Isa isa) {
  if (isa == Isa::neon_i8mm) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname("hw.optional.arm.FEAT_I8MM", &value, &size, nullptr, 0) == 0 && value;
  }
  return isa == Isa::neon;  // every Apple silicon Mac has dotprod
}
#else
bool runs(Isa) { return false; }
#endif

std::atomic<const Kernels*> active{nullptr};

const Kernels* first_choice() {
  const char* forced = std::getenv("BITMETAL_CPU_ISA");
  return built(forced && *forced ? isa_named(forced, "BITMETAL_CPU_ISA") : supported_isas().back());
}

}  // namespace

std::string_view name_of(Isa isa) { return kNames[static_cast<int>(isa)].name; }

const std::vector<Isa>& supported_isas() {
  static const std::vector<Isa> list = [] {
    std::vector<Isa> found;
    for (const Entry& entry : kNames) {
      if (built(entry.isa) && (entry.isa == Isa::generic || runs(entry.isa))) {
        found.push_back(entry.isa);
      }
    }
    return found;
  }();
  return list;
}

Isa isa_named(std::string_view name, const char* asked_by) {
  std::string known;
  for (Isa isa : supported_isas()) {
    if (name_of(isa) == name) return isa;
    known.append(known.empty() ? "'" : ", '").append(name_of(isa)).append("'");
  }
  fail<ValueError>(asked_by, ": '", name, "' is not supported here, expected one of ", known);
}

Isa active_isa() { return kernels().isa; }

void set_active_isa(Isa isa) {
  active.store(built(isa_named(name_of(isa))), std::memory_order_relaxed);
}

const Kernels& kernels() {
  const Kernels* chosen = active.load(std::memory_order_relaxed);
  if (!chosen) active.store(chosen = first_choice(), std::memory_order_relaxed);
  return *chosen;
}

}  // namespace bitmetal::cpu
