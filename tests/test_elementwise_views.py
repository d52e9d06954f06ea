"""Element-wise operations over views of every kind, and what is compiled for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import bitmetal as bm
from table import random

VIEWS: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda a: a,
    "transposed": lambda a: a.T,
    "reversed and stepped": lambda a: a[::-1, :, ::2],
    "one row": lambda a: a[2:3],
    "one element": lambda a: a[:1, :1, :1, :1, :1, :1],
}


@pytest.mark.parametrize("view", VIEWS)
def test_six_dimensions(view: str, target: str) -> None:
    a, b = random((5, 6, 7, 2, 3, 2), "float32"), random((5, 6, 7, 2, 3, 2), "float32", 1)
    x, y = VIEWS[view](a), VIEWS[view](b)
    shown, other = VIEWS[view](bm.asarray(a)), VIEWS[view](bm.asarray(b))
    np.testing.assert_array_equal(bm.add(shown, other), x + y)
    np.testing.assert_array_equal(bm.less(shown, 0.25), x < 0.25)
    np.testing.assert_array_equal(bm.clip(shown, -0.5, 0.25), np.clip(x, -0.5, 0.25))
    np.testing.assert_array_equal(bm.where(bm.less(shown, other), shown, 0), np.where(x < y, x, 0))


def test_broadcast_operands(target: str) -> None:
    a, b = random((4, 1, 9), "float32"), random((33, 1), "float32", 1)
    np.testing.assert_array_equal(bm.multiply(a, b), a * b)
    np.testing.assert_array_equal(bm.clip(a, b, None), np.maximum(a, b))
    np.testing.assert_array_equal(bm.subtract(1, bm.asarray(a.T)), 1 - a.T)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32"])
def test_one_element_for_a_row(dtype: str, target: str) -> None:
    """Columns, arrays of one element and numbers, on either side, in long and short rows."""
    for shape in ((5, 700), (9, 70), (21, 5)):
        a, column = random(shape, dtype), random((shape[0], 1), dtype, 1)
        for x, y in ((a, column), (column, a), (a, column[:1]), (column[0], a)):
            for name in ("add", "subtract", "multiply", "minimum", "less"):
                expected = getattr(np, name)(x, y)
                np.testing.assert_array_equal(np.asarray(getattr(bm, name)(x, y)), expected)
        number = 3 if dtype == "int32" else 0.3
        same = np.asarray(number).astype(a.dtype)
        np.testing.assert_array_equal(np.asarray(bm.subtract(number, bm.asarray(a))), same - a)
        np.testing.assert_array_equal(np.asarray(bm.multiply(bm.asarray(a), number)), a * same)


def test_one_element_for_a_row_of_an_expression(target: str) -> None:
    fused = bm.fuse(lambda x, y: (x + y) * y - y / 2)
    for shape in ((5, 700), (9, 70)):
        a, column = random(shape, "float32"), random((shape[0], 1), "float32", 1)
        expected = (a + column) * column - column / 2
        np.testing.assert_allclose(np.asarray(fused(a, column)), expected, rtol=1e-6, atol=1e-6)


def test_types_meet(target: str) -> None:
    """Operands that are converted first, and halves that are widened on the way."""
    half, single = random((40,), "float16"), random((40,), "float32", 1)
    count = np.arange(40, dtype=np.int32)
    np.testing.assert_array_equal(bm.add(half, single), half + single)
    np.testing.assert_array_equal(bm.add(half, half), half + half)
    np.testing.assert_allclose(bm.sqrt(count), np.sqrt(count), rtol=1e-6)
    np.testing.assert_array_equal(bm.less(count, 3.5), count < 3.5)
    np.testing.assert_array_equal(bm.logical_and(half, count), np.logical_and(half, count))
    np.testing.assert_array_equal(
        bm.where(bm.less(single, 0), half, single), np.where(single < 0, half, single)
    )


def test_in_place(target: str) -> None:
    a = random((12, 8), "float32")
    shown = bm.asarray(a.copy())
    bm.multiply(shown[::2], 2, out=shown[::2])
    bm.clip(shown, -1, 1, out=shown)
    a[::2] *= 2
    np.testing.assert_array_equal(shown, np.clip(a, -1, 1))


def test_numbers_compile_nothing_anew(target: str) -> None:
    a = bm.asarray(random((50,), "float32"))
    bm.clip(a, -1, 1).wait()
    before = bm.pipelines.stats()["libraries"]
    for bound in (0.25, 0.5, 2):
        expected = np.clip(np.asarray(a), -bound, bound)
        np.testing.assert_array_equal(bm.clip(a, -bound, bound), expected)
    assert bm.pipelines.stats()["libraries"] == before
