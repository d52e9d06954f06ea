"""Random shapes, strides and axes, against NumPy: every element is a small whole number, so that
both are exact. What NumPy refuses, we refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import bitmetal as bm

DTYPES = ["float32", "int32", "int8", "bool"]


def strided(data: Any, shape: tuple[int, ...], dtype: str = "float32", seed: int = 0) -> np.ndarray:
    """Array of a shape whose axes lie in any order, with steps of 1, 2 and backwards."""
    rng = np.random.default_rng(seed)
    order = data.draw(st.permutations(range(len(shape))))
    steps = [data.draw(st.sampled_from([1, 2, -1, -2])) for _ in shape]
    full = [abs(step) * n for step, n in zip(steps, shape, strict=True)]
    low = 0 if dtype == "bool" else -9
    values = rng.integers(low, 2 if dtype == "bool" else 10, [full[i] for i in order])
    view = values.astype(dtype).transpose(np.argsort(order))
    view = view[(..., *(slice(None, None, step) for step in steps))]
    assert view.shape == shape
    return view


def operands(data: Any, count: int) -> list[np.ndarray]:
    """Arrays that broadcast against each other, axes of length 0 among them."""
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=4, max_side=7, min_side=0)
    )
    return [strided(data, shape, seed=i) for i, shape in enumerate(shapes.input_shapes)]


def one(data: Any, dims: int = 0) -> np.ndarray:
    """Array of at least so many axes."""
    shape = data.draw(hnp.array_shapes(min_dims=dims, max_dims=4, min_side=0, max_side=7))
    return strided(data, shape, data.draw(st.sampled_from(DTYPES)))


def agree(ours: Callable[[], Any], theirs: Callable[[], Any]) -> None:
    """The same values, or an error from both."""
    try:
        expected = theirs()
    except (ValueError, IndexError):
        with pytest.raises((ValueError, IndexError)):
            ours()
        return
    result = np.asarray(ours())
    assert result.shape == np.shape(expected)
    np.testing.assert_array_equal(result, expected)


def binary(data: Any) -> None:
    a, b = operands(data, 2)
    x, y = bm.asarray(a), bm.asarray(b)
    agree(lambda: x - y, lambda: a - b)
    agree(lambda: x < y, lambda: a < b)
    agree(lambda: bm.maximum(-x, y), lambda: np.maximum(-a, b))


def three_operands(data: Any) -> None:
    a, b, c = operands(data, 3)
    x, y, z = bm.asarray(a), bm.asarray(b), bm.asarray(c)
    agree(lambda: bm.where(x > 0, y, z), lambda: np.where(a > 0, b, c))
    agree(lambda: bm.fuse(lambda p, q, r: p * q - r)(x, y, z), lambda: a * b - c)


def in_place(data: Any) -> None:
    a, b = operands(data, 2)
    full = np.broadcast_shapes(a.shape, b.shape)
    mine = strided(data, full, seed=2)
    theirs = mine.copy()
    view = bm.asarray(mine)
    if view.device.kind != "cpu":  # where nothing is shared with NumPy
        view = bm.asarray(mine.copy())
    view[...] = bm.asarray(a)
    view += bm.asarray(b)
    theirs[...] = a
    theirs += b
    if theirs.ndim and theirs.shape[-1]:
        view[..., :1] *= view[..., -1:]
        theirs[..., :1] *= theirs[..., -1:].copy()
    np.testing.assert_array_equal(np.asarray(view), theirs)


def reductions(data: Any) -> None:
    a = one(data)
    x = bm.asarray(a)
    axes = data.draw(st.one_of(st.none(), st.sets(st.integers(0, max(0, a.ndim - 1))).map(tuple)))
    if a.ndim == 0:
        axes = None
    keepdims = data.draw(st.booleans())
    name = data.draw(st.sampled_from(["sum", "max", "min", "any", "all", "count_nonzero", "mean"]))
    if name == "mean" and a.size == 0:
        return  # NaN with a warning
    theirs = getattr(np, name)
    if name == "mean":
        result = np.asarray(bm.mean(x, axes, keepdims=keepdims))
        expected = np.mean(a.astype(np.float64), axes, keepdims=keepdims)
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-12)
        return
    agree(
        lambda: getattr(bm, name)(x, axes, keepdims=keepdims),
        lambda: theirs(a, axis=axes, keepdims=keepdims),
    )


def places(data: Any) -> None:
    a = one(data)
    x = bm.asarray(a)
    axis = data.draw(
        st.one_of(st.none(), st.integers(-a.ndim, a.ndim - 1) if a.ndim else st.none())
    )
    for name in ("argmax", "argmin"):
        agree(lambda name=name: getattr(bm, name)(x, axis), lambda n=name: getattr(np, n)(a, axis))


def scans(data: Any) -> None:
    a = one(data, 1)
    axis = data.draw(st.integers(-a.ndim, a.ndim - 1))
    agree(lambda: bm.cumsum(bm.asarray(a), axis), lambda: np.cumsum(a, axis))


def joining(data: Any) -> None:
    a = one(data, 1)
    x, axis = bm.asarray(a), data.draw(st.integers(-a.ndim, a.ndim - 1))
    b = a[tuple(slice(None, None, -1) for _ in a.shape)]
    y = bm.asarray(b)
    agree(lambda: bm.concatenate([x, y, x], axis), lambda: np.concatenate([a, b, a], axis))
    agree(lambda: bm.stack([x, y], axis), lambda: np.stack([a, b], axis))
    n = a.shape[axis]
    shape = data.draw(st.sampled_from([(), (3,), (2, 2), (0,)] if n else [(0,)]))
    index = data.draw(hnp.arrays(np.int64, shape, elements=st.integers(-n, max(n - 1, 0))))
    agree(lambda: bm.take(x, index, axis), lambda: np.take(a, index, axis))


def views(data: Any) -> None:
    a = one(data, 1)
    x = bm.asarray(a)
    for _ in range(3):
        way = data.draw(st.sampled_from(["permute", "slice", "reshape", "expand_dims"]))
        if way == "permute":
            order = data.draw(st.permutations(range(a.ndim)))
            np.testing.assert_array_equal(np.asarray(bm.transpose(x)), a.T)
            np.testing.assert_array_equal(np.asarray(x.transpose(*order)), a.transpose(order))
            a, x = a.transpose(order), bm.permute(x, order)
        elif way == "slice" and a.ndim:
            cut = data.draw(hnp.basic_indices(a.shape, allow_ellipsis=True, allow_newaxis=False))
            a, x = a[cut], x[cut]
        elif way == "expand_dims" and a.ndim < 4:
            axis = data.draw(st.integers(-a.ndim - 1, a.ndim))
            a, x = np.expand_dims(a, axis), bm.expand_dims(x, axis)
        elif way == "reshape":
            shape = data.draw(st.sampled_from([(-1,), (*a.shape, 1), a.shape[::-1]]))
            if a.size or -1 not in shape:
                a, x = a.reshape(shape), bm.reshape(x, shape)
        assert x.shape == a.shape
        np.testing.assert_array_equal(np.asarray(x), a)
    dense = bm.empty(a.shape, x.dtype)
    dense[...] = x
    np.testing.assert_array_equal(np.asarray(dense), a)
    np.testing.assert_array_equal(np.asarray(x.astype("float32")), a.astype(np.float32))


PROPERTIES = [
    binary,
    three_operands,
    in_place,
    reductions,
    places,
    scans,
    joining,
    views,
]


@pytest.mark.parametrize("device", [device.kind for device in bm.devices()])
@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda p: p.__name__)
def test_any_shape(holds: Callable[[Any], None], device: str) -> None:
    @settings(
        max_examples=60 if device == "cpu" else 8,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        with bm.device(device):
            holds(data)

    run()
