"""PyTorch tensors of the host as arrays, and back, over the same memory."""

from __future__ import annotations

import torch

import bitmetal as bm


def to_array(tensor: torch.Tensor) -> bm.Array:
    """Give a tensor of the host as an array; nothing is copied.

    Raises
    ------
    DeviceError
        If the tensor lives elsewhere.
    """
    if tensor.device.type != "cpu":
        raise bm.DeviceError(f"tensor is on {tensor.device}, expected cpu")
    return bm.from_dlpack(tensor.detach())


def to_tensor(array: bm.Array) -> torch.Tensor:
    """Give an array of the cpu device as a tensor; nothing is copied."""
    return torch.from_dlpack(array)


def empty(shape: tuple[int, ...], like: torch.Tensor) -> tuple[torch.Tensor, bm.Array]:
    """Make an uninitialised tensor of the type of `like`, and the array over it."""
    tensor = torch.empty(shape, dtype=like.dtype)
    return tensor, to_array(tensor)
