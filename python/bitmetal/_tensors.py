"""PyTorch tensors as arrays, and back, over the same memory: of the host, and of Metal (`mps`).

PyTorch and bitmetal hand their work to a Metal device by queues of their own. Where a tensor passes
between them, each queue waits for the other by a shared event; the host does not, and nothing is
copied.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from pathlib import Path
from typing import Any

import torch

import bitmetal as bm
from bitmetal import _core

DEVICES = ("cpu", "mps")
_DLPACK_METAL = (8, 0)
_DO_NOT_WAIT = -1


def _torch_functions() -> list[int]:
    """Give the addresses of what torch/mps.h declares, by the names that C++ compilers make."""
    suffix = "dylib" if sys.platform == "darwin" else "so"
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / f"libtorch_cpu.{suffix}"))
    names = ("get_dispatch_queue", "get_command_buffer", "commit")
    functions = [getattr(library, f"_ZN5torch3mps{len(name)}{name}Ev") for name in names]
    return [ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions]


@functools.cache
def _order() -> Any:
    return _core.QueueOrder("metal", *_torch_functions())


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
        _order().wait_for_other()
    return bm.from_dlpack(tensor.detach())


def to_tensor(array: bm.Array) -> torch.Tensor:
    """Give an array as a tensor; on the host, once its elements are computed."""
    if array.device.kind == "cpu":
        return torch.from_dlpack(array)
    hand_over(array)
    capsule = array.__dlpack__(stream=_DO_NOT_WAIT, max_version=(1, 0), dl_device=_DLPACK_METAL)
    return torch.utils.dlpack.from_dlpack(capsule)


def empty(shape: tuple[int, ...], like: torch.Tensor) -> tuple[torch.Tensor, bm.Array]:
    """Make an uninitialised tensor of the type of `like`, and the array over it.

    Who writes to the array gives it to `hand_over` before the tensor is used.
    """
    tensor = torch.empty(shape, dtype=like.dtype, device=like.device)
    return tensor, to_array(tensor)


def hand_over(array: bm.Array) -> None:
    """Let PyTorch's work from here on see what is being written to an array."""
    if array.device.kind == "cpu":
        array.wait()
    else:
        _order().make_other_wait()
