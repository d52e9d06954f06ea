"""Ternary weights: operators, their gradients, and the layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

import bitmetal as bm
from bitmetal._tensors import DEVICES, empty, hand_over, to_array, to_tensor
from bitmetal.torch._common import array_or_none, parameter


def _ternary(
    codes: Tensor, scales: Tensor, shape: Sequence[int], group_size: int
) -> bm.ternary.TernaryMatrix:
    return bm.ternary.TernaryMatrix.from_panels(
        to_array(codes), to_array(scales), tuple(shape), group_size
    )


@torch.library.custom_op("bitmetal::bitlinear", mutates_args=(), device_types=DEVICES)
def _bitlinear(
    x: Tensor,
    codes: Tensor,
    scales: Tensor,
    bias: Tensor | None,
    shape: Sequence[int],
    group_size: int,
) -> Tensor:
    weight = _ternary(codes, scales, shape, group_size)
    out, target = empty((*x.shape[:-1], shape[0]), x)
    hand_over(bm.bitlinear(to_array(x), weight, array_or_none(bias), out=target))
    return out


@_bitlinear.register_fake
def _(x: Tensor, *rest: Any) -> Tensor:
    *_, shape, _group_size = rest
    return x.new_empty((*x.shape[:-1], shape[0]))


@torch.library.custom_op("bitmetal::ternary_dequantize", mutates_args=(), device_types=DEVICES)
def _ternary_dequantize(
    codes: Tensor, scales: Tensor, shape: Sequence[int], group_size: int, dtype: torch.dtype
) -> Tensor:
    weight = _ternary(codes, scales, shape, group_size)
    return to_tensor(weight.dequantize(str(dtype).removeprefix("torch.")))


@_ternary_dequantize.register_fake
def _(
    codes: Tensor, scales: Tensor, shape: Sequence[int], group_size: int, dtype: torch.dtype
) -> Tensor:
    return codes.new_empty(tuple(shape), dtype=dtype)


def _remember_packed(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, codes, scales, bias, *ctx.layout = inputs
    ctx.dtype, ctx.has_bias = x.dtype, bias is not None
    ctx.save_for_backward(codes, scales)


def _through_packed_weight(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
    of_x = of_bias = None
    if ctx.needs_input_grad[0]:
        of_x = gradient @ _ternary_dequantize(*ctx.saved_tensors, *ctx.layout, ctx.dtype)
    if ctx.has_bias and ctx.needs_input_grad[3]:
        of_bias = gradient.flatten(0, -2).sum(0)
    return of_x, None, None, of_bias, None, None


_bitlinear.register_autograd(_through_packed_weight, setup_context=_remember_packed)


@torch.library.custom_op("bitmetal::ternary_training", mutates_args=(), device_types=DEVICES)
def _ternary_training(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    out, target = empty((*x.shape[:-1], weight.shape[0]), x)
    packed = bm.ternary.quantize(to_array(weight))
    hand_over(bm.bitlinear(to_array(x), packed, array_or_none(bias), out=target))
    return out


@_ternary_training.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return x.new_empty((*x.shape[:-1], weight.shape[0]))


@torch.library.custom_op("bitmetal::ternary_fake_quantize", mutates_args=(), device_types=DEVICES)
def _ternary_fake_quantize(weight: Tensor) -> Tensor:
    dtype = str(weight.dtype).removeprefix("torch.")
    return to_tensor(bm.ternary.quantize(to_array(weight)).dequantize(dtype))


@_ternary_fake_quantize.register_fake
def _(weight: Tensor) -> Tensor:
    return torch.empty_like(weight, memory_format=torch.contiguous_format)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, bias = inputs
    ctx.save_for_backward(x, weight)
    ctx.has_bias = bias is not None


def _straight_through(
    ctx: Any, gradient: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Pass gradients through both roundings as if they were not there."""
    x, weight = ctx.saved_tensors
    of_x = of_weight = of_bias = None
    if ctx.needs_input_grad[0]:
        of_x = gradient @ _ternary_fake_quantize(weight)
    if ctx.needs_input_grad[1]:
        largest = x.abs().amax(-1, keepdim=True).clamp(min=1e-5)
        rounded = (x * (127 / largest)).round() * (largest / 127)
        of_weight = gradient.flatten(0, -2).T @ rounded.flatten(0, -2)
    if ctx.has_bias and ctx.needs_input_grad[2]:
        of_bias = gradient.flatten(0, -2).sum(0)
    return of_x, of_weight, of_bias


