"""Reductions, running sums, softmax, norms, copies and conversions, of 64 MiB and small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from peers import optional

import bitmetal as bm

torch = optional("torch")
Measure = Callable[..., None]
SHAPES = [(4096, 4096), (32, 1000)]


def values(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def of_torch(name: str, x: np.ndarray, *arguments: object) -> Callable[[], object] | None:
    """A call of torch.NAME(x, ...)."""
    if torch is None:
        return None
    function, a = getattr(torch, name), torch.from_numpy(x)
    return lambda: function(a, *arguments)


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "argmax", "var"])
@pytest.mark.parametrize("shape", SHAPES)
def test_reduce(measure: Measure, shape: tuple[int, int], name: str, axis: int | None) -> None:
    x = values(shape)
    a = bm.asarray(x)
    ours, theirs = getattr(bm, name), getattr(np, name)
    of_axis = {"max": "amax", "min": "amin"}.get(name, name)  # torch.max(x, axis) finds indices too
    measure(
        lambda: ours(a, axis),
        nbytes=x.nbytes,
        numpy=lambda: theirs(x, axis),
        torch=of_torch(name, x) if axis is None else of_torch(of_axis, x, axis),
    )


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", SHAPES)
def test_cumsum(measure: Measure, shape: tuple[int, int], axis: int) -> None:
    x = values(shape)
    a, out = bm.asarray(x), bm.empty(shape)
    measure(
        lambda: bm.cumsum(a, axis, out=out),
        nbytes=2 * x.nbytes,
        numpy=lambda: np.cumsum(x, axis),
        torch=of_torch("cumsum", x, axis),
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_layer_norm(measure: Measure, shape: tuple[int, int]) -> None:
    x = values(shape)
    a, out = bm.asarray(x), bm.empty(shape)

    def numpy() -> np.ndarray:
        y = x - x.mean(axis=1, keepdims=True)
        y /= np.sqrt(np.mean(y * y, axis=1, keepdims=True) + np.float32(1e-5))
        return y

    measure(
        lambda: bm.layer_norm(a, out=out),
        nbytes=2 * x.nbytes,
        numpy=numpy,
        torch=of_torch("layer_norm", x, shape[1:]),
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_softmax(measure: Measure, shape: tuple[int, int]) -> None:
    x = values(shape)
    a, out = bm.asarray(x), bm.empty(shape)

    def numpy() -> np.ndarray:
        e = np.exp(x - x.max(axis=1, keepdims=True))
        e /= e.sum(axis=1, keepdims=True)
        return e

    measure(
        lambda: bm.softmax(a, out=out),
        nbytes=2 * x.nbytes,
        numpy=numpy,
        torch=of_torch("softmax", x, 1),
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_rms_norm(measure: Measure, shape: tuple[int, int]) -> None:
    x = values(shape)
    a, out = bm.asarray(x), bm.empty(shape)
    measure(
        lambda: bm.rms_norm(a, out=out),
        nbytes=2 * x.nbytes,
        numpy=lambda: x / np.sqrt(np.mean(x * x, axis=1, keepdims=True) + np.float32(1e-5)),
    )


@pytest.mark.parametrize("what", ["copy", "transpose", "float16", "bfloat16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_copy(measure: Measure, shape: tuple[int, int], what: str) -> None:
    x = values(shape)
    a = bm.asarray(x)
    kind = np.dtype(
        bm.bfloat16.dtype if what == "bfloat16" else what if what == "float16" else np.float32
    )
    calls: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "copy": (a.copy, x.copy),
        "transpose": (lambda: a.T.copy(), lambda: np.ascontiguousarray(x.T)),
    }
    ours, theirs = calls.get(what, (lambda: a.astype(what), lambda: x.astype(kind)))
    measure(ours, nbytes=x.nbytes + x.size * kind.itemsize, numpy=theirs)


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
