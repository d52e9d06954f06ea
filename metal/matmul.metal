#include "matmul.h"

// clang-format off
#define instantiate(name, type)                                  \
  template [[host_name("matmul_" name)]] [[kernel]]              \
  decltype(matmul<type>) matmul<type>;                           \
  template [[host_name("matmul_plain_" name)]] [[kernel]]        \
  decltype(matmul_plain_kernel<type>) matmul_plain_kernel<type>;

instantiate("f32", float)
instantiate("f16", half)
instantiate("bf16", bfloat)