_ternary_training.register_autograd(_straight_through, setup_context=_remember)


def ternary_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """BitNet's linear layer with a float weight that is quantized on the way (W1.58A8).

    Parameters
    ----------
    x : Tensor
        ``[..., in features]`` of float32, float16 or bfloat16, on cpu or mps.
    weight : Tensor
        ``[out features, in features]``; absmean-quantized in this call.
    bias : Tensor, optional
        ``[out features]``.

    Returns
    -------
    Tensor
        ``[..., out features]``. Gradients pass the roundings unchanged (straight-through estimator:
        Bengio et al., 2013).
    """
    return _ternary_training(x, weight, bias)


class TernaryLinear(nn.Module):
    """A linear layer with ternary weights and int8 activations (BitNet b1.58).

    It has a float `weight` and trains, until `pack` replaces that by 2-bit codes for inference.
    Both forms give the same results, and both survive ``state_dict``.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the weight.
    bias : bool
        Add a bias.
    dtype : torch.dtype, optional
        Of the float weight and the bias.
    """

    codes: Tensor | None
    scales: Tensor | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        dtype: torch.dtype | None = None,
    ) -> None:
        weight = torch.empty(out_features, in_features, dtype=dtype)
        nn.init.kaiming_uniform_(weight, a=5**0.5)
        self._set_up(weight.shape, weight, torch.zeros(out_features, dtype=dtype) if bias else None)

    @classmethod
    def from_matrix(
        cls, matrix: bm.ternary.TernaryMatrix, bias: Tensor | None = None
    ) -> TernaryLinear:
        """Make a packed layer of a matrix and, if given, a bias."""
        layer = cls.__new__(cls)
        layer._set_up(matrix.shape, None, bias)
        layer._take(matrix)
        return layer

    @classmethod
    def from_linear(cls, linear: nn.Linear) -> TernaryLinear:
        """Make a layer that goes on with the weight and bias of `linear`, and shares them."""
        layer = cls.__new__(cls)
        layer._set_up(linear.weight.shape, linear.weight, linear.bias)
        return layer.train(linear.training)

    def _set_up(self, shape: Sequence[int], weight: Tensor | None, bias: Tensor | None) -> None:
        super().__init__()
        self.out_features, self.in_features = shape
        self.group_size = 0
        self.weight, self.bias = parameter(weight), parameter(bias)
        self.register_buffer("codes", None)
        self.register_buffer("scales", None)

    def pack(self) -> TernaryLinear:
        """Replace the float weight by its codes; the layer trains no longer. Gives itself."""
        if self.weight is not None:
            self._take(bm.ternary.quantize(to_array(self.weight)))
            self.weight = None
        return self

    def matrix(self) -> bm.ternary.TernaryMatrix:
        """Give the weight, quantized."""
        if self.codes is None or self.scales is None:
            assert self.weight is not None
            return bm.ternary.quantize(to_array(self.weight))
        return _ternary(
            self.codes, self.scales, (self.out_features, self.in_features), self.group_size
        )

    def _take(self, matrix: bm.ternary.TernaryMatrix) -> None:
        self.codes, self.scales = (to_tensor(a) for a in matrix.panels())
        self.group_size = matrix.group_size or 0

    def forward(self, x: Tensor) -> Tensor:
        """``[..., in features]`` to ``[..., out features]``."""
        bias = None if self.bias is None else self.bias.to(x.dtype)
        if self.codes is None or self.scales is None:
            assert self.weight is not None
            return _ternary_training(x, self.weight, bias)
        shape = [self.out_features, self.in_features]
        return _bitlinear(x, self.codes, self.scales, bias, shape, self.group_size)

    def get_extra_state(self) -> int:
        """Give what ``state_dict`` keeps beside the tensors: a packed weight's group size."""
        return self.group_size

    def set_extra_state(self, state: int) -> None:
        """Take it back."""
        self.group_size = state

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *arguments: Any
    ) -> None:
        if prefix + "codes" in state_dict and self.codes is None:
            self.pack()
        for name in ("codes", "scales"):  # their sizes are the saved ones
            if prefix + name in state_dict:
                setattr(self, name, torch.empty_like(state_dict[prefix + name]))
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def extra_repr(self) -> str:
        """Sizes, and whether the weight is packed."""
        form = "packed" if self.codes is not None else "trainable"
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}, {form}"
        )
