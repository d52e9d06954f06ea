
#include "bindings/bindings.h"

namespace bitmetal::python {
void bind_ops(nb::module_& m) {
  m.def(
      "matmul",
      [](nb::handle a, nb::handle b, nb::handle out) {
        Device& device = device_of({a, b});
        const Array left = to_array("matmul", "a", a, device);
        const Array right = to_array("matmul", "b", b, device);
        const auto target = to_output("matmul", out);
        return result(out, without_gil(left.device(), left.bytes() + right.bytes(),
                                       [&] { return matmul(left, right, target); }));
      },
      "a"_a.none(), "b"_a.none(), nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def matmul(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array"),
      R"(Matrix product, as `numpy.matmul`.

Parameters
----------
a : array-like
    ``[..., m, k]`` or ``[k]``, of a floating-point type.
b : array-like
    ``[..., k, n]`` or ``[k]``. Leading dimensions broadcast.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    ``[..., m, n]``; a vector's dimension is dropped. Of the common type: float16 with bfloat16 gives
    float32.

Raises
------
TypeError
    If an operand is not of a floating-point type.
ValueError
    If the shapes do not fit.

Notes
-----
float16 and bfloat16 are accumulated in float32 and rounded once.
)");
  m.def(
      "softmax",
      [](nb::handle a, int axis, nb::handle out) {
        const Array in = to_array("softmax", "a", a, device_of({a}));
        const auto target = to_output("softmax", out);
        return result(
            out, without_gil(in.device(), in.bytes(), [&] { return softmax(in, axis, target); }));
      },
      "a"_a.none(), "axis"_a = -1, nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def softmax(a: ArrayLike, axis: int = -1, *, out: Array | None = None) -> Array"),
      R"(Softmax: exp(a - max(a)) / sum(exp(a - max(a))) along an axis.

Parameters
----------
a : array-like
    At least 1 dimension, of a floating-point type.
axis : int
    The axis that sums to 1.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    Of the shape and type of `a`.
)");
  m.def(
      "rms_norm",
      [](nb::handle a, nb::handle weight, float eps, nb::handle out) {
        const Array in = to_array("rms_norm", "a", a, device_of({a, weight}));
        const auto factors = to_optional_array("rms_norm", "weight", weight, in.device());
        const auto target = to_output("rms_norm", out);
        return result(out, without_gil(in.device(), in.bytes(),
                                       [&] { return rms_norm(in, factors, eps, target); }));
      },
      "a"_a.none(), "weight"_a = nb::none(), "eps"_a = 1e-5f, nb::kw_only(), "out"_a = nb::none(),
      nb::sig("def rms_norm(a: ArrayLike, weight: ArrayLike | None = None, eps: float = 1e-5, *, "
              "out: Array | None = None) -> Array"),
      R"(Root-mean-square normalization over the last axis: a / sqrt(mean(a^2) + eps) * weight.

Parameters
----------
a : array-like
    ``[..., n]``, of a floating-point type.
weight : array-like, optional
    ``[n]``.
eps : float
    Added to the mean square.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    Of the shape and type of `a`.

References
----------
Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
)");
  m.def(
      "layer_norm",
      [](nb::handle a, nb::handle weight, nb::handle bias, double eps, nb::handle out) {
        const Array in = to_array("layer_norm", "a", a, device_of({a, weight, bias}));
        const auto factors = to_optional_array("layer_norm", "weight", weight, in.device());
        const auto terms = to_optional_array("layer_norm", "bias", bias, in.device());
        const auto target = to_output("layer_norm", out);
        return result(out, without_gil(in.device(), in.bytes(), [&] {
                        return layer_norm(in, factors, terms, eps, target);
                      }));
      },
      "a"_a.none(), "weight"_a = nb::none(), "bias"_a = nb::none(), "eps"_a = 1e-5, nb::kw_only(),
      "out"_a = nb::none(),
      nb::sig("def layer_norm(a: ArrayLike, weight: ArrayLike | None = None, "
              "bias: ArrayLike | None = None, eps: float = 1e-5, *, out: Array | None = None) "
              "-> Array"),
      R"(Layer normalization over the last axis: (a - mean(a)) / sqrt(var(a) + eps) * weight + bias.

Parameters
----------
a : array-like
    ``[..., n]``, of a floating-point type.
weight, bias : array-like, optional
    ``[n]``.
eps : float
    Added to the variance.
out : Array, optional
    Where to write the result: its shape and type must fit.

Returns
-------
Array
    Of the shape and type of `a`.

References
----------
Ba, Kiros and Hinton, "Layer Normalization", 2016.
)");
  m.def(
      "permute",
      [](nb::handle a, nb::handle axes) {
        return permute(to_array("permute", "a", a, device_of({a})),
                       parse_dims("permute", "axes", axes));
      },
      "a"_a.none(), "axes"_a, nb::sig("def permute(a: ArrayLike, axes: Sequence[int]) -> Array"),
      R"(A view with the axes in another order, as `numpy.transpose`.

Parameters
----------
a : array-like
    Any shape.
axes : sequence of int
    Each axis once.

Returns
-------
Array
)");
  m.def(
      "transpose",
      [](nb::handle a, nb::handle axes) {
        const Array array = to_array("transpose", "a", a, device_of({a}));
        return axes.is_none() ? transpose(array)
                              : transpose(array, parse_dims("transpose", "axes", axes));
      },
      "a"_a.none(), "axes"_a = nb::none(),
      nb::sig("def transpose(a: ArrayLike, axes: Sequence[int] | None = None) -> Array"),
      R"(A view with the axes reversed, or in the order given.

Parameters
----------
a : array-like
    Any shape.
axes : sequence of int, optional
    Each axis once.

Returns
-------
Array
)");
  m.def(
      "reshape",
      [](nb::handle a, nb::handle shape) {
        return reshape(to_array("reshape", "a", a, device_of({a})),
                       parse_dims("reshape", "shape", shape));
      },
      "a"_a.none(), "shape"_a, nb::sig("def reshape(a: ArrayLike, shape: ShapeLike) -> Array"),
      R"(The same elements with another shape; a view where strides allow it.

Parameters
----------
a : array-like
    Any shape.
shape : int or sequence of int
    The new sizes; one may be -1.

Returns
-------
Array
)");
}

}  // namespace bitmetal::python
