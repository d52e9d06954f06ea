// The cpu device's ternary operations beside what the machine can do at most.
//
//   ternary_bench [instruction set ...]
//
// First the limits: how fast one thread and all of them read memory of several sizes, and how many
// 8-bit multiplications and additions they do in registers. Then every operation at the shapes of
// common models, best of many calls, as time and as a share of the limit that binds it: bandwidth
// where a weight is used once, the multiply rate where it is used often.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "bitmetal/ternary.h"
#include "core/backend.h"
#include "core/half.h"
#include "core/thread_pool.h"
#include "cpu/isa/isa.h"
#include "cpu/limits.h"

namespace {

using namespace bitmetal;
using cpu::best_time;
using cpu::Isa;

Device& device() { return find_device("cpu"); }

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

void bench_products(Shape shape, int64_t group) {
  Backend& b = device().backend();
  const TernaryMatrix w = random_weight(shape, group);
  const double bandwidth = cpu::read_rate(static_cast<int64_t>(w.codes.bytes()));
  const double multiplies = cpu::multiply_rate();
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
    const double copy = cpu::copy_rate();
    std::printf("%d threads: copy %.1f GB/s (read and written), read", threads, copy / 1e9);
    for (int64_t kib : {16, 256, 1024, 4096, 16384, 262144}) {
      std::printf(" %.0f (%lld KiB)", cpu::read_rate(kib << 10) / 1e9, static_cast<long long>(kib));
    }
    std::printf(" GB/s\n");
    for (Isa isa : isas) {
      cpu::set_active_isa(isa);
      std::printf(" %s: %.0f GOP/s\n", std::string(cpu::name_of(isa)).c_str(),
                  cpu::multiply_rate() / 1e9);
      for (Shape shape : kShapes) bench_products(shape, 0);
      bench_products({4096, 4096}, 64);
      bench_conversions({4096, 4096}, copy);
    }
  }
}
