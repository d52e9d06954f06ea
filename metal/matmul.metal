#include "matmul.h"

// clang-format off
#define instantiate(kernel_name, name, ...)                \
  template [[host_name(#kernel_name name)]] [[kernel]]     \
  decltype(kernel_name<__VA_ARGS__>) kernel_name<__VA_ARGS__>;

#define instantiate_type(name, type)                       \
  instantiate(matmul, "_" name, type, StandardShape)       \
  instantiate(matmul, "_large_" name, type, LargeShape)    \
  instantiate(matmul_plain, "_" name, type, 1)             \
  instantiate(matmul_plain, "_large_" name, type, 2)

instantiate_type("f32", float)
instantiate_type("f16", half)
instantiate_type("bf16", bfloat)
