"""cumsum and cumprod."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bitmetal as bm
from table import EXACT, FLOATS, NMSE, Case, over, random


def row(name: str, shape: tuple[int, ...], axis: int | None, dtype: str) -> Case:
    integer = dtype not in FLOATS

    def reference(a: np.ndarray) -> Any:
        return getattr(np, name)(a, axis=axis, dtype=np.int64 if integer else np.float64)

    def inputs() -> list[np.ndarray]:
        a = random(shape, dtype)
        if name == "cumprod" and not integer:
            a = (1 + a.astype(np.float64) / 64).astype(a.dtype)
        return [a]

    return Case(
        f"{name}-{'x'.join(map(str, shape)) or '0d'}-axis={axis}-{dtype}",
        inputs,
        lambda a: getattr(bm, name)(a, axis=axis),
        reference,
        # float32 products round once a factor, as many as there are in a line.
        EXACT if integer else max(NMSE[dtype], 1e-12 if dtype == "float32" else 0),
    )


CASES = [
    row("cumsum", shape, axis, dtype)
    for shape, axis in [
        ((), None),
        ((0, 3), 0),
        ((1,), 0),
        ((1003,), 0),
        ((3, 70), 1),
        ((70, 3), 0),
        ((3, 20, 5), -2),
        ((9, 11), None),
    ]
    for dtype in (*FLOATS, "int32", "bool")
]
CASES += [row("cumprod", shape, 0, d) for shape in [(17,), (9, 600)] for d in (*FLOATS, "int64")]
CASES += [row("cumsum", (2, 50001), 1, dtype) for dtype in ("float32", "uint8")]
CASES += [row("cumsum", (2, 5000), 0, "float32"), row("cumsum", (70, 20000), 1, "int8")]
CASES += [row("cumsum", (3, 11, 523), 1, dtype) for dtype in (*FLOATS, "int32")]


@over(CASES)
def test_scan(case: Case, target: str) -> None:
    case.check()


def test_columns_past_the_caches(target: str) -> None:
    """Results that the cpu device streams to memory."""
    if not target.startswith("cpu"):
        pytest.skip("a GPU has no such way")
    a = np.abs(random((2101, 1103), "float32"))
    for x in (a, (a * 100).astype(np.int32)):
        np.testing.assert_allclose(bm.cumsum(x, 0), np.cumsum(x, 0, dtype=np.float64), rtol=1e-6)


def test_strided_input_and_out(target: str) -> None:
    a = random((40, 30), "float32")
    for view in (lambda x: x.T, lambda x: x[::-2, 1::3]):
        expected = np.cumsum(view(a.astype(np.float64)), axis=1)
        np.testing.assert_allclose(bm.cumsum(view(bm.asarray(a)), axis=1), expected, atol=1e-5)
    shown = bm.asarray(a.copy())
    assert bm.cumsum(shown, axis=0, out=shown) is shown
    np.testing.assert_allclose(shown, np.cumsum(a.astype(np.float64), axis=0), atol=1e-5)


@pytest.mark.large
def test_long_sums_keep_their_digits(target: str) -> None:
    """A running float32 sum would stop growing at 2^24."""
    count = (1 << 24) + 5000
    last = bm.cumsum(np.ones((count,), np.float32))[count - 1 :]
    assert last.item() == count


def test_infinity_and_nan_come_once(target: str) -> None:
    a = np.float32([1, np.inf, 2, -np.inf, 3, 4, np.nan])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(bm.cumsum(a), np.cumsum(a))
        rows = np.repeat(a[:, None], 700, axis=1)
        np.testing.assert_array_equal(bm.cumsum(rows, axis=0), np.cumsum(rows, axis=0))


@pytest.mark.large
def test_same_bits_for_any_number_of_threads(target: str) -> None:
    a = random((300000,), "float32")
    before = bm.num_threads()
    results = []
    for threads in (1, 2, 3):
        bm.set_num_threads(threads)
        results.append(np.asarray(bm.cumsum(a)))
    bm.set_num_threads(before)
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


def test_bad_input() -> None:
    with pytest.raises(IndexError, match=r"cumsum: axis 2 is out of range"):
        bm.cumsum(np.ones((2, 3)), axis=2)
    with pytest.raises(ValueError, match=r"cumprod: axis \(0, 1\) names 2 axes, expected one"):
        bm.cumprod(np.ones((2, 3)), axis=(0, 1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"cumsum: out has shape \(2, 3\), expected \(6,\)"):
        bm.cumsum(np.ones((2, 3), np.float32), out=bm.empty((2, 3)))
