#include "blockwise_quantize.h"

// clang-format off
#define instantiate(kernel_name, name, ...)                 \
  template [[host_name(name)]] [[kernel]]                   \
  decltype(kernel_name<__VA_ARGS__>) kernel_name<__VA_ARGS__>;

#define instantiate_type(name, type)                                               \
  instantiate(blockwise_quantize, "blockwise_quantize_book4_" name, type, 4)       \
  instantiate(blockwise_quantize, "blockwise_quantize_book8_" name, type, 8)       \
  instantiate(blockwise_quantize_any, "blockwise_quantize_book8_any_" name, type)

instantiate_type("f32", float)
instantiate_type("f16", half)
instantiate_type("bf16", bfloat)
