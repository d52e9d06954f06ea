#include "cpu/limits.h"

#include <cstring>

#include "bitmetal/array.h"
#include "core/thread_pool.h"
#include "cpu/isa/headers.h"
#include "cpu/isa/isa.h"

namespace bitmetal::cpu {
namespace {

// Runs body on every thread at once.
template <class F>
void on_each_thread(F body) {
  parallel_for(thread_count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

#if defined(__x86_64__)
#include "cpu/isa/tiles_amx.h"

#define BITMETAL_TEN(instruction, operands)                                            \
  instruction operands                                                                 \
      "2\n" instruction operands "3\n" instruction operands "4\n" instruction operands \
      "5\n" instruction operands "6\n" instruction operands "7\n" instruction operands \
      "8\n" instruction operands "9\n" instruction operands "10\n" instruction operands "11\n"
#define BITMETAL_CLOBBERS                                                                  \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm12"
// Twenty independent instructions a turn.
#define BITMETAL_REPEAT(turns, body)               \
  for (int64_t turn = 0; turn < (turns); ++turn) { \
    asm volatile(body body::: BITMETAL_CLOBBERS);  \
  }

void read_all(const std::byte* p, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 256) {
    asm volatile(
        "vmovdqa (%0), %%ymm0\n vmovdqa 32(%0), %%ymm1\n vmovdqa 64(%0), %%ymm2\n"
        "vmovdqa 96(%0), %%ymm3\n vmovdqa 128(%0), %%ymm4\n vmovdqa 160(%0), %%ymm5\n"
        "vmovdqa 192(%0), %%ymm6\n vmovdqa 224(%0), %%ymm7\n" ::"r"(p + i)
        : BITMETAL_CLOBBERS);
  }
}

// 8-bit multiplications and additions of `turns` turns.
double multiply(Isa isa, int64_t turns) {
  switch (isa) {
    case Isa::amx:
      shape_tiles({});
      for (int64_t turn = 0; turn < turns; ++turn) {
        add_signed_unsigned<0, 6, 7>();
        add_signed_unsigned<1, 6, 7>();
        add_signed_unsigned<2, 6, 7>();
        add_signed_unsigned<3, 6, 7>();
      }
      release_tiles();
      return 32768.0 * 4 * static_cast<double>(turns);
    case Isa::avx512:
    case Isa::avx512bf16:
      BITMETAL_REPEAT(turns, BITMETAL_TEN("vpdpbusd ", "%%zmm0, %%zmm1, %%zmm"));
      return 128.0 * 20 * static_cast<double>(turns);
    case Isa::avxvnni:
      BITMETAL_REPEAT(turns, BITMETAL_TEN("%{vex%} vpdpbusd ", "%%ymm0, %%ymm1, %%ymm"));
      return 64.0 * 20 * static_cast<double>(turns);
    case Isa::avx2:  // each beside a 16-bit addition
      BITMETAL_REPEAT(turns, BITMETAL_TEN("vpmaddubsw %%ymm0, %%ymm1, %%ymm12\nvpaddw ",
                                          "%%ymm0, %%ymm12, %%ymm"));
      return 64.0 * 20 * static_cast<double>(turns);
    default: return 0;
  }
}
#else
void read_all(const std::byte* p, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) {
    asm volatile("ldp q0, q1, [%0]\n ldp q2, q3, [%0, #32]\n" ::"r"(p + i)
                 : "v0", "v1", "v2", "v3");
  }
}

double multiply(Isa isa, int64_t turns) {
  if (isa == Isa::neon_i8mm) {
    // smmla vD.4s, v0.16b, v1.16b as numbers, 0x4e81a400 + D.
    for (int64_t turn = 0; turn < turns; ++turn) {
      asm volatile(
          ".inst 0x4e81a402, 0x4e81a403, 0x4e81a404, 0x4e81a405, 0x4e81a406, 0x4e81a407\n"
          ".inst 0x4e81a410, 0x4e81a411, 0x4e81a412, 0x4e81a413\n" ::
              : "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19");
    }
    return 64.0 * 10 * static_cast<double>(turns);
  }
  if (isa != Isa::neon) return 0;
  for (int64_t turn = 0; turn < turns; ++turn) {
    // sdot vD.4s, v0.16b, v1.16b as numbers, 0x4e819400 + D: the assembler knows it only for files
    // that are compiled for dotprod.
    asm volatile(
        ".inst 0x4e819402, 0x4e819403, 0x4e819404, 0x4e819405, 0x4e819406, 0x4e819407\n"
        ".inst 0x4e819410, 0x4e819411, 0x4e819412, 0x4e819413\n" ::
            : "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19");
  }
  return 32.0 * 10 * static_cast<double>(turns);
}
#endif

}  // namespace

double read_rate(int64_t bytes) {
  const int threads = thread_count();
  const int64_t share = std::max<int64_t>(bytes / threads / 4096 * 4096, 4096);
  Array memory({share * threads}, DType::u8, find_device("cpu"));
  std::memset(memory.data(), 1, memory.bytes());
  const int64_t turns = std::max<int64_t>(1, (1 << 20) / share);
  const double seconds = best_time([&] {
    on_each_thread([&](int64_t i) {
      for (int64_t t = 0; t < turns; ++t) read_all(memory.data() + i * share, share);
    });
  });
  return static_cast<double>(share * threads * turns) / seconds;
}

double copy_rate() {
  constexpr int64_t kBytes = 256 << 20;
  const int64_t share = kBytes / thread_count();
  Device& device = find_device("cpu");
  Array from({kBytes}, DType::u8, device), to({kBytes}, DType::u8, device);
  std::memset(from.data(), 1, kBytes);
  std::memset(to.data(), 1, kBytes);
  return 2.0 * kBytes / best_time([&] {
           on_each_thread([&](int64_t i) {
             std::memcpy(to.data() + i * share, from.data() + i * share, share);
           });
         });
}

double multiply_rate() {
  const Isa isa = active_isa();
  constexpr int64_t kTurns = 400000;  // milliseconds: a thread takes up to 100 us to wake
  double operations = 0;
  const double seconds = best_time([&] {
    on_each_thread([&](int64_t i) {
      const double done = multiply(isa, kTurns);
      if (i == 0) operations = done;
    });
  });
  return operations * thread_count() / seconds;
}

}  // namespace bitmetal::cpu
