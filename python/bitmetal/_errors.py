"""The library's own exceptions. The extension raises them; ValueError and the like are Python's."""

import numpy as np


class DeviceError(RuntimeError):
    """A device is absent, was lost, or reported a fault; or arrays are on different ones."""


class CompileError(RuntimeError):
    """A kernel's source was rejected. The message is the compiler's log."""


class CapabilityError(NotImplementedError):
    """The device cannot do this (float64 on a GPU, for example)."""


class LinAlgError(np.linalg.LinAlgError):
    """A matrix has not the factorization or the solution that was asked for.

    Attributes
    ----------
    matrix : tuple of int
        Its place in the batch; empty where there was one matrix alone.
    index : int
        From 1: the order of the leading minor that is not positive (`cholesky`), the place of the
        pivot that is zero (`solve`, `inv`, `solve_triangular`). 0 where neither is meant.
    """

    matrix: tuple[int, ...] = ()
    index: int = 0


for _class in (DeviceError, CompileError, CapabilityError):
    _class.__module__ = "bitmetal"
LinAlgError.__module__ = "bitmetal.linalg"
