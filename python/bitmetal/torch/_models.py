"""Whole models: layers replaced in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

import bitmetal as bm
from bitmetal._tensors import to_array
from bitmetal.torch._blockwise import BlockwiseLinear
from bitmetal.torch._ternary import TernaryLinear


def quantize_linears(
    model: nn.Module,
    format: str = "nf4",
    *,
    block_size: int | None = None,
    double_quant: bool = False,
    bits: int = 4,
    skip: Iterable[str] = ("lm_head",),
) -> list[str]:
    """Replace the `torch.nn.Linear` layers of a model by quantized ones, in place.

    Parameters
    ----------
    model : torch.nn.Module
        On cpu or mps.
    format : str
        "ternary" (packed `TernaryLinear`), or a format of `bitmetal.blockwise.quantize`.
    block_size, double_quant, bits
        As for `bitmetal.blockwise.quantize`.
    skip : iterable of str
        Layers whose dotted name is one of these, or ends in a dot and one of these, stay.

    Returns
    -------
    list of str
        The names of the layers replaced.
    """

    def make(linear: nn.Module) -> nn.Module | None:
        if type(linear) is not nn.Linear:
            return None
        if format == "ternary":
            matrix = bm.ternary.quantize(to_array(linear.weight))
            return TernaryLinear.from_matrix(matrix, linear.bias).train(linear.training)
        return BlockwiseLinear.from_linear(linear, format, block_size, double_quant, bits)

    return _replace(model, make, tuple(skip))


def replace_bitlinears(model: nn.Module) -> list[str]:
    """Replace the `BitLinear` and `AutoBitLinear` layers of a Hugging Face model, in place.

    Parameters
    ----------
    model : torch.nn.Module
        As transformers' BitNet quantizer made it, on cpu or mps.

    Returns
    -------
    list of str
        The names of the layers replaced. A `BitLinear` becomes a packed layer; so does an
        `AutoBitLinear` that was quantized offline, from its weight and `weight_scale`; another one
        becomes a trainable layer. Layers that normalize their input are left alone.
    """
    return _replace(model, _from_hf, ())


def _from_hf(layer: nn.Module) -> nn.Module | None:
    kind = type(layer).__name__
    if kind not in ("BitLinear", "AutoBitLinear") or getattr(layer, "rms_norm", None) is not None:
        return None
    bias: Tensor | None = layer.bias
    if kind == "BitLinear":
        shape = (layer.out_features, layer.in_features)
        packed, scale = to_array(layer.weight), to_array(layer.weight_scale.float())
        matrix = bm.ternary.from_hf(packed, scale, shape, inverse_scale=True)
        return TernaryLinear.from_matrix(matrix, bias).train(layer.training)
    if getattr(layer, "online_quant", True):
        return TernaryLinear.from_linear(layer)
    codes = layer.weight.round().to(torch.int8)
    matrix = bm.ternary.from_codes(to_array(codes), to_array(layer.weight_scale.float()))
    return TernaryLinear.from_matrix(matrix, bias).train(layer.training)


def _replace(
    model: nn.Module, make: Callable[[nn.Module], nn.Module | None], skip: tuple[str, ...]
) -> list[str]:
    replaced = []
    for name, module in list(model.named_modules()):
        if any(name == s or name.endswith("." + s) for s in skip):
            continue
        if (new := make(module)) is not None:
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, new)
            replaced.append(name)
    return replaced
