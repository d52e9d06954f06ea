#include "ternary_matrices.h"

// clang-format off
#define instantiate(name, type, ...)                                          \
  template [[host_name("ternary_matrices_" name)]] [[kernel]]                 \
  decltype(ternary_matrices<type, __VA_ARGS__>) ternary_matrices<type, __VA_ARGS__>;

#define instantiate_type(name, type)       \
  instantiate(name "_b8", type, 1, 1, 2)   \
  instantiate(name "_b16", type, 1, 2, 2)  \
  instantiate(name "_b32", type, 1, 4, 1)  \
  instantiate("tall_" name "_b8", type, 4, 1, 1)

instantiate_type("f16", half)
instantiate_type("bf16", bfloat)
instantiate("tall_f32_b2", float, 4, 1, 1)
