"""What the layers share."""

from __future__ import annotations

from torch import Tensor, nn

import bitmetal as bm
from bitmetal._tensors import to_array


def array_or_none(tensor: Tensor | None) -> bm.Array | None:
    """Give an optional tensor as an array over its memory."""
    return None if tensor is None else to_array(tensor)


def parameter(tensor: Tensor | None) -> nn.Parameter | None:
    """Give a parameter as it is, and any other tensor as one."""
    if tensor is None or isinstance(tensor, nn.Parameter):
        return tensor
    return nn.Parameter(tensor.detach())
