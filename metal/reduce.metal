#include "reduce_columns.h"

// clang-format off
#define instantiate(kernel_name, name, op, in, out)                              \
  template [[host_name(#kernel_name "_" name)]] [[kernel]]                       \
  decltype(kernel_name<op<in, out>, in, out>) kernel_name<op<in, out>, in, out>;

#define instantiate_reduce(name, op, in, out)      \
  instantiate(reduce_rows, name, op, in, out)      \
  instantiate(reduce_long_rows, name, op, in, out) \
  instantiate(reduce_columns, name, op, in, out)   \
  instantiate(reduce_partial, name, op, in, out)   \
  instantiate(reduce_partial_columns, name, op, in, out) \
  instantiate(reduce_finish_columns, name, op, in, out)  \
  instantiate(reduce_finish, name, op, in, out)

instantiate_reduce("sum_f32", Sum, float, float)
instantiate_reduce("sum_f16", Sum, half, half)
instantiate_reduce("sum_bf16", Sum, bfloat, bfloat)
instantiate_reduce("sum_i8", Sum, char, long)
instantiate_reduce("sum_u8", Sum, uchar, long)
instantiate_reduce("sum_i32", Sum, int, long)
instantiate_reduce("sum_i64", Sum, long, long)
instantiate_reduce("sum_bool", Sum, bool, long)

instantiate_reduce("prod_f32", Prod, float, float)
instantiate_reduce("prod_f16", Prod, half, half)
instantiate_reduce("prod_bf16", Prod, bfloat, bfloat)
instantiate_reduce("prod_i8", Prod, char, long)
instantiate_reduce("prod_u8", Prod, uchar, long)
instantiate_reduce("prod_i32", Prod, int, long)
instantiate_reduce("prod_i64", Prod, long, long)
instantiate_reduce("prod_bool", Prod, bool, long)

instantiate_reduce("mean_f32", Mean, float, float)
instantiate_reduce("mean_f16", Mean, half, half)
instantiate_reduce("mean_bf16", Mean, bfloat, bfloat)
instantiate_reduce("mean_i8", Mean, char, float)
instantiate_reduce("mean_u8", Mean, uchar, float)
instantiate_reduce("mean_i32", Mean, int, float)
instantiate_reduce("mean_i64", Mean, long, float)
instantiate_reduce("mean_bool", Mean, bool, float)

instantiate_reduce("max_f32", Max, float, float)
instantiate_reduce("max_f16", Max, half, half)
instantiate_reduce("max_bf16", Max, bfloat, bfloat)
instantiate_reduce("max_i8", Max, char, char)
instantiate_reduce("max_u8", Max, uchar, uchar)
instantiate_reduce("max_i32", Max, int, int)
instantiate_reduce("max_i64", Max, long, long)
instantiate_reduce("max_bool", Max, bool, bool)

instantiate_reduce("min_f32", Min, float, float)
instantiate_reduce("min_f16", Min, half, half)
instantiate_reduce("min_bf16", Min, bfloat, bfloat)
instantiate_reduce("min_i8", Min, char, char)
instantiate_reduce("min_u8", Min, uchar, uchar)
instantiate_reduce("min_i32", Min, int, int)
instantiate_reduce("min_i64", Min, long, long)
instantiate_reduce("min_bool", Min, bool, bool)

instantiate_reduce("argmax_f32", ArgMax, float, long)
instantiate_reduce("argmax_f16", ArgMax, half, long)
instantiate_reduce("argmax_bf16", ArgMax, bfloat, long)
instantiate_reduce("argmax_i8", ArgMax, char, long)
instantiate_reduce("argmax_u8", ArgMax, uchar, long)
instantiate_reduce("argmax_i32", ArgMax, int, long)
instantiate_reduce("argmax_i64", ArgMax, long, long)
instantiate_reduce("argmax_bool", ArgMax, bool, long)

instantiate_reduce("argmin_f32", ArgMin, float, long)
instantiate_reduce("argmin_f16", ArgMin, half, long)
instantiate_reduce("argmin_bf16", ArgMin, bfloat, long)
instantiate_reduce("argmin_i8", ArgMin, char, long)
instantiate_reduce("argmin_u8", ArgMin, uchar, long)
instantiate_reduce("argmin_i32", ArgMin, int, long)
instantiate_reduce("argmin_i64", ArgMin, long, long)
instantiate_reduce("argmin_bool", ArgMin, bool, long)

instantiate_reduce("var_f32", Var, float, float)
instantiate_reduce("var_f16", Var, half, half)
instantiate_reduce("var_bf16", Var, bfloat, bfloat)

instantiate_reduce("std_f32", Std, float, float)
instantiate_reduce("std_f16", Std, half, half)
instantiate_reduce("std_bf16", Std, bfloat, bfloat)

instantiate_reduce("norm1_f32", Norm1, float, float)
instantiate_reduce("norm1_f16", Norm1, half, half)
instantiate_reduce("norm1_bf16", Norm1, bfloat, bfloat)

instantiate_reduce("norm_inf_f32", NormInf, float, float)
instantiate_reduce("norm_inf_f16", NormInf, half, half)
instantiate_reduce("norm_inf_bf16", NormInf, bfloat, bfloat)

instantiate_reduce("norm_f32", Norm, float, float)
instantiate_reduce("norm_f16", Norm, half, half)
instantiate_reduce("norm_bf16", Norm, bfloat, bfloat)

instantiate_reduce("logsumexp_f32", LogSumExp, float, float)
instantiate_reduce("logsumexp_f16", LogSumExp, half, half)
instantiate_reduce("logsumexp_bf16", LogSumExp, bfloat, bfloat)
