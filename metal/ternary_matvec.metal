#include "ternary_matvec.h"

// clang-format off
#define instantiate(name, type, batch)                                             \
  template [[host_name("ternary_matvec_" name "_b" #batch)]] [[kernel]]            \
  decltype(ternary_matvec<type, batch, false>) ternary_matvec<type, batch, false>; \
  template [[host_name("ternary_matvec_grouped_" name "_b" #batch)]] [[kernel]]    \
  decltype(ternary_matvec<type, batch, true>) ternary_matvec<type, batch, true>;

#define instantiate_type(name, type) \
  instantiate(name, type, 1)         \
  instantiate(name, type, 2)         \
  instantiate(name, type, 4)         \
  instantiate(name, type, 8)

instantiate_type("f32", float)
instantiate_type("f16", half)
instantiate_type("bf16", bfloat)
