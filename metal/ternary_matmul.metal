#include "ternary_matmul.h"

// clang-format off
#define instantiate(kernel_name, name, type, grouped)              \
  template [[host_name(#kernel_name name)]] [[kernel]]             \
  decltype(kernel_name<type, grouped>) kernel_name<type, grouped>;

#define instantiate_type(name, type)                              \
  instantiate(ternary_matmul, "_" name, type, false)              \
  instantiate(ternary_matmul, "_grouped_" name, type, true)       \
  instantiate(ternary_matmul_plain, "_" name, type, false)        \
  instantiate(ternary_matmul_plain, "_grouped_" name, type, true)

#define instantiate_shape(shape, name, type)                                       \
  template [[host_name("ternary_matmul_" shape)]] [[kernel]]                       \
  decltype(ternary_matmul_weight_first<type, name>) ternary_matmul_weight_first<type, name>;

instantiate_type("f32", float)
instantiate_type("f16", half)
instantiate_type("bf16", bfloat)

instantiate_shape("large_f16", LargeShape, half)
