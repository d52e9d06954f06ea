#include "blockwise_quantize.h"

// clang-format off
#define instantiate(kernel_name, name, ...)   \
  template [[host_name(name)]] [[kernel]]     \
  decltype(kernel_name<__VA_ARGS__>) kernel_name<__VA_ARGS__>;

#define instantiate_format(name, encoder)                                              \
  instantiate(blockwise_quantize, "blockwise_quantize_" name "_f32", float, encoder)   \
  instantiate(blockwise_quantize, "blockwise_quantize_" name "_f16", half, encoder)    \
  instantiate(blockwise_quantize, "blockwise_quantize_" name "_bf16", bfloat, encoder)

instantiate_format("book4", BookEncoder4)
instantiate_format("book8", BookEncoder8)
instantiate_format("mxfp4", MicroscalingEncoder<PowerScale>)
instantiate_format("nvfp4", MicroscalingEncoder<MiniScale>)
instantiate(blockwise_quantize_any, "blockwise_quantize_any_f32", float)
instantiate(blockwise_quantize_any, "blockwise_quantize_any_f16", half)
instantiate(blockwise_quantize_any, "blockwise_quantize_any_bf16", bfloat)
