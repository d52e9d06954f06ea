#include "bitlinear.h"

// clang-format off
#define instantiate_quantize(name, type)                        \
  template [[host_name("bitlinear_quantize_" name)]] [[kernel]] \
  decltype(bitlinear_quantize<type>) bitlinear_quantize<type>;

#define instantiate_matvec(name, type, batch)                                          \
  template [[host_name("bitlinear_matvec_" name "_b" #batch)]] [[kernel]]              \
  decltype(bitlinear_matvec<type, batch, false>) bitlinear_matvec<type, batch, false>; \
  template [[host_name("bitlinear_matvec_grouped_" name "_b" #batch)]] [[kernel]]      \
  decltype(bitlinear_matvec<type, batch, true>) bitlinear_matvec<type, batch, true>;

#define instantiate_matmul(kernel_name, name, type, grouped)       \
  template [[host_name(#kernel_name name)]] [[kernel]]             \
  decltype(kernel_name<type, grouped>) kernel_name<type, grouped>;

#define instantiate_type(name, type)                                       \
  instantiate_quantize(name, type)                                         \
  instantiate_matvec(name, type, 1)                                        \
  instantiate_matvec(name, type, 2)                                        \
  instantiate_matvec(name, type, 4)                                        \
  instantiate_matvec(name, type, 8)                                        \
  instantiate_matmul(bitlinear_matmul, "_" name, type, false)              \
  instantiate_matmul(bitlinear_matmul, "_grouped_" name, type, true)       \
  instantiate_matmul(bitlinear_matmul_plain, "_" name, type, false)        \
  instantiate_matmul(bitlinear_matmul_plain, "_grouped_" name, type, true)

instantiate_type("f32", float)
instantiate_type("f16", half)
instantiate_type("bf16", bfloat)
