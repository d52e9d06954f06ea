from __future__ import annotations

import numpy as np
import pytest

import bitmetal as bm
from table import FLOATS, NMSE, Case, over, random


def softmax(a: np.ndarray, axis: int) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        e = np.exp(a - a.max(axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)


CASES = [
    Case(
        f"{'x'.join(map(str, shape))}-axis={axis}-{dtype}",
        lambda shape=shape, dtype=dtype: [
            random(shape, dtype) * np.asarray(4).astype(random((), dtype).dtype)
        ],
        lambda a, axis=axis: bm.softmax(a, axis),
        lambda a, axis=axis: softmax(a, axis),
        NMSE[dtype] * 10,
    )
    for shape, axis in [
        ((1,), 0),
        ((5, 1), 1),
        ((7, 1000), -1),
        ((33, 17), 0),
        ((9, 16), 1),
        ((3, 4, 65), 1),
        ((5000, 3), 0),
        ((2, 2100, 17), 1),
        ((9, 1100), 0),
        ((2, 70001), -1),
    ]
    for dtype in FLOATS
]


@over(CASES)
def test_softmax(case: Case, target: str) -> None:
    case.check()


def test_extremes(target: str) -> None:
    a = np.array(
        [
            [1e4, 0, -1e4, 1e4],
            [-np.inf, 0, 0, -np.inf],
            [88, -104, 3e38, 0],
            [-1e30, -1e30, -1e30, -1e30],
            [np.nan, 0, 0, 0],
            [-np.inf, -np.inf, -np.inf, -np.inf],
            [np.inf, 0, 0, 0],
        ],
        np.float32,
    )
    for x in (a, np.tile(a, 10)):
        expected = softmax(x.astype(np.float64), -1)
        np.testing.assert_allclose(bm.softmax(x), expected, rtol=1e-6, atol=1e-30)
        columns = bm.softmax(np.ascontiguousarray(x.T), 0)
        np.testing.assert_allclose(columns, expected.T, rtol=1e-6, atol=1e-30)


def test_columns_past_the_caches(target: str) -> None:
    """Results that the cpu device streams to memory."""
    if not target.startswith("cpu"):
        pytest.skip("a GPU has no such way")
    a = random((2101, 1103), "float32")
    np.testing.assert_allclose(bm.softmax(a, 0), softmax(a.astype(np.float64), 0), rtol=1e-6)


def test_rows_sum_to_one(target: str) -> None:
    np.testing.assert_allclose(
        np.asarray(bm.softmax(random((64, 4097), "float32"))).sum(1), 1, rtol=1e-5
    )


def test_bad_input() -> None:
    with pytest.raises(TypeError, match="softmax: a is int64, expected a floating"):
        bm.softmax(np.arange(3))
    with pytest.raises(IndexError, match="softmax: axis 1 is out of range"):
        bm.softmax(np.ones(3), axis=1)
    with pytest.raises(IndexError, match="softmax: axis -1 is out of range for an array of 0"):
        bm.softmax(np.float32(3))
    assert bm.softmax(np.ones((0, 3), np.float32)).shape == (0, 3)
