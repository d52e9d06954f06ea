#pragma once

#include "cpu/kernels/reduce_columns.inl"
#include "cpu/kernels/reduce_rows.inl"

// In the order of DType. A bool is 0 or 1 and reduces as the byte that it is.
template <class... T>
constexpr ReduceKernels reduce_kernels() {
  return {{{reduce_sum<T>, reduce_product<T>, reduce_best<T>, reduce_find<T>, reduce_sum_rows<T>,
            reduce_product_rows<T>, reduce_best_rows<T>, fold_columns<T>, best_columns<T>,
            find_columns<T>}...}};
}

constexpr ReduceKernels kReduceKernels =
    reduce_kernels<float, float16, bfloat16, double, int8_t, uint8_t, int32_t, int64_t, uint8_t>();
