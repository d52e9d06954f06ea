#include "bitmetal/int8.h"

#include "bindings/bindings.h"

namespace bitmetal::python {

void bind_int8(nb::module_& m) {
  m.def(
      "int8_quantize_rows",
      [](nb::handle x, float threshold) {
        const Array in = to_array("blockwise.int8_quantize_rows", "x", x, device_of({x}));
        const Int8Quantized q =
            without_gil(in.device(), in.bytes(), [&] { return int8_quantize_rows(in, threshold); });
        return nb::make_tuple(q.codes, q.absmax, q.outliers);
      },
      "x"_a.none(), "threshold"_a = 0.0f,
      nb::sig("def int8_quantize_rows(x: ArrayLike, threshold: float = 0.0) "
              "-> tuple[Array, Array, Array]"),
      R"(Quantize each row to int8 by its largest magnitude.

absmax = max(abs(x)) of the row, code = round(x * (127 / absmax)), halves to even.

Parameters
----------
x : array-like
    ``[..., columns]`` of float32, float16 or bfloat16.
threshold : float
    If above 0, elements of at least this magnitude are outliers: they do not count for absmax, and
    all codes of their columns are 0.

Returns
-------
codes : Array
    int8, the shape of `x`.
absmax : Array
    float32 ``[rows]``.
outliers : Array
    int64, the columns with an outlier in ascending order.

Notes
-----
A row of zeros, or with NaN or infinity, gets the code 0 throughout (absmax 0, NaN, infinity).

References
----------
Dettmers et al., "LLM.int8(): 8-bit Matrix Multiplication for Transformers at Scale", 2022.
)");
  m.def(
      "int8_matmul",
      [](nb::handle a, nb::handle b, nb::handle out) {
        const char* op = "blockwise.int8_matmul";
        Device& device = device_of({a, b});
        const Array left = to_array(op, "a", a, device), right = to_array(op, "b", b, device);
        const auto target = to_output(op, out);
        return result(out, without_gil(device, left.bytes() + right.bytes(),
                                       [&] { return int8_matmul(left, right, target); }));
      },
      "a"_a.none(), "b"_a.none(), nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def int8_matmul(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array"),
      R"(a @ b.T of int8 in int32, exact.

Parameters
----------
a : array-like
    int8 ``[..., columns]``.
b : array-like
    int8 ``[rows, columns]``.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    int32 ``[..., rows]``. Sums that pass int32 (possible from 131072 columns on) are taken modulo 2**32.
)");
  m.def(
      "int8_dequantize",
      [](nb::handle sums, nb::handle row_absmax, nb::handle column_absmax, nb::handle bias,
         nb::handle dtype) {
        const char* op = "blockwise.int8_dequantize";
        const DType type = parse_dtype(op, dtype, DType::f32);
        Device& device = device_of({sums, row_absmax, column_absmax});
        const Array s = to_array(op, "sums", sums, device);
        const Array r = to_array(op, "row_absmax", row_absmax, device);
        const Array c = to_array(op, "column_absmax", column_absmax, device);
        const auto b = to_optional_array(op, "bias", bias, device);
        return without_gil(device, s.bytes(), [&] { return int8_dequantize(s, r, c, b, type); });
      },
      "sums"_a.none(), "row_absmax"_a.none(), "column_absmax"_a.none(), "bias"_a = nb::none(),
      "dtype"_a = nb::none(),
      nb::sig("def int8_dequantize(sums: ArrayLike, row_absmax: ArrayLike, "
              "column_absmax: ArrayLike, bias: ArrayLike | None = None, "
              "dtype: DTypeLike | None = None) -> Array"),
      R"(sums * (row_absmax * column_absmax) / 127**2 + bias: what an int8 product stands for.

Parameters
----------
sums : array-like
    int32 ``[..., columns]``, as `int8_matmul` gives it.
row_absmax, column_absmax : array-like
    float32, one for each row and for each column.
bias : array-like, optional
    ``[columns]``.
dtype : dtype, optional
    float32 if None.

Returns
-------
Array
    The shape of `sums`; computed in float32 and rounded once.
)");
}

}  // namespace bitmetal::python
