#include "affine_quantize.h"

// clang-format off
#define instantiate(bits, name, type)                               \
  template [[host_name("affine_quantize_" #bits "_" name)]] [[kernel]] \
  decltype(affine_quantize<type, bits>) affine_quantize<type, bits>;

#define instantiate_bits(bits)        \
  instantiate(bits, "f32", float)     \
  instantiate(bits, "f16", half)      \
  instantiate(bits, "bf16", bfloat)

instantiate_bits(2)
instantiate_bits(3)
instantiate_bits(4)
instantiate_bits(6)
instantiate_bits(8)
