"""PyTorch tensors as arrays, and back, over the same memory: of the host, and of Metal (`mps`).

PyTorch and bitmetal hand their work to a Metal device by queues of their own. So each waits for
the other's results where a tensor passes between them; nothing is copied.
"""

from __future__ import annotations

import torch

import bitmetal as bm

DEVICES = ("cpu", "mps")
_DLPACK_METAL = (8, 0)


def to_array(tensor: torch.Tensor) -> bm.Array:
    """Give a tensor as an array.

    Raises
    ------
    DeviceError
        If the tensor lives elsewhere.
    """
    if tensor.device.type not in DEVICES:
        raise bm.DeviceError(f"tensor is on {tensor.device}, expected {' or '.join(DEVICES)}")
    if tensor.device.type == "mps":
        torch.mps.synchronize()
    return bm.from_dlpack(tensor.detach())


def to_tensor(array: bm.Array) -> torch.Tensor:
    """Give an array as a tensor, once its elements are computed."""
    if array.device.kind == "cpu":
        return torch.from_dlpack(array)
    capsule = array.__dlpack__(max_version=(1, 0), dl_device=_DLPACK_METAL)  # waits
    return torch.utils.dlpack.from_dlpack(capsule)


def empty(shape: tuple[int, ...], like: torch.Tensor) -> tuple[torch.Tensor, bm.Array]:
    """Make an uninitialised tensor of the type of `like`, and the array over it.

    Who writes to the array waits for it (`Array.wait`) before the tensor is used.
    """
    tensor = torch.empty(shape, dtype=like.dtype, device=like.device)
    return tensor, to_array(tensor)
