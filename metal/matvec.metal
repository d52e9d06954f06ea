#include "matvec.h"

// clang-format off
#define instantiate(kernel_name, name, type, batch)                    \
  template [[host_name(#kernel_name "_" name "_b" #batch)]] [[kernel]] \
  decltype(kernel_name<type, batch>) kernel_name<type, batch>;

#define instantiate_type(name, type)         \
  instantiate(matvec, name, type, 1)         \
  instantiate(matvec, name, type, 2)         \
  instantiate(matvec, name, type, 4)         \
  instantiate(matvec, name, type, 8)         \
  instantiate(matvec_columns, name, type, 1) \
  instantiate(matvec_columns, name, type, 2) \
  instantiate(matvec_columns, name, type, 4) \
  instantiate(matvec_columns, name, type, 8)

instantiate_type("f32", float)
instantiate_type("f16", half)
instantiate_type("bf16", bfloat)
