#include "bitmetal/ternary.h"

#include <string>

#include "bindings/bindings.h"
#include "core/backend.h"

namespace bitmetal::python {
namespace {

struct MatrixShape {
  int64_t rows, columns;
};

MatrixShape parse_shape(const char* op, nb::handle shape) {
  const Dims dims = parse_dims(op, "shape", shape);
  if (dims.size() != 2) fail<ValueError>(op, ": shape is ", dims, ", expected 2 dimensions");
  return {dims[0], dims[1]};
}

int64_t parse_group_size(nb::handle group_size) {
  return group_size.is_none() ? 0 : parse_dims("ternary", "group_size", group_size)[0];
}

TernaryMatrix quantize(nb::handle weight, nb::handle group_size, bool per_row) {
  const char* op = "ternary.quantize";
  const Array w = to_array(op, "weight", weight, device_of({weight}));
  if (per_row && !group_size.is_none()) {
    fail<ValueError>(op, ": per_row and group_size exclude each other");
  }
  const Granularity granularity = per_row                ? Granularity::row
                                  : group_size.is_none() ? Granularity::tensor
                                                         : Granularity::group;
  const int64_t group = parse_group_size(group_size);
  return without_gil(w.device(), w.bytes(),
                     [&] { return ternary_quantize(w, granularity, group); });
}

TernaryMatrix from_codes(nb::handle codes, nb::handle scale, nb::handle group_size) {
  const char* op = "ternary.from_codes";
  const Array t = to_array(op, "codes", codes, device_of({codes, scale}));
  const Array s = to_array(op, "scale", scale, t.device());
  const int64_t group = parse_group_size(group_size);
  return without_gil(t.device(), t.bytes(), [&] { return ternary_from_codes(t, s, group); });
}

TernaryMatrix from_hf(nb::handle packed, nb::handle scale, nb::handle shape, bool inverse_scale) {
  const char* op = "ternary.from_hf";
  const Array bytes = to_array(op, "packed", packed, device_of({packed, scale}));
  Array s = to_array(op, "scale", scale, bytes.device());
  if (inverse_scale && s.size() == 1) {
    const Array one = on_host(astype(s, DType::f32));
    one.device().backend().host_reads(one);
    if (*one.data_as<float>() == 0) fail<ValueError>(op, ": scale is 0 and inverse_scale is set");
    *one.data_as<float>() = 1 / *one.data_as<float>();
    s = to_device(one, s.device());
  }
  const MatrixShape dims = parse_shape(op, shape);
  return without_gil(bytes.device(), bytes.bytes(),
                     [&] { return ternary_from_hf(bytes, s, dims.rows, dims.columns); });
}

TernaryMatrix from_gguf(nb::handle raw, std::string_view format, nb::handle shape) {
  const char* op = "ternary.from_gguf";
  const Array bytes = to_array(op, "raw", raw, device_of({raw}));
  const MatrixShape dims = parse_shape(op, shape);
  return without_gil(bytes.device(), bytes.bytes(),
                     [&] { return ternary_from_gguf(bytes, format, dims.rows, dims.columns); });
}

TernaryMatrix from_panels(nb::handle codes, nb::handle scales, nb::handle shape,
                          int64_t group_size) {
  const char* op = "TernaryMatrix.from_panels";
  Device& device = device_of({codes, scales});
  const Array c = to_device(to_shared_array(op, "codes", codes), device);
  const Array s = to_device(to_shared_array(op, "scales", scales), device);
  const MatrixShape dims = parse_shape(op, shape);
  return ternary_from_panels(c, s, dims.rows, dims.columns, group_size);
}

double bits_of(const TernaryMatrix& w) { return w.packing == Packing::trits ? 1.6 : 2; }

Packing parse_bits(double bits) {
  if (bits == 2) return Packing::two_bits;
  if (bits == 1.6) return Packing::trits;
  fail<ValueError>("repack: bits is ", bits, ", expected 2 or 1.6");
}

}  // namespace

void bind_ternary(nb::module_& m) {
  nb::class_<TernaryMatrix>(
      m, "TernaryMatrix",
      R"(A weight W ~ scale * T with T in {-1, 0, +1}, 2 or 1.6 bits an element.

Made by `ternary.quantize`, `ternary.from_codes`, `ternary.from_hf` and `ternary.from_gguf`. The layout in
memory is the library's own; `codes`, `to_hf` and `to_gguf` give the elements.
)")
      .def_prop_ro(
          "shape", [](const TernaryMatrix& w) { return nb::make_tuple(w.rows, w.columns); },
          nb::sig("def shape(self) -> tuple[int, int]"), "(out features, in features).")
      .def_prop_ro("scale", &ternary_scale,
                   "float32: shape (), (rows,) or (rows, groups), as the weight was quantized.")
      .def_prop_ro(
          "group_size",
          [](const TernaryMatrix& w) -> nb::object {
            return w.granularity == Granularity::group ? nb::cast(w.group_size) : nb::none();
          },
          nb::sig("def group_size(self) -> int | None"),
          "Columns that share a scale, or None where a row or the tensor does.")
      .def_prop_ro("nbytes", &TernaryMatrix::bytes, "Bytes of codes and scales in memory.")
      .def_prop_ro(
          "device", [](const TernaryMatrix& w) { return &w.device(); }, nb::rv_policy::reference,
          "The device that it lives on.")
      .def_static("from_panels", &from_panels, "codes"_a.none(), "scales"_a.none(), "shape"_a,
                  "group_size"_a = 0,
                  nb::sig("def from_panels(codes: ArrayLike, scales: ArrayLike, "
                          "shape: Sequence[int], group_size: int = 0) -> TernaryMatrix"),
                  R"(A matrix over what `panels` gave, without a copy where the memory allows it.

Parameters
----------
codes : array-like
    uint8 ``[panels, blocks, 64]``.
scales : array-like
    float32 ``[panels, groups, 16]``.
shape : (int, int)
    (out features, in features).
group_size : int
    Columns that share a scale, or 0 where a row does.
)")
      .def(
          "panels",
          [](const TernaryMatrix& w) {
            const TernaryMatrix two_bits = ternary_repack(w, Packing::two_bits);
            return nb::make_tuple(two_bits.codes, two_bits.scales);
          },
          nb::sig("def panels(self) -> tuple[Array, Array]"),
          "The memory in the library's own layout, for `from_panels`: 2-bit codes as uint8\n"
          "[panels, blocks, 64] and scales as float32 [panels, groups, 16]. The same on every "
          "device.")
      .def_prop_ro("bits", &bits_of, "Bits a weight takes in memory, 2 or 1.6; see `repack`.")
      .def(
          "repack",
          [](const TernaryMatrix& w, double bits) {
            const Packing packing = parse_bits(bits);
            return without_gil(w.device(), w.bytes(), [&] { return ternary_repack(w, packing); });
          },
          "bits"_a,
          R"(The same matrix in 2 or in 1.6 bits a weight.

With 1.6 bits, five weights a byte, products take fewer bytes from memory and more instructions: they are
faster where the weights are larger than the processor's cache, and slower where they fit. All results are
the same.

Parameters
----------
bits : {2, 1.6}
    What a weight takes in memory.

Returns
-------
TernaryMatrix
    Itself where it is packed so already.

Raises
------
CapabilityError
    For 1.6 on a device other than the cpu.
)")
      .def(
          "codes",
          [](const TernaryMatrix& w) {
            return without_gil(w.device(), w.bytes(), [&] { return ternary_codes(w); });
          },
          "T as int8, shape (rows, columns).")
      .def(
          "dequantize",
          [](const TernaryMatrix& w, nb::handle dtype) {
            const DType type = parse_dtype("dequantize", dtype, DType::f32);
            return without_gil(w.device(), w.bytes(), [&] { return ternary_dequantize(w, type); });
          },
          "dtype"_a = nb::none(),
          nb::sig("def dequantize(self, dtype: DTypeLike | None = None) -> Array"),
          "scale * T as a dense array (float32 if no type is given).")
      .def(
          "to_hf",
          [](const TernaryMatrix& w) {
            return without_gil(w.device(), w.bytes(), [&] { return ternary_to_hf(w); });
          },
          R"(The codes in the Hugging Face BitNet layout: uint8, shape (ceil(rows / 4), columns).

The scale is not part of it: see `scale`, which multiplies (`AutoBitLinear`; `BitLinear` divides by its
inverse). Raises ValueError unless the matrix has one scale.
)")
      .def(
          "to_gguf",
          [](const TernaryMatrix& w, std::string_view format) {
            return without_gil(w.device(), w.bytes(), [&] { return ternary_to_gguf(w, format); });
          },
          "format"_a,
          R"(The matrix as GGUF blocks: uint8, shape (rows, row bytes).

Parameters
----------
format : {"TQ1_0", "TQ2_0"}
    1.6875 or 2.0625 bits a weight. Each block of 256 columns carries its scale as float16.

Raises
------
ValueError
    If the columns are not a multiple of 256, the scales cover other groups, or one passes float16.
)")
      .def("__repr__", [](const TernaryMatrix& w) {
        return nb::str(cat("TernaryMatrix(shape=(", w.rows, ", ", w.columns, "), scales=",
                           w.granularity == Granularity::tensor ? "tensor"
                           : w.granularity == Granularity::row  ? "row"
                                                                : cat("group of ", w.group_size),
                           ", device='", w.device().kind(), "')")
                           .c_str());
      });

  m.def("ternary_quantize", &quantize, "weight"_a.none(), "group_size"_a = nb::none(),
        nb::kw_only(), "per_row"_a = false,
        nb::sig("def ternary_quantize(weight: ArrayLike, group_size: int | None = None, *, "
                "per_row: bool = False) -> TernaryMatrix"),
        R"(Quantize a weight to {-1, 0, +1} and a scale (BitNet b1.58, "absmean").

s = max(mean(abs(W)), 1e-5) and T = clamp(round(W / s), -1, 1), halves to even.

Parameters
----------
weight : array-like
    ``[out features, in features]`` of float32, float16 or bfloat16.
group_size : int, optional
    Columns that share a scale: a multiple of 16 from 32 to 256. One scale for the tensor if None.
per_row : bool
    One scale a row instead.

Returns
-------
TernaryMatrix

Raises
------
ValueError
    If the weight holds NaN or infinity.

References
----------
Ma et al., "The Era of 1-bit LLMs: All Large Language Models are in 1.58 Bits", 2024.
)");
  m.def("ternary_from_codes", &from_codes, "codes"_a.none(), "scale"_a.none(),
        "group_size"_a = nb::none(),
        nb::sig("def ternary_from_codes(codes: ArrayLike, scale: ArrayLike, "
                "group_size: int | None = None) -> TernaryMatrix"),
        R"(A ternary matrix from its elements.

Parameters
----------
codes : array-like
    int8 ``[rows, columns]`` of -1, 0 and 1.
scale : array-like
    One number, ``[rows]``, or ``[rows, ceil(columns / group_size)]``.
group_size : int, optional
    Columns that share a scale, where `scale` has two dimensions.

Returns
-------
TernaryMatrix
)");
  m.def("ternary_from_hf", &from_hf, "packed"_a.none(), "scale"_a.none(), "shape"_a, nb::kw_only(),
        "inverse_scale"_a = false,
        nb::sig("def ternary_from_hf(packed: ArrayLike, scale: ArrayLike, shape: Sequence[int], *, "
                "inverse_scale: bool = False) -> TernaryMatrix"),
        R"(Read the Hugging Face BitNet layout.

Parameters
----------
packed : array-like
    uint8 ``[ceil(rows / 4), columns]``: bits ``2 * (i // R)`` of byte row ``i % R`` hold row ``i``.
scale : array-like
    ``weight_scale`` of the checkpoint, one element.
shape : (int, int)
    (out features, in features); rows that the packing added are dropped.
inverse_scale : bool
    The scale divides instead of multiplying: transformers' `BitLinear` stores 1 / mean(abs(W)), while
    `AutoBitLinear` checkpoints ("offline", such as microsoft/bitnet-b1.58-2B-4T) store mean(abs(W)).

Returns
-------
TernaryMatrix
)");
  m.def("ternary_from_gguf", &from_gguf, "raw"_a.none(), "format"_a, "shape"_a,
        nb::sig("def ternary_from_gguf(raw: ArrayLike, format: str, shape: Sequence[int]) "
                "-> TernaryMatrix"),
        R"(Read GGUF's ternary blocks.

Parameters
----------
raw : array-like
    uint8, rows * columns / 256 blocks of any shape.
format : {"TQ1_0", "TQ2_0"}
    The blocks' type.
shape : (int, int)
    (rows, columns) of the matrix; columns are a multiple of 256.

Returns
-------
TernaryMatrix
    With one scale for each 256 columns.
)");
  m.def(
      "ternary_matmul",
      [](nb::handle x, const TernaryMatrix& w, nb::handle out) {
        const Array in = to_array("ternary.matmul", "x", x, w.device());
        const auto target = to_output("ternary.matmul", out);
        return result(out, without_gil(in.device(), in.bytes() + w.bytes(),
                                       [&] { return ternary_matmul(in, w, target); }));
      },
      "x"_a.none(), "w"_a, nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def ternary_matmul(x: ArrayLike, w: TernaryMatrix, *, out: Array | None = None) "
              "-> Array"),
      R"(x @ W.T with float activations (W1.58A16), accumulated in float32.

Parameters
----------
x : array-like
    ``[..., in features]`` of float32, float16 or bfloat16.
w : TernaryMatrix
    ``(out features, in features)``.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    ``[..., out features]`` of the type of `x`.
)");
  m.def(
      "bitlinear",
      [](nb::handle x, const TernaryMatrix& w, nb::handle bias, nb::handle norm_weight, float eps,
         nb::handle out) {
        const char* op = "bitlinear";
        const Array in = to_array(op, "x", x, w.device());
        const auto b = to_optional_array(op, "bias", bias, w.device());
        const auto norm = to_optional_array(op, "norm_weight", norm_weight, w.device());
        const auto target = to_output(op, out);
        return result(out, without_gil(in.device(), in.bytes() + w.bytes(),
                                       [&] { return bitlinear(in, w, b, norm, eps, target); }));
      },
      "x"_a.none(), "w"_a, "bias"_a = nb::none(), "norm_weight"_a = nb::none(), "eps"_a = 1e-5f,
      nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def bitlinear(x: ArrayLike, w: TernaryMatrix, bias: ArrayLike | None = None, "
              "norm_weight: ArrayLike | None = None, eps: float = 1e-5, *, "
              "out: Array | None = None) -> Array"),
      R"(BitNet's linear layer: int8 activations per token, exact integer product (W1.58A8).

With sx = 127 / max(max(abs(x)), 1e-5) and q = clamp(round(x * sx), -128, 127), halves to even,
y = (q @ T.T) * s / sx + bias.

Parameters
----------
x : array-like
    ``[..., in features]`` of float32, float16 or bfloat16; each row is a token.
w : TernaryMatrix
    ``(out features, in features)``.
bias : array-like, optional
    ``[out features]``.
norm_weight : array-like, optional
    ``[in features]``: x is first normalised as by `rms_norm` with this weight.
eps : float
    For the normalization.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    ``[..., out features]`` of the type of `x`. A token with NaN or infinity gives NaN.

Notes
-----
Quantized values and integer sums are the same on every device and instruction set, for any number of
columns.

References
----------
Wang et al., "BitNet: Scaling 1-bit Transformers for Large Language Models", 2023.
)");
}

}  // namespace bitmetal::python
