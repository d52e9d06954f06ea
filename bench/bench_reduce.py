"""Reductions, arg-reductions and running sums over all, the last, the first and a middle axis."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from rows import SIZES, Call, Measure, Row, run, square, torch, values

import bitmetal as bm

REDUCTIONS = "sum mean prod max min any argmax argmin var std count_nonzero".split()  # noqa: SIM905
AXES = ["all", "last", "first", "middle"]
SCANS = ["cumsum_last", "cumsum_first", "cumprod_last"]
NAMES = [
    *(f"{op}_{axis}" for op in REDUCTIONS for axis in AXES),
    *(f"{op}_{axis}" for op in ("norm", "logsumexp") for axis in ("last", "first")),
    *(f"sum_{axis}_{kind}" for axis in AXES for kind in ("bfloat16", "float16", "int8")),
    *(f"max_{axis}_bfloat16" for axis in ("last", "first")),
    *(f"{op}_short" for op in ("sum", "max", "argmax")),
    *SCANS,
]


def of_torch(name: str, x: np.ndarray, axis: int | None, kind: str) -> Call | None:
    """Give torch's call; where axis is None, over all elements."""
    if torch is None:
        return None
    a = torch.from_numpy(np.asarray(x, np.float32)).to(getattr(torch, kind))
    name = {"max": "amax", "min": "amin", "norm": "linalg.vector_norm"}.get(name, name)
    function = torch.linalg.vector_norm if name.startswith("linalg") else getattr(torch, name)
    if name == "prod" and axis is None:
        return partial(function, a)
    if name in ("var", "std"):
        return partial(function, a, axis, correction=0)
    options = {"dtype": torch.int64} if kind == "int8" else {}
    return partial(function, a, axis, **options)


def of_numpy(name: str, x: np.ndarray, axis: int | None) -> Call | None:
    """Give NumPy's call, where it has one."""
    if name == "logsumexp":
        return partial(np.logaddexp.reduce, x, axis)
    if name == "norm":
        return partial(np.linalg.norm, x, axis=axis)
    return partial(getattr(np, name), x, axis)


def row(name: str, n: int) -> Row:
    """Give the calls of a name of `NAMES` for n elements."""
    *op, place = name.split("_")[:3] if name[-1].isdigit() else [*name.split("_"), "float32"]
    operation, along, kind = "_".join(op[:-1]), op[-1], place
    dtype = np.dtype(bm.bfloat16.dtype if kind == "bfloat16" else kind)
    shape: tuple[int, ...] = square(n)
    if along == "middle":
        shape = (max(1, shape[0] // 16), min(16, shape[0]), shape[1])
    if along == "short":
        shape = (max(1, n // 64), min(n, 64))
    x = values(shape)
    if operation in ("prod", "cumprod"):
        x = 1 + x / 1024
    if operation == "any":
        x = np.zeros(shape, np.float32)
    x = x.astype(dtype)
    axis = {"all": None, "last": len(shape) - 1, "short": 1, "first": 0, "middle": 1}[along]
    a = bm.asarray(x)
    if operation.startswith("cum"):
        out = bm.empty(shape)
        theirs = partial(getattr(np, operation), x, axis, out=np.empty_like(x))
        t = None
        if torch is not None:
            held = torch.empty(shape)
            t = partial(getattr(torch, operation), torch.from_numpy(x), axis, out=held)
        return Row(2 * x.nbytes, partial(getattr(bm, operation), a, axis, out=out), theirs, t)
    function = getattr(bm, operation)
    first = function(a, axis)
    return Row(
        x.nbytes,
        partial(function, a, axis, out=first),
        of_numpy(operation, x, axis),
        of_torch(operation, x, axis, kind),
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", SIZES)
def test_reduce(measure: Measure, n: int, name: str) -> None:
    run(measure, row(name, n))


def test_call_overhead(measure: Measure) -> None:
    """A call on an array of one element: nothing but the way in and out."""
    a, out = bm.ones((1,)), bm.empty(())
    x = np.ones(1, np.float32)
    measure(lambda: bm.sum(a, out=out), nbytes=4, numpy=lambda: np.sum(x))


def test_call_overhead_bitlinear(measure: Measure) -> None:
    w = bm.ternary.quantize(np.ones((16, 16), np.float32))
    a, out = bm.ones((1, 16)), bm.empty((1, 16))
    x, dense = np.ones((1, 16), np.float32), np.ones((16, 16), np.float32)
    measure(lambda: bm.bitlinear(a, w, out=out), nbytes=64, numpy=lambda: x @ dense)
