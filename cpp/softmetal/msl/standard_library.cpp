#include "standard_library.h"

#include <initializer_list>

// SOFTMETAL_MSL_DIR is the folder of this file, known to the build alone.
#define EMBED(symbol, path)                                                                  \
  asm(".section .rodata\n"                                                                   \
      ".hidden " #symbol "_begin\n.globl " #symbol                                           \
      "_begin\n"                                                                             \
      ".hidden " #symbol "_end\n.globl " #symbol "_end\n" #symbol                            \
      "_begin:\n"                                                                            \
      ".incbin \"" SOFTMETAL_MSL_DIR "/" path "\"\n" #symbol "_end:\n.byte 0\n.previous\n"); \
  extern "C" const char symbol##_begin[], symbol##_end[];

EMBED(softmetal_abi, "../exec/abi.h")
EMBED(softmetal_cuda_abi, "../exec/cuda_abi.h")
EMBED(softmetal_macros, "stdlib/macros.h")
EMBED(softmetal_types, "stdlib/types.h")
EMBED(softmetal_small, "stdlib/small.h")
EMBED(softmetal_floats, "stdlib/floats.h")
EMBED(softmetal_vec, "stdlib/vec.h")
EMBED(softmetal_limits, "stdlib/limits.h")
EMBED(softmetal_math, "stdlib/math.h")
EMBED(softmetal_integer, "stdlib/integer.h")
EMBED(softmetal_simd_types, "stdlib/simd_types.h")
EMBED(softmetal_simd, "stdlib/simd.h")
EMBED(softmetal_matrix, "stdlib/matrix.h")
EMBED(softmetal_simdgroup_matrix, "stdlib/simdgroup_matrix.h")
EMBED(softmetal_simdgroup_product, "stdlib/simdgroup_product.h")
EMBED(softmetal_atomic_types, "stdlib/atomic_types.h")
EMBED(softmetal_logging, "stdlib/logging.h")
EMBED(softmetal_binding, "stdlib/binding.h")
EMBED(softmetal_host_threads, "stdlib/host/threads.h")
EMBED(softmetal_host_small, "stdlib/host/small.h")
EMBED(softmetal_host_meet, "stdlib/host/meet.h")
EMBED(softmetal_host_checked, "stdlib/host/checked.h")
EMBED(softmetal_host_simdgroup_matrix, "stdlib/host/simdgroup_matrix.h")
EMBED(softmetal_host_multiply, "stdlib/host/multiply.h")
EMBED(softmetal_host_atomic, "stdlib/host/atomic.h")
EMBED(softmetal_host_launch, "stdlib/host/launch.h")
EMBED(softmetal_cuda_builtins, "stdlib/cuda/builtins.h")
EMBED(softmetal_cuda_small, "stdlib/cuda/small.h")
EMBED(softmetal_cuda_constant, "stdlib/cuda/constant.h")
EMBED(softmetal_cuda_math, "stdlib/cuda/math.h")
EMBED(softmetal_cuda_meet, "stdlib/cuda/meet.h")
EMBED(softmetal_cuda_simdgroup_matrix, "stdlib/cuda/simdgroup_matrix.h")
EMBED(softmetal_cuda_multiply, "stdlib/cuda/multiply.h")
EMBED(softmetal_cuda_atomic, "stdlib/cuda/atomic.h")
EMBED(softmetal_cuda_launch, "stdlib/cuda/launch.h")
#undef EMBED

namespace softmetal::msl {

namespace {

struct Part {
  const char* name;
  const char* begin;
  const char* end;
};

std::string joined(std::initializer_list<Part> parts) {
  std::string all;
  for (const Part& part : parts) {
    std::string body(part.begin, part.end);
    const std::string once = "#pragma once";
    if (const size_t at = body.find(once); at != std::string::npos)
      body.replace(at, once.size(), "");
    all += "#line 1 \"metal_" + std::string(part.name) + "\"\n" + body;
  }
  return all;
}

}  // namespace

#define PART(name) {#name, softmetal_##name##_begin, softmetal_##name##_end}

// In the order in which they build on each other.

const std::string& standard_library() {
  static const std::string text = joined({PART(abi),
                                          PART(types),
                                          PART(host_threads),
                                          PART(small),
                                          PART(host_small),
                                          PART(floats),
                                          PART(vec),
                                          PART(limits),
                                          PART(math),
                                          PART(integer),
                                          PART(simd_types),
                                          PART(host_meet),
                                          PART(simd),
                                          PART(host_checked),
                                          PART(matrix),
                                          PART(simdgroup_matrix),
                                          PART(host_simdgroup_matrix),
                                          PART(host_multiply),
                                          PART(simdgroup_product),
                                          PART(atomic_types),
                                          PART(host_atomic),
                                          PART(logging),
                                          PART(binding),
                                          PART(host_launch)});
  return text;
}

const std::string& cuda_library() {
  static const std::string text = joined({PART(cuda_builtins),
                                          PART(abi),
                                          PART(cuda_abi),
                                          PART(types),
                                          PART(small),
                                          PART(cuda_small),
                                          PART(floats),
                                          PART(vec),
                                          PART(cuda_constant),
                                          PART(limits),
                                          PART(math),
                                          PART(integer),
                                          PART(cuda_math),
                                          PART(simd_types),
                                          PART(cuda_meet),
                                          PART(simd),
                                          PART(matrix),
                                          PART(simdgroup_matrix),
                                          PART(cuda_simdgroup_matrix),
                                          PART(cuda_multiply),
                                          PART(simdgroup_product),
                                          PART(atomic_types),
                                          PART(cuda_atomic),
                                          PART(logging),
                                          PART(binding),
                                          PART(cuda_launch)});
  return text;
}
#undef PART

std::string_view standard_macros() {
  return {softmetal_macros_begin,
          static_cast<size_t>(softmetal_macros_end - softmetal_macros_begin)};
}

const std::vector<std::string_view>& standard_headers() {
  static const std::vector<std::string_view> names = {
      "metal_stdlib",           "metal_algorithm",   "metal_array",
      "metal_assert",           "metal_atomic",      "metal_common",
      "metal_compute",          "metal_config",      "metal_extended_vector",
      "metal_geometric",        "metal_integer",     "metal_limits",
      "metal_logging",          "metal_math",        "metal_matrix",
      "metal_numeric",          "metal_pack",        "metal_packed",
      "metal_quadgroup",        "metal_relational",  "metal_simdgroup",
      "metal_simdgroup_matrix", "metal_type_traits", "metal_types",
      "metal_uniform",          "metal_utility",     "simd/simd.h",
  };
  return names;
}

}  // namespace softmetal::msl
