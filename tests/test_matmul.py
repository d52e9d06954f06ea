from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import bitmetal as bm
from table import FLOATS, Case, over, product_bound, random

SHAPES = [
    ((1, 1), (1, 1)),
    ((3, 5), (5, 2)),
    ((17, 33), (33, 65)),
    ((128, 256), (256, 64)),
    ((130, 1), (1, 67)),
    ((1, 4099), (4099, 33)),
    ((33, 4099), (4099, 1)),
    ((7,), (7,)),
    ((7,), (7, 3)),
    ((4, 7), (7,)),
    ((2, 3, 4, 5), (5, 6)),
    ((3, 1, 4, 5), (2, 5, 6)),
    ((5,), (2, 5, 6)),
    ((2, 4, 5), (5,)),
    ((0, 5), (5, 3)),
    ((3, 0), (0, 4)),
    ((300, 301), (301, 302)),
]


def label(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


CASES = [
    Case(
        f"{label(a)}@{label(b)}-{dtype}",
        lambda a=a, b=b, dtype=dtype: [random(a, dtype, 1), random(b, dtype, 2)],
        bm.matmul,
        np.matmul,
        product_bound(dtype, a[-1]),
    )
    for a, b in SHAPES
    for dtype in FLOATS
]


@over(CASES)
def test_matmul(case: Case, target: str) -> None:
    case.check()


VIEWS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda a: a,
    "transposed": lambda a: a.T,
    "stepped": lambda a: a[::2, ::3],
    "reversed": lambda a: a[::-1, ::-1],
}


@pytest.mark.parametrize("left", VIEWS)
@pytest.mark.parametrize("right", VIEWS)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_views(left: str, right: str, dtype: str, target: str) -> None:
    a, b = random((96, 96), dtype, 1), random((96, 96), dtype, 2)
    a_view, b_view = VIEWS[left](a), VIEWS[right](b)
    inner = min(a_view.shape[1], b_view.shape[0])
    a_view, b_view = a_view[:, :inner], b_view[:inner]
    result = bm.matmul(VIEWS[left](bm.asarray(a))[:, :inner], VIEWS[right](bm.asarray(b))[:inner])
    expected = a_view.astype(np.float64) @ b_view.astype(np.float64)
    np.testing.assert_allclose(
        np.asarray(result), expected, rtol=2e-2 if dtype == "float16" else 1e-4, atol=3e-2
    )


def test_mixed_types() -> None:
    f16, bf16 = random((3, 4), "float16"), random((4, 5), "bfloat16")
    assert bm.matmul(f16, bf16).dtype == bm.float32
    assert bm.matmul(f16, random((4, 5), "float64")).dtype == bm.float64
    assert (bm.asarray(f16) @ f16.T).dtype == bm.float16


def test_out(target: str) -> None:
    a, b = random((5, 6), "float32", 1), random((6, 7), "float32", 2)
    out = bm.empty((5, 7))
    assert bm.matmul(a, b, out=out) is out
    np.testing.assert_allclose(out, a @ b, rtol=1e-5, atol=1e-5)
    strided = bm.zeros((5, 14))
    bm.matmul(a, b, out=strided[:, ::2])
    np.testing.assert_allclose(np.asarray(strided)[:, ::2], a @ b, rtol=1e-5, atol=1e-5)
    assert not np.asarray(strided)[:, 1::2].any()
    square = bm.asarray(random((6, 6), "float32"), copy=True)
    expected = np.asarray(square) @ np.asarray(square)
    bm.matmul(square, square, out=square)
    np.testing.assert_allclose(square, expected, rtol=1e-5, atol=1e-5)


def test_operator_with_numpy_on_either_side() -> None:
    a, b = random((5, 6), "float32", 1), random((6, 7), "float32", 2)
    np.testing.assert_allclose(bm.asarray(a) @ b, a @ b, rtol=1e-5, atol=1e-5)


def test_nan_and_infinity_spread_as_in_numpy(target: str) -> None:
    a = np.array([[np.nan, 1], [np.inf, 0], [1, 2]], np.float32)
    np.testing.assert_array_equal(
        bm.matmul(a, np.ones((2, 2), np.float32)), a @ np.ones((2, 2), np.float32)
    )


READ_ONLY = np.zeros((2, 2), np.float32)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            partial(bm.matmul, np.ones((2, 3)), np.ones((4, 2))),
            ValueError,
            r"matmul: a \(2, 3\) has 3 columns, b \(4, 2\) has 4 rows",
        ),
        (
            partial(bm.matmul, np.ones((2, 2, 3)), np.ones((3, 3, 2))),
            ValueError,
            r"leading dimensions .* do not broadcast",
        ),
        (partial(bm.matmul, np.ones(()), np.ones(3)), ValueError, r"matmul: a has no dimensions"),
        (
            partial(bm.matmul, np.ones((2, 2), int), np.ones((2, 2))),
            TypeError,
            r"matmul: a is int64, expected a floating",
        ),
        (partial(bm.matmul, "ab", np.ones((2, 2))), TypeError, r"matmul: a .*"),
        (partial(bm.matmul, np.ones((2, 2)), None), TypeError, r"matmul: b is of type 'NoneType'"),
        (
            partial(bm.matmul, np.ones((2, 2)), np.ones((2, 2)), out=bm.empty((2, 2))),
            TypeError,
            r"matmul: out is float32, expected float64",
        ),
        (
            partial(bm.matmul, np.eye(2), np.eye(2), out=np.eye(2)),
            TypeError,
            r"matmul: out is of type 'numpy.ndarray'",
        ),
        (
            partial(bm.matmul, READ_ONLY, READ_ONLY, out=bm.asarray(READ_ONLY)),
            ValueError,
            r"matmul: out is read-only",
        ),
    ],
)
def test_bad_input(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
