// The cpu device's ternary operations beside what the machine can do at most.
//
//   ternary_bench [instruction set ...]
//
// First the limits: how fast one thread and all of them read memory of several sizes, and how many
// 8-bit multiplications and additions they do in registers. Then every operation at the shapes of
// common models, best of many calls, as time and as a share of the limit that binds it: bandwidth
// where a weight is used once, the multiply rate where it is used often.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "bitmetal/ternary.h"
#include "core/backend.h"
#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/isa/isa.h"

namespace {

using namespace bitmetal;
using cpu::Isa;

// Seconds of the fastest call within about `budget` seconds.
template <class F>
double best_time(F call, double budget = 0.3) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](auto d) { return std::chrono::duration<double>(d).count(); };
  const auto begin = Clock::now();
  double best = 1e9;
  int calls = 0;
  do {
    const auto start = Clock::now();
    call();
    best = std::min(best, seconds(Clock::now() - start));
  } while (++calls < 3 || seconds(Clock::now() - begin) < budget);
  return best;
}

// Runs body on every thread at once.
template <class F>
void on_each_thread(F body) {
  parallel_for(thread_count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

#if defined(__x86_64__)
#define BITMETAL_TEN(instruction, operands)                                            \
  instruction operands                                                                 \
      "2\n" instruction operands "3\n" instruction operands "4\n" instruction operands \
      "5\n" instruction operands "6\n" instruction operands "7\n" instruction operands \
      "8\n" instruction operands "9\n" instruction operands "10\n" instruction operands "11\n"
#define BITMETAL_CLOBBERS \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11"
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
    case Isa::avx512:
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
  if (isa != Isa::neon) return 0;
  for (int64_t turn = 0; turn < turns; ++turn) {
    asm volatile(
        ".arch_extension dotprod\n"
        "sdot v2.4s, v0.16b, v1.16b\n sdot v3.4s, v0.16b, v1.16b\n"
        "sdot v4.4s, v0.16b, v1.16b\n sdot v5.4s, v0.16b, v1.16b\n"
        "sdot v6.4s, v0.16b, v1.16b\n sdot v7.4s, v0.16b, v1.16b\n"
        "sdot v16.4s, v0.16b, v1.16b\n sdot v17.4s, v0.16b, v1.16b\n"
        "sdot v18.4s, v0.16b, v1.16b\n sdot v19.4s, v0.16b, v1.16b\n" ::
            : "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19");
  }
  return 32.0 * 10 * static_cast<double>(turns);
}
#endif

Device& device() { return find_device("cpu"); }

// Bytes per second that the threads together read from blocks of memory of that size in all.
double read_rate(int64_t bytes) {
  const int threads = thread_count();
  const int64_t share = std::max<int64_t>(bytes / threads / 4096 * 4096, 4096);
  Array memory({share * threads}, DType::u8, device());
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
  Array from({kBytes}, DType::u8, device()), to({kBytes}, DType::u8, device());
  std::memset(from.data(), 1, kBytes);
  std::memset(to.data(), 1, kBytes);
  return kBytes / best_time([&] {
           on_each_thread([&](int64_t i) {
             std::memcpy(to.data() + i * share, from.data() + i * share, share);
           });
         });
}

double multiply_rate(Isa isa) {
  constexpr int64_t kTurns = 20000;
  double operations = 0;
  const double seconds = best_time([&] {
    on_each_thread([&](int64_t i) {
      const double done = multiply(isa, kTurns);
      if (i == 0) operations = done;
    });
  });
  return operations * thread_count() / seconds;
}

struct Shape {
  int64_t rows, columns;
};
constexpr Shape kShapes[] = {{2560, 6912}, {4096, 4096}, {4096, 14336}};

TernaryMatrix random_weight(Shape shape, int64_t group) {
  TernaryMatrix w = TernaryMatrix::make(
      shape.rows, shape.columns, group ? Granularity::group : Granularity::tensor, group, device());
  uint32_t state = 1;
  for (size_t i = 0; i < w.codes.bytes(); ++i) {
    state = state * 1664525 + 1013904223;
    w.codes.data_as<uint8_t>()[i] = state >> 24 & 0xaa;  // codes 0 and 2
  }
  device().backend().fill(w.scales, 0.5);
  return w;
}

Array ramp(const Dims& shape, DType dtype) {
  Array a(shape, DType::f32, device());
  for (int64_t i = 0; i < a.size(); ++i) a.data_as<float>()[i] = static_cast<float>(i % 251) - 125;
  Array out(shape, dtype, device());
  device().backend().copy(a, out);
  return out;
}

void report(const char* what, Shape shape, const char* detail, double seconds, double amount,
            const char* unit, double limit) {
  std::printf("  %-22s %5lldx%-5lld %-10s %9.1f us %8.1f %s", what,
              static_cast<long long>(shape.rows), static_cast<long long>(shape.columns), detail,
              seconds * 1e6, amount / seconds / 1e9, unit);
  if (limit > 0) std::printf("  %3.0f %% of the limit", 100 * amount / seconds / limit);
  std::printf("\n");
}

void bench_products(Isa isa, Shape shape, int64_t group) {
  Backend& b = device().backend();
  const TernaryMatrix w = random_weight(shape, group);
  const double bandwidth = read_rate(static_cast<int64_t>(w.codes.bytes()));
  const double multiplies = multiply_rate(isa);
  const std::string suffix = group ? cat(", group ", group) : "";
  for (int64_t batch : {1, 2, 4, 8, 12, 16, 32, 128}) {
    if (group && batch != 1 && batch != 8 && batch != 128) continue;
    const std::string detail = cat("batch ", batch);
    const Array x = ramp({batch, shape.columns}, DType::f32);
    Array y({batch, shape.rows}, DType::f32, device());
    const double operations =
        2.0 * static_cast<double>(batch) * static_cast<double>(shape.rows * shape.columns);
    const double int8 = best_time([&] { b.bitlinear(x, w, nullptr, nullptr, 1e-5f, y); });
    const double real = best_time([&] { b.ternary_matmul(x, w, y); });
    const auto bytes = static_cast<double>(w.codes.bytes());
    for (auto [name, seconds] : {std::pair{"bitlinear", int8}, {"matmul", real}}) {
      const std::string what = name + suffix;
      const bool exact = name[0] == 'b';
      if (batch == 1) {
        report(what.c_str(), shape, detail.c_str(), seconds, bytes, "GB/s ", bandwidth);
      } else {
        report(what.c_str(), shape, detail.c_str(), seconds, operations, "GOP/s",
               exact ? multiplies : 0);
      }
    }
  }
}

void bench_conversions(Shape shape, double copy) {
  Backend& b = device().backend();
  for (DType dtype : {DType::f32, DType::bf16}) {
    const Array dense = ramp({shape.rows, shape.columns}, dtype);
    const std::string name(name_of(dtype));
    const auto bytes = static_cast<double>(dense.bytes());
    for (Granularity g : {Granularity::tensor, Granularity::row}) {
      TernaryMatrix w = TernaryMatrix::make(shape.rows, shape.columns, g, shape.columns, device());
      const double seconds = best_time([&] { b.ternary_quantize(dense, w); });
      report(g == Granularity::tensor ? "quantize" : "quantize rows", shape, name.c_str(), seconds,
             bytes, "GB/s ", copy);
    }
    const TernaryMatrix w = random_weight(shape, 0);
    const double seconds = best_time([&] { b.ternary_dequantize(w, dense); });
    report("dequantize", shape, name.c_str(), seconds, bytes, "GB/s ", copy);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Isa> isas;
  for (int i = 1; i < argc; ++i) isas.push_back(cpu::isa_named(argv[i]));
  if (isas.empty()) isas = {cpu::supported_isas().back()};
  set_thread_count(0);
  std::vector<int> counts{1};
  if (thread_count() > 1) counts.push_back(thread_count());
  for (int threads : counts) {
    set_thread_count(threads);
    const double copy = copy_rate();
    std::printf("%d threads: copy %.1f GB/s, read", threads, copy / 1e9);
    for (int64_t kib : {16, 256, 1024, 4096, 16384, 262144}) {
      std::printf(" %.0f (%lld KiB)", read_rate(kib << 10) / 1e9, static_cast<long long>(kib));
    }
    std::printf(" GB/s\n");
    for (Isa isa : isas) {
      cpu::set_active_isa(isa);
      std::printf(" %s: %.0f GOP/s\n", std::string(cpu::name_of(isa)).c_str(),
                  multiply_rate(isa) / 1e9);
      for (Shape shape : kShapes) bench_products(isa, shape, 0);
      bench_products(isa, {4096, 4096}, 64);
      bench_conversions({4096, 4096}, copy);
    }
  }
}
