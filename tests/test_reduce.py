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


EXACT_OPERATIONS = ("max", "min", "argmax", "argmin", "all", "any", "count_nonzero")


def norm(a: np.ndarray, axis: Axis, ord: float = 2) -> Any:  # noqa: A002
    magnitudes = np.abs(a.astype(np.float64))
    if ord == 2:
        return np.sqrt(np.sum(np.square(magnitudes), axis=axis))
    return np.sum(magnitudes, axis=axis) if ord == 1 else np.max(magnitudes, axis=axis)


def logsumexp(a: np.ndarray, axis: Axis) -> Any:
    return np.logaddexp.reduce(a.astype(np.float64), axis=axis)


REFERENCES: dict[str, Callable[..., Any]] = {"logsumexp": logsumexp, "norm": norm}


def row(name: str, shape: tuple[int, ...], axis: Axis, dtype: str, **options: Any) -> Case:
    integer = dtype not in FLOATS
    exact = name in EXACT_OPERATIONS or (integer and name in ("sum", "prod"))
    given = "".join(f"-{key}={value}" for key, value in options.items())

    def reference(a: np.ndarray) -> Any:
        if integer and name in ("sum", "prod"):
            return getattr(np, name)(a, axis=axis, dtype=np.int64)
        return REFERENCES.get(name, getattr(np, name, None))(a, axis=axis, **options)

    return Case(
        f"{name}-{'x'.join(map(str, shape)) or '0d'}-axis={axis}{given}-{dtype}",
        lambda: [random(shape, dtype)],
        lambda a: getattr(bm, name)(a, axis=axis, **options),
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
NEWER: list[tuple[str, dict[str, Any]]] = [
    ("prod", {}),
    ("argmin", {}),
    ("var", {}),
    ("std", {"ddof": 1}),
    ("norm", {}),
    ("norm", {"ord": 1}),
    ("norm", {"ord": np.inf}),
    ("logsumexp", {}),
    ("all", {}),
    ("any", {}),
    ("count_nonzero", {}),
]
CASES += [
    row(name, shape, axis, dtype, **options)
    for name, options in NEWER
    for shape, axis in [((17,), None), ((33, 129), 0), ((33, 129), 1), ((5, 7, 11), 1)]
    for dtype in (*FLOATS, "int8")
    if name != "prod" or (shape != (33, 129) and dtype != "float16")  # whose products vanish
]
CASES += [
    row(name, (5, 7, 11), axis, "float32", **options)
    for name, options in NEWER
    for axis in ((0, 2), (0, 1, 2))
    if name not in ("argmin", "prod")
]
CASES += [
    row(name, (2, 40003), axis, "float32", **options)  # longer than a chunk, and than its rows
    for name, options in NEWER
    for axis in (0, 1, None)
    if name != "prod"
]
CASES += [row("prod", (40, 9), 1, "float32")]
CASES += [row(name, (40003, 2), 0, "float32") for name in ("sum", "argmin", "var", "norm")]
CASES += [  # more columns and rows than are taken at once
    row(name, (1101, 2065), 0, "float32") for name in ("sum", "max", "argmin", "var", "any")
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
@pytest.mark.parametrize("name", ["sum", "max", "argmax", "var", "count_nonzero"])
def test_strided_input(name: str, axis: int | None, view: str, target: str) -> None:
    a = random((61, 83), "float64" if target.startswith("cpu") else "float32")
    result = getattr(bm, name)(VIEWS[view](bm.asarray(a)), axis=axis)
    expected = getattr(np, name)(VIEWS[view](a.astype(np.float64)), axis=axis)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)  # sums cancel


NAN_RULES = ["max", "min", "argmax", "argmin", "sum", "prod", "mean", "var", "all", "any"]


@pytest.mark.parametrize("name", NAN_RULES)
@pytest.mark.parametrize("at", [0, 5, 36, 99])
def test_nan_wins(name: str, at: int, target: str) -> None:
    a = random((3, 100), "float32")
    a[1, at] = np.nan
    a[1, 99] = np.nan
    a[2, 7] = np.inf
    for view, axis in ((a, 1), (a.T, 0), (a.T.copy(), 0)):
        result, expected = getattr(bm, name)(view, axis=axis), getattr(np, name)(view, axis=axis)
        np.testing.assert_array_equal(np.asarray(result)[1], expected[1])
        if name in EXACT_OPERATIONS:
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "int64", "int8"])
@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_many_rows_at_once(name: str, dtype: str, target: str) -> None:
    """Ties everywhere, and in a few rows a NaN or an infinity."""
    if dtype == "float64" and not target.startswith("cpu"):
        pytest.skip("no float64 on a GPU")
    generator = np.random.default_rng(1)
    for shape in ((70, 9), (300, 3), (37, 64), (2100, 17)):
        a = generator.integers(-2, 3, shape).astype(dtype)
        if dtype.startswith("float"):
            a[3::20, -1] = np.nan
            a[4::20, 1] = np.inf
            a[5::20, :] = -np.inf
        for view, axis in ((a, 1), (a, 0), (a.T, 0), (a[:, ::2], 1), (a[::-1], 1), (a[5:25], 0)):
            expected = getattr(np, name)(view, axis=axis)
            np.testing.assert_array_equal(getattr(bm, name)(bm.asarray(view), axis), expected)


