"""Blockwise weights: operators, their gradients, and the layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import bitmetal as bm
from bitmetal._tensors import DEVICES, empty, hand_over, to_array, to_tensor
from bitmetal.blockwise import BlockwiseArray
from bitmetal.torch._common import array_or_none, parameter

# What a weight is made of: buffers of the layer, and arguments of the operators in this order.
_TENSORS = ("codes", "scales", "nested_scales", "biases", "code")
_NESTED_BLOCK = 256  # elements that share a scale in a quantized absmax


def _is_usual(nested: BlockwiseArray) -> bool:
    """Say whether an absmax is quantized as `bitmetal.blockwise.quantize` does it."""
    usual = bm.blockwise.quantize(bm.ones((1,), device="cpu"), "int8").code
    return nested.block_size == _NESTED_BLOCK and bool(
        np.array_equal(np.asarray(nested.code), np.asarray(usual))
    )


def _blockwise(
    codes: Tensor,
    scales: Tensor,
    nested_scales: Tensor | None,
    biases: Tensor | None,
    code: Tensor | None,
    shape: Sequence[int],
    format: str,
    block_size: int,
    bits: int,
    offset: float,
) -> BlockwiseArray:
    absmax: Any = to_array(scales)
    if nested_scales is not None:
        absmax = BlockwiseArray.from_parts(
            absmax, to_array(nested_scales), (scales.numel(),), "int8", block_size=_NESTED_BLOCK
        )
    return BlockwiseArray.from_parts(
        to_array(codes),
        absmax,
        tuple(shape),
        format,
        block_size=block_size,
        code=array_or_none(code),
        biases=array_or_none(biases),
        bits=bits,
        offset=offset,
    )


@torch.library.custom_op("bitmetal::blockwise_linear", mutates_args=(), device_types=DEVICES)
def _blockwise_linear(
    x: Tensor,
    bias: Tensor | None,
    codes: Tensor,
    scales: Tensor,
    nested_scales: Tensor | None,
    biases: Tensor | None,
    code: Tensor | None,
    shape: Sequence[int],
    format: str,
    block_size: int,
    bits: int,
    offset: float,
) -> Tensor:
    parts = (codes, scales, nested_scales, biases, code)
    weight = _blockwise(*parts, shape, format, block_size, bits, offset)
    out, target = empty((*x.shape[:-1], shape[0]), x)
    hand_over(bm.blockwise.matmul(to_array(x), weight, array_or_none(bias), out=target))
    return out


@_blockwise_linear.register_fake
def _(x: Tensor, *rest: Any) -> Tensor:
    *_, shape, _format, _block_size, _bits, _offset = rest
    return x.new_empty((*x.shape[:-1], shape[0]))


@torch.library.custom_op("bitmetal::blockwise_dequantize", mutates_args=(), device_types=DEVICES)
def _blockwise_dequantize(
    codes: Tensor,
    scales: Tensor,
    nested_scales: Tensor | None,
    biases: Tensor | None,
    code: Tensor | None,
    shape: Sequence[int],
    format: str,
    block_size: int,
    bits: int,
    offset: float,
    dtype: torch.dtype,
) -> Tensor:
    parts = (codes, scales, nested_scales, biases, code)
    weight = _blockwise(*parts, shape, format, block_size, bits, offset)
    return to_tensor(weight.dequantize(str(dtype).removeprefix("torch.")))


@_blockwise_dequantize.register_fake
def _(codes: Tensor, *rest: Any) -> Tensor:
    *_, shape, _format, _block_size, _bits, _offset, dtype = rest
    return codes.new_empty(tuple(shape), dtype=dtype)


def _remember_weight(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, bias, *parts = inputs
    ctx.dtype, ctx.has_bias = x.dtype, bias is not None
    ctx.save_for_backward(*parts[: len(_TENSORS)])
    ctx.layout = parts[len(_TENSORS) :]


def _through_frozen_weight(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
    """Pass gradients to the activations and the bias; the weight is frozen."""
    of_x = of_bias = None
    if ctx.needs_input_grad[0]:
        of_x = gradient @ _blockwise_dequantize(*ctx.saved_tensors, *ctx.layout, ctx.dtype)
    if ctx.has_bias and ctx.needs_input_grad[1]:
        of_bias = gradient.flatten(0, -2).sum(0)
    return (of_x, of_bias, *[None] * (len(_TENSORS) + len(ctx.layout)))


_blockwise_linear.register_autograd(_through_frozen_weight, setup_context=_remember_weight)


class BlockwiseLinear(nn.Module):
    """A linear layer with a frozen weight of 2 to 8 bits.

    Parameters
    ----------
    weight : BlockwiseArray
        ``(out features, in features)``, of any format.
    bias : Tensor, optional
        ``[out features]``.
    """

    codes: Tensor
    scales: Tensor
    nested_scales: Tensor | None
    biases: Tensor | None
    code: Tensor | None

    def __init__(self, weight: BlockwiseArray, bias: Tensor | None = None) -> None:
        super().__init__()
        if len(weight.shape) != 2:
            raise ValueError(f"weight has shape {weight.shape}, expected 2 dimensions")
        self.out_features, self.in_features = weight.shape
        self.format, self.bits, self.block_size = weight.format, weight.bits, weight.block_size
        self.offset = weight.offset
        nested = weight.nested
        if nested is not None and not _is_usual(nested):
            scales, nested, self.offset = weight.absmax, None, 0.0
        else:
            scales = nested.codes if nested else weight.scales
        own = {
            "codes": weight.codes,
            "scales": scales,
            "nested_scales": nested.absmax if nested else None,
            "biases": weight.biases,
            "code": weight.code if weight.format == "int8" else None,
        }
        for name in _TENSORS:
            array = own[name]
            self.register_buffer(name, None if array is None else to_tensor(array))
        self.bias = parameter(bias)

    @classmethod
    def from_linear(
        cls,
        linear: nn.Linear,
        format: str = "nf4",
        block_size: int | None = None,
        double_quant: bool = False,
        bits: int = 4,
    ) -> BlockwiseLinear:
        """Quantize the weight of `linear` as `bitmetal.blockwise.quantize` does."""
        weight = bm.blockwise.quantize(
            to_array(linear.weight), format, block_size, double_quant, bits=bits
        )
        return cls(weight, linear.bias).train(linear.training)

    def _parts(self) -> tuple[Any, ...]:
        shape = [self.out_features, self.in_features]
        layout = (shape, self.format, self.block_size, self.bits, self.offset)
        return (*(getattr(self, name) for name in _TENSORS), *layout)

    def dequantize(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Give the dense weight."""
        return _blockwise_dequantize(*self._parts(), dtype)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., in features]`` to ``[..., out features]``."""
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return _blockwise_linear(x, bias, *self._parts())

    def get_extra_state(self) -> dict[str, Any]:
        """Give what ``state_dict`` keeps beside the tensors: what the codes mean."""
        return {
            "format": self.format,
            "bits": self.bits,
            "block_size": self.block_size,
            "offset": self.offset,
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take it back."""
        self.format, self.bits = state["format"], state["bits"]
        self.block_size, self.offset = state["block_size"], state["offset"]

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *arguments: Any
    ) -> None:
        for name in _TENSORS:  # the saved format's sizes
            saved = state_dict.get(prefix + name)
            setattr(self, name, None if saved is None else torch.empty_like(saved))
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def extra_repr(self) -> str:
        """Sizes and format."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}, format={self.format}, bits={self.bits}, "
            f"block_size={self.block_size}"
        )
