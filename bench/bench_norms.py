"""Softmax and the norms over rows of several lengths and types."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from rows import SIZES, Call, Measure, Row, run, square, torch, values

import bitmetal as bm

OPERATIONS = ["softmax", "rms_norm", "layer_norm"]
NAMES = [
    *OPERATIONS,
    *(f"{op}_{kind}" for op in OPERATIONS for kind in ("bfloat16", "float16")),
    "softmax_first",
    "softmax_one_row",
]


def of_numpy(name: str, x: np.ndarray, axis: int) -> Call:
    """Give the formula in NumPy."""

    def softmax() -> np.ndarray:
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        e /= e.sum(axis=axis, keepdims=True)
        return e

    def rms_norm() -> np.ndarray:
        return x / np.sqrt(np.mean(x * x, axis=axis, keepdims=True) + np.float32(1e-5))

    def layer_norm() -> np.ndarray:
        y = x - x.mean(axis=axis, keepdims=True)
        y /= np.sqrt(np.mean(y * y, axis=axis, keepdims=True) + np.float32(1e-5))
        return y

    return {"softmax": softmax, "rms_norm": rms_norm, "layer_norm": layer_norm}[name]


def of_torch(name: str, x: np.ndarray, axis: int, kind: str) -> Call | None:
    """Give torch's call; only its softmax takes a result to write into."""
    if torch is None:
        return None
    a = torch.from_numpy(x).to(getattr(torch, kind))
    if name == "softmax":
        return partial(torch.softmax, a, axis, out=torch.empty_like(a))
    return partial(getattr(torch.nn.functional, name), a, a.shape[-1:], eps=1e-5)


def row(name: str, n: int) -> Row:
    """Give the calls of a name of `NAMES` for n elements."""
    operation = next(op for op in OPERATIONS if name.startswith(op))
    detail = name.removeprefix(operation).lstrip("_")
    kind = detail if detail in ("bfloat16", "float16") else "float32"
    x = values((1, n) if detail == "one_row" else square(n))
    axis = 0 if detail == "first" else 1
    a = bm.asarray(x).astype(kind)
    out = bm.empty(x.shape, kind)
    options = {"axis": axis} if operation == "softmax" else {}
    return Row(
        2 * a.nbytes,
        partial(getattr(bm, operation), a, out=out, **options),
        of_numpy(operation, x, axis) if kind == "float32" else None,
        of_torch(operation, x, axis, kind),
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", SIZES)
def test_norms(measure: Measure, n: int, name: str) -> None:
    run(measure, row(name, n))