@pytest.mark.parametrize("at", [5, 16384, 40000, 69999])
def test_first_place_in_a_long_line(at: int, target: str) -> None:
    a = np.zeros(70000, np.float32)
    a[[at, 69999]] = 1
    assert bm.argmax(a).item() == at
    assert bm.argmin(-a).item() == at
    a[[at, 69999]] = np.nan
    assert bm.argmax(a).item() == bm.argmin(a).item() == at


@pytest.mark.parametrize("ord", [1, 2, np.inf])
def test_norm_of_the_extremes(ord: float, target: str) -> None:  # noqa: A002
    """Squares of these overflow, or are nothing."""
    a = np.float32([[3e30, -4e30], [3e-30, 4e-30], [0, 0], [np.inf, 1], [np.nan, np.inf]])
    result = np.asarray(bm.norm(a, axis=1, ord=ord))
    np.testing.assert_allclose(result, norm(a, 1, ord), rtol=1e-6)
    if target.startswith("cpu"):
        b = np.array([[3e300, -4e300], [3e-300, 4e-300], [0, 0], [np.inf, 1]])
        expected = {1: [7e300, 7e-300], 2: [5e300, 5e-300], np.inf: [4e300, 4e-300]}[ord]
        np.testing.assert_allclose(bm.norm(b, axis=1, ord=ord), [*expected, 0, np.inf], rtol=1e-14)
        np.testing.assert_allclose(bm.norm(b.T.copy(), axis=0, ord=ord)[:2], expected, rtol=1e-14)


def test_logsumexp_of_infinities(target: str) -> None:
    a = np.float32([[-np.inf, -np.inf], [np.inf, 1], [np.nan, 1], [1e38, 1e38], [-200, -201]])
    with np.errstate(invalid="ignore"):
        expected = np.logaddexp.reduce(a.astype(np.float64), axis=1)
    np.testing.assert_allclose(bm.logsumexp(a, axis=1), expected, rtol=1e-6)
    np.testing.assert_allclose(bm.logsumexp(np.ascontiguousarray(a.T), axis=0), expected, rtol=1e-6)


@pytest.mark.parametrize("columns", [3, 20, 600])
def test_logsumexp_down_columns(columns: int, target: str) -> None:
    """More rows than a chunk has, an infinity or a NaN in some of them."""
    a = random((5000, columns), "float32") * 30
    a[:100, 0] = -np.inf
    a[[40, 4000], 1] = np.inf
    a[:4500, 2] = -np.inf
    for nan_at in (None, 4200):
        if nan_at:
            a[nan_at, 1] = np.nan
        with np.errstate(invalid="ignore"):
            expected = np.logaddexp.reduce(a.astype(np.float64), axis=0)
        np.testing.assert_allclose(bm.logsumexp(a, axis=0), expected, rtol=1e-6)


