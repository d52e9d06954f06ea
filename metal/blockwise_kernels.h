// Every kernel of a format: blockwise_FORMAT.metal is one line.
#pragma once

#include "blockwise_dequantize.h"
#include "blockwise_products.h"

// clang-format off
#define instantiate(kernel_name, name, ...)       \
  template [[host_name(#kernel_name "_" name)]] [[kernel]] \
  decltype(kernel_name<__VA_ARGS__>) kernel_name<__VA_ARGS__>;

#define instantiate_type(name, type, format)                        \
  instantiate(blockwise_matvec, name "_b1", type, format, 1)    \
  instantiate(blockwise_matvec, name "_b2", type, format, 2)    \
  instantiate(blockwise_matvec, name "_b4", type, format, 4)    \
  instantiate(blockwise_matvec, name "_b8", type, format, 8)    \
  instantiate(blockwise_matmul, name, type, format)             \
  instantiate(blockwise_matmul_plain, name, type, format)       \
  instantiate(blockwise_dequantize, name, type, format)

#define instantiate_few(name, ...)                                             \
  template [[host_name("blockwise_matmul_" name)]] [[kernel]]                     \
  decltype(blockwise_matmul_weight_first<__VA_ARGS__>) blockwise_matmul_weight_first<__VA_ARGS__>;

#define instantiate_format(name, format)              \
  instantiate_few("few8_" name "_f16", half, format, Few8Shape)   \
  instantiate_few("few32_" name "_f16", half, format, Few32Shape) \
  instantiate_type(name "_f32", float, format)    \
  instantiate_type(name "_f16", half, format)     \
  instantiate_type(name "_bf16", bfloat, format)
