#include "bitmetal/blockwise.h"

#include "bindings/bindings.h"

namespace bitmetal::python {
namespace {

nb::tuple shape_of(const BlockwiseArray& q) {
  nb::list sizes;
  for (int64_t d : q.shape) sizes.append(d);
  return nb::tuple(sizes);
}

std::optional<int64_t> parse_block_size(const char* op, nb::handle block_size) {
  if (block_size.is_none()) return {};
  return parse_dims(op, "block_size", block_size)[0];
}

BlockwiseArray quantize(nb::handle x, std::string_view format, nb::handle block_size,
                        bool double_quant, nb::handle code, int bits) {
  const char* op = "blockwise.quantize";
  const BlockFormat parsed = block_format_named(op, format);
  const Array in = to_array(op, "x", x, device_of({x}));
  BlockOptions options;
  options.block_size = parse_block_size(op, block_size);
  options.bits = bits;
  options.double_quant = double_quant;
  options.book = to_optional_array(op, "code", code, in.device());
  return without_gil(in.device(), in.bytes(),
                     [&] { return blockwise_quantize(in, parsed, options); });
}

BlockwiseArray from_parts(nb::handle codes, nb::handle absmax, nb::handle shape,
                          std::string_view format, nb::handle block_size, nb::handle dtype,
                          nb::handle code, nb::handle biases, int bits, float offset) {
  const char* op = "BlockwiseArray.from_parts";
  const BlockFormat parsed = block_format_named(op, format);
  Device& device = device_of({codes, absmax});
  const auto share = [&](const char* name, nb::handle object) {
    return to_device(to_shared_array(op, name, object), device);
  };
  const auto share_optional = [&](const char* name, nb::handle object) -> OptionalArray {
    if (object.is_none()) return {};
    return share(name, object);
  };
  const bool nested = nb::isinstance<BlockwiseArray>(absmax);
  std::shared_ptr<const BlockwiseArray> inner;
  if (nested) {
    inner = std::make_shared<BlockwiseArray>(*nb::inst_ptr<BlockwiseArray>(absmax));
  } else if (offset != 0) {
    fail<ValueError>(op, ": offset is ", offset, ", but absmax is not a BlockwiseArray");
  }
  const BlockwiseArray parts{parse_dims(op, "shape", shape),
                             parse_dtype(op, dtype, DType::f32),
                             parsed,
                             bits,
                             parse_block_size(op, block_size).value_or(own_block_size(parsed)),
                             share("codes", codes),
                             nested ? inner->codes : share("absmax", absmax),
                             share_optional("biases", biases),
                             share_optional("code", code),
                             inner,
                             offset};
  return without_gil(device, parts.bytes(), [&] { return blockwise_from_parts(parts); });
}

}  // namespace

void bind_blockwise(nb::module_& m) {
  nb::class_<BlockwiseArray>(m, "BlockwiseArray",
                             R"(A tensor of 2 to 8 bits an element, with a scale for each block.

Made by `blockwise.quantize`, or by `from_parts` over arrays that exist.
)")
      .def_static(
          "from_parts", &from_parts, "codes"_a.none(), "absmax"_a.none(), "shape"_a, "format"_a,
          nb::kw_only(), "block_size"_a = nb::none(), "dtype"_a = nb::none(), "code"_a = nb::none(),
          "biases"_a = nb::none(), "bits"_a = 4, "offset"_a = 0.0f,
          nb::sig("def from_parts(codes: ArrayLike, absmax: ArrayLike | BlockwiseArray, "
                  "shape: ShapeLike, format: str, *, block_size: int | None = None, "
                  "dtype: DTypeLike | None = None, code: ArrayLike | None = None, "
                  "biases: ArrayLike | None = None, bits: int = 4, offset: float = 0.0) "
                  "-> BlockwiseArray"),
          R"(A quantized tensor over existing memory: nothing is copied where the memory allows it.

Parameters
----------
codes : array-like
    uint8, of any shape: as many bytes as the format takes (``code_bytes``). MLX's uint32 words are
    passed as ``words.view(numpy.uint8)``.
absmax : array-like or BlockwiseArray
    One scale for each block, in order: float32 for nf4, fp4 and int8; uint8 for mxfp4 (E8M0) and nvfp4
    (E4M3); float32, float16 or bfloat16 for affine. Double quantization: an int8 BlockwiseArray of
    shape ``(blocks,)``, to whose elements `offset` is added.
shape : int or tuple of int
    Of the dense tensor.
format : {"nf4", "fp4", "int8", "mxfp4", "nvfp4", "affine"}
    What the codes mean.
block_size : int, optional
    Elements that share a scale: 64 if None (mxfp4 32, nvfp4 16).
dtype : dtype, optional
    Of the dense tensor: what `dequantize` gives. float32 if None.
code : array-like, optional
    For int8: the values of the 256 codes, ascending. The dynamic map if None.
biases : array-like, optional
    For affine: one for each block, of the type of `absmax`.
bits : int
    For affine: 2, 3, 4, 6 or 8.
offset : float
    See `absmax`.

Raises
------
TypeError, ValueError
    If a part has another type or size.
)")
      .def_prop_ro("shape", &shape_of, nb::sig("def shape(self) -> tuple[int, ...]"),
                   "Sizes of the dense tensor.")
      .def_prop_ro(
          "dtype", [](const BlockwiseArray& q) { return DTypeObject{q.dtype}; },
          "The type of the dense tensor.")
      .def_prop_ro(
          "format", [](const BlockwiseArray& q) { return std::string(name_of(q.format)); },
          "\"nf4\", \"fp4\", \"int8\", \"mxfp4\", \"nvfp4\" or \"affine\".")
      .def_ro("bits", &BlockwiseArray::bits, "Bits of a code.")
      .def_ro("block_size", &BlockwiseArray::block_size, "Elements that share a scale.")
      .def_ro("codes", &BlockwiseArray::codes, "The codes, uint8.")
      .def_prop_ro(
          "absmax",
          [](const BlockwiseArray& q) {
            if (q.format > BlockFormat::int8) {
              throw nb::attribute_error(
                  cat("absmax: ", name_of(q.format), " has scales instead").c_str());
            }
            return without_gil(q.device(), q.bytes(), [&] { return blockwise_absmax(q); });
          },
          nb::sig("def absmax(self) -> Array"),
          "float32 [blocks]: the largest magnitude of each block, whether stored so or quantized.")
      .def_ro("scales", &BlockwiseArray::scales,
              "One for each block, as stored: what `from_parts` takes as `absmax`; with double\n"
              "quantization the codes of `nested`.")
      .def_ro("biases", &BlockwiseArray::biases, "Of affine, one for each block; else None.")
      .def_ro("code", &BlockwiseArray::book,
              "float32: the values of the 16 or 256 codes; None for affine.")
      .def_prop_ro(
          "nested",
          [](const BlockwiseArray& q) -> std::optional<BlockwiseArray> {
            if (!q.nested) return {};
            return *q.nested;
          },
          "Double quantization: absmax - offset as int8; else None.")
      .def_ro("offset", &BlockwiseArray::offset, "The mean that `nested` lacks; else 0.")
      .def_prop_ro("nbytes", &BlockwiseArray::bytes,
                   "Bytes of codes and scales in memory, those of the code book not counted.")
      .def_prop_ro(
          "device", [](const BlockwiseArray& q) { return &q.device(); }, nb::rv_policy::reference,
          "The device that it lives on.")
      .def(
          "dequantize",
          [](const BlockwiseArray& q, nb::handle dtype) {
            const DType type = parse_dtype("dequantize", dtype, q.dtype);
            return without_gil(q.device(), q.bytes(),
                               [&] { return blockwise_dequantize(q, type); });
          },
          "dtype"_a = nb::none(),
          nb::sig("def dequantize(self, dtype: DTypeLike | None = None) -> Array"),
          "The dense tensor, computed in float32 and rounded once (to `self.dtype` if no type is "
          "given).")
      .def("__repr__", [](const BlockwiseArray& q) {
        return nb::str(cat("BlockwiseArray(shape=", q.shape, ", format='", name_of(q.format),
                           "', bits=", q.bits, ", block_size=", q.block_size,
                           q.nested ? ", double_quant=True" : "", ", dtype=", name_of(q.dtype),
                           ", device='", q.device().kind(), "')")
                           .c_str());
      });

  m.def("blockwise_quantize", &quantize, "x"_a.none(), "format"_a = "nf4",
        "block_size"_a = nb::none(), "double_quant"_a = false, "code"_a = nb::none(), nb::kw_only(),
        "bits"_a = 4,
        nb::sig("def blockwise_quantize(x: ArrayLike, format: str = 'nf4', "
                "block_size: int | None = None, double_quant: bool = False, "
                "code: ArrayLike | None = None, *, bits: int = 4) -> BlockwiseArray"),
        R"(Quantize a tensor in blocks that share a scale.

Parameters
----------
x : array-like
    Any shape, float32, float16 or bfloat16. Blocks run over its elements in row-major order.
format : {"nf4", "fp4", "int8", "mxfp4", "nvfp4", "affine"}
    4-bit NormalFloat or float and 8 bits by a code book, all three scaled by the block's largest
    magnitude; OCP's MXFP4; NVIDIA's NVFP4 without a scale of the tensor; MLX's affine groups.
block_size : int, optional
    Elements that share a scale. nf4, fp4: a power of two from 16 to 4096; int8: any; affine: 32, 64 or
    128; 64 if None. mxfp4: 32. nvfp4: 16. For mxfp4, nvfp4 and affine it divides the last axis.
double_quant : bool
    Quantize the scales of nf4, fp4 or int8 too, in blocks of 256 around their mean.
code : array-like, optional
    For int8: 256 numbers in ascending order. The dynamic map of bitsandbytes if None.
bits : int
    For affine: 2, 3, 4, 6 or 8.

Returns
-------
BlockwiseArray

Raises
------
ValueError
    Where a size does not fit the format, or `double_quant` meets NaN or infinity.

Notes
-----
nf4, fp4 and int8: the code of the entry nearest to x / absmax, the lower one of two that are equally
near. A block with NaN or infinity dequantizes to NaN as a whole. mxfp4: the scale is
2**(floor(log2(absmax)) - 2), and elements are rounded to nearest, ties to even. nvfp4: the scale is
absmax / 6 rounded to E4M3. Codes and scales are the same bits on every device.

References
----------
Dettmers et al., "QLoRA: Efficient Finetuning of Quantized LLMs", 2023. OCP Microscaling Formats (MX)
Specification v1.0, 2023.
)");
  m.def(
      "blockwise_matmul",
      [](nb::handle x, const BlockwiseArray& q, nb::handle bias, nb::handle out) {
        const char* op = "blockwise.matmul";
        const Array in = to_array(op, "x", x, q.device());
        const auto b = to_optional_array(op, "bias", bias, q.device());
        const auto target = to_output(op, out);
        return result(out, without_gil(in.device(), in.bytes() + q.bytes(),
                                       [&] { return blockwise_matmul(in, q, b, target); }));
      },
      "x"_a.none(), "q"_a, "bias"_a = nb::none(), "out"_a = nb::none(),
      nb::sig(
          "def blockwise_matmul(x: ArrayLike, q: BlockwiseArray, bias: ArrayLike | None = None, "
          "out: Array | None = None) -> Array"),
      R"(x @ dequantize(q).T + bias, without a dense copy of the weight; summed in float32.

Parameters
----------
x : array-like
    ``[..., in features]`` of float32, float16 or bfloat16.
q : BlockwiseArray
    ``(out features, in features)``, of any sizes: a block may reach over the end of a row.
bias : array-like, optional
    ``[out features]``.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    ``[..., out features]`` of the type of `x`.
)");
}

}  // namespace bitmetal::python