def test_variance_keeps_its_digits(target: str) -> None:
    """A mean much larger than the spread: the difference of two sums would leave nothing."""
    a = (1e4 + random((70, 300), "float32")).astype(np.float32)
    a[::7, 0] = 1e7  # far from the rest of its row
    for axis in (0, 1, None):
        expected = np.var(a.astype(np.float64), axis=axis)
        # Half a unit of float32 at the mean is 5e-4; the cpu device takes it in float64.
        bound = 1e-6 if target.startswith("cpu") else 2e-3
        np.testing.assert_allclose(bm.var(a, axis=axis), expected, rtol=bound)
    assert np.isnan(bm.var(a[:1, :1], ddof=1).item())
    assert np.isinf(bm.var(a[:1], ddof=500).item())


def test_integers_wrap_as_int64(target: str) -> None:
    a = np.full(70, 3, np.int32)
    with np.errstate(over="ignore"):
        assert bm.prod(a).item() == np.prod(a, dtype=np.int64)


def test_methods_and_dtype(target: str) -> None:
    a = random((6, 7), "float32")
    shown = bm.asarray(a)
    for name in ("sum", "prod", "mean", "max", "min", "argmax", "argmin", "var", "std", "cumsum"):
        expected = getattr(a, name)(axis=1)
        np.testing.assert_allclose(getattr(shown, name)(axis=1), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(getattr(np, name)(shown, axis=1), expected, rtol=1e-4, atol=1e-5)
    assert shown.all().item() is True
    assert (shown - shown if hasattr(shown, "__sub__") else bm.zeros((2,))).any().item() is False
    small = bm.asarray(np.array([100, 100, 100], np.int8))
    assert small.sum(dtype="float32").dtype == "float32"
    assert small.sum(dtype="int32").dtype == "int32"
    assert small.sum(dtype="int32").item() == 300
    assert small.mean(dtype="float16").dtype == "float16"


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
    for name in ("max", "min", "argmax", "argmin"):
        with pytest.raises(ValueError, match=rf"{name}: a of shape \(3, 0\) has nothing to reduce"):
            getattr(bm, name)(empty, axis=1)
    for name, value in [("prod", 1), ("norm", 0), ("logsumexp", -np.inf), ("all", True)]:
        np.testing.assert_array_equal(getattr(bm, name)(empty, axis=1), [value] * 3)
    assert np.isnan(bm.std(empty, axis=1)).all()
    assert not np.asarray(bm.any(empty, axis=1)).any()


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


@settings(max_examples=60)
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
    keepdims = data.draw(st.booleans())
    view = a[::-1] if a.ndim and data.draw(st.booleans()) else a
    for name in ("sum", "count_nonzero", "any"):
        kind = {"dtype": np.int64} if name == "sum" else {}
        expected = getattr(np, name)(view, axis=chosen, keepdims=keepdims, **kind)
        result = getattr(bm, name)(view, axis=chosen, keepdims=keepdims)
        np.testing.assert_array_equal(result, expected)
    if len(chosen) == 1:
        np.testing.assert_array_equal(
            bm.cumsum(view, axis=chosen[0]), np.cumsum(view, axis=chosen[0], dtype=np.int64)
        )
    if len(chosen) == 1 and view.size:
        np.testing.assert_array_equal(
            bm.argmin(view, axis=chosen[0]), np.argmin(view, axis=chosen[0])
        )


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
        (
            partial(bm.argmin, np.ones((2, 3)), axis=()),
            ValueError,
            r"argmin: axis \(\) names no axes",
        ),
        (partial(bm.norm, np.ones(3), ord=3), ValueError, r"norm: ord is 3, expected 1, 2 or inf"),
        (partial(bm.norm, np.ones(3), ord="fro"), TypeError, r"norm: ord is 'fro', expected"),
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
