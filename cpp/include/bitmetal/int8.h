// Plain int8 with a scale for each row, as "LLM.int8()" uses it.
#pragma once

#include "bitmetal/array.h"
#include "bitmetal/ops.h"

namespace bitmetal {

struct Int8Quantized {
  Array codes;     // i8, the shape of what was quantized
  Array absmax;    // f32 [rows]
  Array outliers;  // i64: the columns that hold an outlier, ascending
};

// absmax = max|x| of the row, code = round_half_even(x * (127 / absmax)) in float32. With a
// threshold above 0, elements of at least that magnitude are outliers: no absmax counts them, and
// all codes of their columns are 0. A row with NaN has an absmax of NaN; it, a row of zeros and one
// with infinity get the code 0 throughout. `x` is [..., columns] of f32, f16 or bf16.
Int8Quantized int8_quantize_rows(const Array& x, float threshold);

// a @ b^T of int8 [..., K] and [N, K] as int32: exact modulo 2^32.
Array int8_matmul(const Array& a, const Array& b, const OptionalArray& out = {});

// sums * (row_absmax * column_absmax) / 127^2 + bias for int32 sums [..., N].
Array int8_dequantize(const Array& sums, const Array& row_absmax, const Array& column_absmax,
                      const OptionalArray& bias, DType dtype);

}  // namespace bitmetal
