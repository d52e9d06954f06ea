#include "standard_library.h"

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
EMBED(softmetal_macros, "stdlib/macros.h")
EMBED(softmetal_base, "stdlib/base.h")
EMBED(softmetal_floats, "stdlib/floats.h")
EMBED(softmetal_vec, "stdlib/vec.h")
EMBED(softmetal_limits, "stdlib/limits.h")
EMBED(softmetal_math, "stdlib/math.h")
EMBED(softmetal_integer, "stdlib/integer.h")
EMBED(softmetal_checked, "stdlib/checked.h")
EMBED(softmetal_simd, "stdlib/simd.h")
EMBED(softmetal_matrix, "stdlib/matrix.h")
EMBED(softmetal_simdgroup_matrix, "stdlib/simdgroup_matrix.h")
EMBED(softmetal_atomic, "stdlib/atomic.h")
EMBED(softmetal_logging, "stdlib/logging.h")
EMBED(softmetal_launch, "stdlib/launch.h")
#undef EMBED

namespace softmetal::msl {

const std::string& standard_library() {
  struct Part {
    const char* name;
    const char* begin;
    const char* end;
  };
#define PART(name)                                          \
  {                                                         \
    #name, softmetal_##name##_begin, softmetal_##name##_end \
  }
  static const std::string text = [] {
    // In the order in which they build on each other.
    const Part parts[] = {PART(abi),     PART(base),   PART(floats),           PART(vec),
                          PART(limits),  PART(math),   PART(integer),          PART(simd),
                          PART(checked), PART(matrix), PART(simdgroup_matrix), PART(atomic),
                          PART(logging), PART(launch)};
    std::string all;
    for (const Part& part : parts) {
      std::string body(part.begin, part.end);
      const std::string once = "#pragma once";
      if (const size_t at = body.find(once); at != std::string::npos)
        body.replace(at, once.size(), "");
      all += "# 1 \"metal_" + std::string(part.name) + "\"\n" + body;
    }
    return all;
  }();
#undef PART
  return text;
}

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
