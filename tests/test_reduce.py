from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bitmetal as bm
from table import EXACT, FLOATS, NMSE, Case, over, random

Axis = int | tuple[int, ...] | None


def row(name: str, shape: tuple[int, ...], axis: Axis, dtype: str) -> Case:
    integer = dtype not in FLOATS
    exact = (integer and name != "mean") or name in ("max", "min", "argmax")

    def reference(a: np.ndarray) -> Any:
        if name == "sum" and integer:
            return np.sum(a, axis=axis, dtype=np.int64)
        return getattr(np, name)(a, axis=axis)

    return Case(
        f"{name}-{'x'.join(map(str, shape)) or '0d'}-axis={axis}-{dtype}",
        lambda: [random(shape, dtype)],
        lambda a: getattr(bm, name)(a, axis=axis),
        reference,
        EXACT if exact else NMSE["float32" if integer else dtype],
    )


SHAPES: list[tuple[tuple[int, ...], Axis]] = [
    ((), None),
    ((1,), 0),
    ((17,), None),
    ((1000003,), None),
    ((33, 129), 1),
    ((33, 129), 0),
    ((33, 129), None),
    ((5, 7, 11), 1),
    ((5, 7, 11), -1),
]
CASES = [
    row(name, shape, axis, dtype)
    for name in ("sum", "mean", "max", "min", "argmax")
    for shape, axis in SHAPES
    for dtype in (*FLOATS, "int32")
]
CASES += [
    row(name, (5, 7, 11), axis, "float32")
    for name in ("sum", "mean", "max", "min")
    for axis in ((0, 2), (1, 2), (0, 1, 2), ())
]
CASES += [
    row(name, (40, 7), 0, dtype)
    for name in ("sum", "mean", "max", "min", "argmax")
    for dtype in ("int8", "uint8", "int64", "bool")
    if not (dtype == "int64" and name in ("sum", "mean"))  # sums of its whole range overflow
]


@over(CASES)
def test_reduce(case: Case, target: str) -> None:
    case.check()


VIEWS: dict[str, Callable[[Any], Any]] = {
    "transposed": lambda a: a.T,
    "stepped": lambda a: a[::3, ::2],
    "reversed": lambda a: a[::-1, ::-1],
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("name", ["sum", "max", "argmax"])
def test_strided_input(name: str, axis: int | None, view: str, target: str) -> None:
    a = random((61, 83), "float64" if target.startswith("cpu") else "float32")
    result = getattr(bm, name)(VIEWS[view](bm.asarray(a)), axis=axis)
    expected = getattr(np, name)(VIEWS[view](a.astype(np.float64)), axis=axis)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)  # sums cancel


@pytest.mark.parametrize("name", ["max", "min", "argmax", "sum", "mean"])
@pytest.mark.parametrize("at", [0, 5, 36, 99])
def test_nan_wins(name: str, at: int, target: str) -> None:
    a = random((3, 100), "float32")
    a[1, at] = np.nan
    a[1, 99] = np.nan
    np.testing.assert_array_equal(
        np.asarray(getattr(bm, name)(a, axis=1))[1], getattr(np, name)(a, axis=1)[1]
    )


def test_first_of_equals(target: str) -> None:
    a = np.zeros((4, 1000), np.float32)
    a[:, [300, 301, 999]] = 1
    np.testing.assert_array_equal(bm.argmax(a, axis=1), [300] * 4)
    np.testing.assert_array_equal(bm.argmax(np.full(50, -np.inf, np.float32)), 0)


def test_long_sums_keep_their_digits(target: str) -> None:
    """A running float32 sum would stop growing at 2^24."""
    a = np.ones(1 << 25, np.float32)
    assert bm.sum(a).item() == 1 << 25
    assert bm.mean(bm.full((1 << 20,), 0.1, "float32")).item() == pytest.approx(0.1, rel=2e-7)


def test_same_bits_for_any_number_of_threads(target: str) -> None:
    a = random((3, 1 << 20), "float32")
    before = bm.num_threads()
    results = []
    for threads in (1, 2, 3):
        bm.set_num_threads(threads)
        results.append(
            [np.asarray(bm.sum(a)), np.asarray(bm.sum(a, axis=1)), np.asarray(bm.sum(a, axis=0))]
        )
    bm.set_num_threads(before)
    for other in results[1:]:
        for x, y in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(x, y)


def test_nothing_to_reduce() -> None:
    empty = np.zeros((3, 0), np.float32)
    np.testing.assert_array_equal(bm.sum(empty, axis=1), np.zeros(3))
    assert np.isnan(bm.mean(empty, axis=1)).all()
    assert bm.max(empty, axis=0).shape == (0,)
    for name in ("max", "min", "argmax"):
        with pytest.raises(ValueError, match=rf"{name}: a of shape \(3, 0\) has nothing to reduce"):
            getattr(bm, name)(empty, axis=1)


def test_keepdims_and_out(target: str) -> None:
    a = bm.asarray(random((4, 5), "float32"))
    assert bm.sum(a, axis=1, keepdims=True).shape == (4, 1)
    assert bm.sum(a, keepdims=True).shape == (1, 1)
    out = bm.empty((5,), "float32")
    assert bm.sum(a, axis=0, out=out) is out
    np.testing.assert_allclose(out, np.asarray(a).sum(0), rtol=1e-5, atol=1e-6)
    column = bm.zeros((4, 3), "float32")
    bm.max(a, axis=1, out=column[:, 1])
    np.testing.assert_array_equal(np.asarray(column)[:, 1], np.asarray(a).max(1))
    assert not np.asarray(column)[:, ::2].any()


@settings(max_examples=60, deadline=None)
@given(
    shape=st.lists(st.integers(0, 6), max_size=4),
    order=st.randoms(use_true_random=False),
    data=st.data(),
)
def test_any_axes_and_strides(shape: list[int], order: Any, data: st.DataObject) -> None:
    axes = list(range(len(shape)))
    order.shuffle(axes)
    chosen = tuple(data.draw(st.sets(st.sampled_from(axes)))) if axes else ()
    a = random(shape, "int32").transpose(axes)
    np.testing.assert_array_equal(bm.sum(a, axis=chosen), a.sum(axis=chosen, dtype=np.int64))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            partial(bm.sum, np.ones((2, 3)), axis=2),
            IndexError,
            r"sum: axis 2 is out of range .* 2 dim",
        ),
        (partial(bm.sum, np.ones((2, 3)), axis=-3), IndexError, r"sum: axis -3 is out of range"),
        (partial(bm.max, np.ones((2, 3)), axis=(0, 0)), ValueError, r"max: axis 0 is named twice"),
        (
            partial(bm.argmax, np.ones((2, 3)), axis=(0, 1)),
            ValueError,
            r"argmax: axis \(0, 1\) names several",
        ),
        (partial(bm.sum, np.ones(3), axis="x"), TypeError, r"sum: axis is 'x', expected an int"),
        (
            partial(bm.sum, np.ones(3) * 1j),
            TypeError,
            r"sum: a has elements of the buffer format 'Zd'",
        ),
        (
            partial(bm.sum, np.ones((2, 3)), out=bm.empty(2)),
            ValueError,
            r"sum: out has shape \(2,\), expected \(\)",
        ),
    ],
)
def test_bad_input(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
