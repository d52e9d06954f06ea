"""Norms of vectors and matrices, and ranks, beside NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bitmetal as bm
from bitmetal import linalg
from table import np_dtype, random, wide

VECTOR_ORDERS = [None, 0, 1, 2, 3, -1, -2, 0.5, np.inf, -np.inf]
MATRIX_ORDERS = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


def check(x: np.ndarray, *how: Any, rtol: float = 1e-5) -> None:
    got, wanted = linalg.norm(bm.asarray(x), *how), np.linalg.norm(wide(x), *how)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(wide(got), wanted, rtol=rtol)


@pytest.mark.parametrize("order", VECTOR_ORDERS)
def test_vector_norms(order: float | None, target: str) -> None:
    x = random((3, 4, 5), "float32")
    for axis in (0, 1, -1):
        for keepdims in (False, True):
            check(x, order, axis, keepdims)
    check(x[:, 0, 0], order)
    check(random((7,), "float32").astype(np_dtype("bfloat16")), order, rtol=2e-2)
    check(np.arange(1, 6, dtype=np.int32), order)


@pytest.mark.parametrize("order", MATRIX_ORDERS)
def test_matrix_norms(order: Any, target: str) -> None:
    x = random((3, 4, 5), "float32")
    for axes in ((0, 1), (1, 0), (-1, 0), (2, 1)):
        for keepdims in (False, True):
            check(x, order, axes, keepdims)
    check(x[0], order)


def test_all_elements_as_one_vector(target: str) -> None:
    check(random((2, 3, 4), "float32"))
    check(random((2, 3, 4), "float32"), None, None, True)
    assert linalg.norm(-5).item() == 5


def test_ranks(target: str) -> None:
    rng = np.random.default_rng(0)
    thin = np.float32(rng.standard_normal((6, 2)) @ rng.standard_normal((2, 5)))
    full = rng.standard_normal((6, 5)).astype(np.float32)
    assert linalg.matrix_rank(bm.asarray(thin)) == 2
    assert linalg.matrix_rank(bm.asarray(np.stack([thin, full]))).tolist() == [2, 5]
    steps = np.diag(np.float32([4, 2, 1]))
    assert linalg.matrix_rank(bm.asarray(steps), 1.5) == 2
    assert linalg.matrix_rank(bm.asarray(steps), rtol=0.6) == 1
    assert linalg.matrix_rank(bm.zeros((4, 3))) == 0
    assert linalg.matrix_rank(bm.zeros((2, 0, 3))).tolist() == [0, 0]
    assert (linalg.matrix_rank(bm.zeros((3,))), linalg.matrix_rank(bm.ones((3,)))) == (0, 1)


def test_bad_orders_and_axes() -> None:
    x = bm.ones((2, 3, 4))
    with pytest.raises(ValueError, match=r"linalg\.norm: ord is 'fro', expected a number"):
        linalg.norm(x, "fro", 0)
    with pytest.raises(ValueError, match=r"linalg\.norm: ord is 3, expected 'fro'"):
        linalg.norm(x, 3, (0, 1))
    with pytest.raises(ValueError, match=r"linalg\.norm: axis names 3 axes, expected one or two"):
        linalg.norm(x, 2)
    with pytest.raises(ValueError, match=r"linalg\.norm: axis is \(0, -3\), expected two"):
        linalg.norm(x, "fro", (0, -3))
    with pytest.raises(ValueError, match=r"linalg\.matrix_rank: tol and rtol are both given"):
        linalg.matrix_rank(x, 0.1, rtol=0.1)
    with pytest.raises(TypeError, match=r"linalg\.svd"):
        linalg.norm(bm.ones((2, 2), "float16"), "nuc")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: linalg.norm(None), TypeError, r"linalg\.norm: a is of type 'NoneType'"),
        (lambda a: linalg.norm(a, ord=a), TypeError, r"linalg\.norm: ord is of type 'ndarray'"),
        (
            lambda a: linalg.norm(a, 2, "a"),
            TypeError,
            r"linalg\.norm: axis is 'a', expected an int",
        ),
        (lambda a: linalg.norm(a, 2, (0, 0.5)), TypeError, r"linalg\.norm: axis is \(0, 0\.5\)"),
        (lambda a: linalg.matrix_rank("x"), TypeError, r"linalg\.matrix_rank: a has elements"),
        (lambda a: linalg.matrix_rank(a, "x"), TypeError, r"matrix_rank: tol is of type 'str'"),
        (lambda a: linalg.matrix_rank(a, rtol=a), TypeError, r"rtol is of type 'ndarray'"),
    ],
)
def test_arguments_are_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(np.ones((3, 4), np.float32))


def test_an_axis_of_numpys() -> None:
    a = np.ones((3, 4), np.float32)
    np.testing.assert_allclose(linalg.norm(a, 1, np.int64(0)), np.full(4, 3))
