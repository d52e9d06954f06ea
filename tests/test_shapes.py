"""Random shapes, strides and axes, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import bitmetal as bm

# Without a deadline: the first call of a kind may wait for a compiler.
small = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@st.composite
def operands(draw: Any, count: int) -> list[np.ndarray]:
    """Arrays with strides of all kinds that broadcast against each other."""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=4, max_side=9))
    arrays = []
    for i, shape in enumerate(shapes.input_shapes):
        size = int(np.prod([2 * n for n in shape]))
        a = np.random.default_rng(i).integers(-50, 50, size).astype(np.float32)
        cut = tuple(slice(None, None, draw(st.sampled_from([2, -2]))) for _ in shape)
        order = draw(st.permutations(range(len(shape))))
        turned = a.reshape([2 * shape[i] for i in order]).transpose(np.argsort(order))
        arrays.append(turned[cut])
        assert arrays[-1].shape == shape
    return arrays


@small
@given(operands(2))
def test_binary(arrays: list[np.ndarray]) -> None:
    a, b = arrays
    with bm.device("cpu"):
        np.testing.assert_array_equal(np.asarray(bm.asarray(a) - bm.asarray(b)), a - b)
        np.testing.assert_array_equal(np.asarray(bm.asarray(a) < bm.asarray(b)), a < b)


@small
@given(operands(3))
def test_three_operands(arrays: list[np.ndarray]) -> None:
    a, b, c = arrays
    with bm.device("cpu"):
        chosen = bm.where(bm.asarray(a) > 0, bm.asarray(b), bm.asarray(c))
        np.testing.assert_array_equal(np.asarray(chosen), np.where(a > 0, b, c))
        fused = bm.fuse(lambda x, y, z: x * y - z)
        np.testing.assert_array_equal(np.asarray(fused(a, b, c)), a * b - c)


@small
@given(operands(2))
def test_in_place_on_views(arrays: list[np.ndarray]) -> None:
    a, b = arrays
    full = np.broadcast_shapes(a.shape, b.shape)
    mine, theirs = np.zeros(full, np.float32), np.zeros(full, np.float32)
    with bm.device("cpu"):
        view = bm.asarray(mine)
        view[...] = bm.asarray(a)
        view += bm.asarray(b)
        if view.ndim and view.size:
            view[..., :1] *= view[..., -1:]
    theirs[...] = a
    theirs += b
    if theirs.ndim and theirs.size:
        theirs[..., :1] *= theirs[..., -1:].copy()
    np.testing.assert_array_equal(mine, theirs)


@small
@given(operands(1), st.data())
def test_axes(arrays: list[np.ndarray], data: st.DataObject) -> None:
    a = arrays[0]
    x = bm.asarray(a, device="cpu")
    if a.ndim == 0:
        return
    axis = data.draw(st.integers(-a.ndim, a.ndim - 1))
    np.testing.assert_array_equal(
        np.asarray(bm.concatenate([x, x], axis)), np.concatenate([a, a], axis)
    )
    np.testing.assert_array_equal(np.asarray(bm.stack([x, x], axis)), np.stack([a, a], axis))
    axes = tuple(data.draw(st.sets(st.integers(0, a.ndim - 1), min_size=1)))
    keepdims = data.draw(st.booleans())
    np.testing.assert_array_equal(
        np.asarray(bm.sum(x, axes, keepdims=keepdims)), a.sum(axes, keepdims=keepdims)
    )
    if a.shape[axis]:
        at = data.draw(st.lists(st.integers(-a.shape[axis], a.shape[axis] - 1), max_size=5))
        indices = np.array(at, np.int64)
        np.testing.assert_array_equal(
            np.asarray(bm.take(x, indices, axis)), np.take(a, indices, axis)
        )
