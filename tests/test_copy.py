"""Conversions and strided copies."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import bitmetal as bm
from table import FLOATS, np_dtype, random, wide

INTEGERS = ("int8", "uint8", "int32", "int64", "bool")


@pytest.mark.parametrize("to", [*FLOATS, *INTEGERS])
@pytest.mark.parametrize("source", [*FLOATS, *INTEGERS])
def test_astype(source: str, to: str, target: str) -> None:
    a = random((1003,), source)
    if to in INTEGERS and source in FLOATS:
        a = np.abs(a).astype(a.dtype)  # uint8 of a negative float is nobody's promise
    if (source == "bfloat16" and to == "float16") or (
        source == "float64" and to in ("float16", "bfloat16")
    ):
        expected = a.astype(np.float64).astype(np_dtype(to))
    else:
        with np.errstate(over="ignore"):
            expected = a.astype(np_dtype(to))
    np.testing.assert_array_equal(wide(bm.asarray(a).astype(to)), wide(expected))


@pytest.mark.parametrize("to", ["float16", "bfloat16"])
def test_every_half_way_case_rounds_to_even(to: str, target: str) -> None:
    """All values of the 16-bit type, their midpoints, and the neighbours of those."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np_dtype(to)).astype(np.float64)
    finite = np.unique(every[np.isfinite(every)])
    middle = (finite[1:] + finite[:-1]) / 2
    values = np.concatenate([every, middle]).astype(np.float32)
    with np.errstate(over="ignore"):
        around = np.concatenate(
            [
                values,
                np.nextafter(values, np.float32(np.inf)),
                np.nextafter(values, np.float32(-np.inf)),
            ]
        )
    around = np.concatenate(
        [around, np.float32([np.inf, -np.inf, np.nan, 1e-45, -1e-45, 3.4e38, 65520, 65519.996])]
    )
    with np.errstate(over="ignore"):
        expected = around.astype(np_dtype(to))
    np.testing.assert_array_equal(wide(bm.asarray(around).astype(to)), wide(expected))
    np.testing.assert_array_equal(
        wide(bm.asarray(every.astype(np_dtype(to))).astype("float32")), every.astype(np.float32)
    )


def test_float64_rounds_once(target: str) -> None:
    """1 + 2^-11 + 2^-40 is above the midpoint; rounded to float32 first it would fall on it."""
    value = np.array([1 + 2.0**-11 + 2.0**-40, 1 + 2.0**-8 + 2.0**-40])
    assert np.asarray(bm.asarray(value[:1]).astype("float16"))[0] == np.float16(1 + 2.0**-10)
    assert wide(bm.asarray(value[1:]).astype("bfloat16"))[0] == 1 + 2.0**-7


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "uint8"])
def test_strided_copies(dtype: str, target: str) -> None:
    a = random((37, 41, 5), dtype)
    shown = bm.asarray(a)
    for mine, theirs in [
        (shown.permute(2, 0, 1), a.transpose(2, 0, 1)),
        (shown.T, a.T),
        (shown[::-2, 3:, ::2], a[::-2, 3:, ::2]),
        (shown[:, 4], a[:, 4]),
        (shown[5:5], a[5:5]),
    ]:
        copied = mine.copy()
        np.testing.assert_array_equal(copied, theirs)
        assert np.asarray(copied).flags.c_contiguous


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8", "int64"])
def test_permuted_copies_in_tiles(dtype: str, target: str) -> None:
    for shape in [(33, 65), (2, 40, 31), (17, 16, 5)]:
        a = random(shape, dtype)
        for axes in [(1, 0)] if a.ndim == 2 else [(0, 2, 1), (1, 2, 0), (2, 1, 0), (2, 0, 1)]:
            np.testing.assert_array_equal(bm.asarray(a).permute(axes).copy(), a.transpose(axes))
            reverse = bm.asarray(a)[::-1].permute(axes).copy()
            np.testing.assert_array_equal(reverse, a[::-1].transpose(axes))


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "int64"])
def test_rows_of_any_length_and_step(dtype: str, target: str) -> None:
    a = random((3, 531), dtype)
    for n in (1, 7, 16, 17, 33, 64, 65, 131, 265):
        for step in (slice(n, 0, -1), slice(0, 2 * n, 2), slice(1, 2 * n, 2), slice(0, 3 * n, 3)):
            view = bm.asarray(a)[:, step]
            np.testing.assert_array_equal(view.copy(), a[:, step])
        spread = bm.zeros((3, 2 * n), dtype)
        spread[:, ::2] = bm.asarray(a)[:, :n]
        np.testing.assert_array_equal(np.asarray(spread)[:, ::2], a[:, :n])
        assert not np.asarray(spread)[:, 1::2].any()


def test_large_transposed_copy(target: str) -> None:
    a = random((1025, 2049), "float32")
    np.testing.assert_array_equal(bm.asarray(a).T.copy(), a.T)


def test_bfloat16_is_ml_dtypes() -> None:
    a = np.arange(10).astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(wide(bm.asarray(a)[::3].copy()), wide(a[::3]))


@pytest.mark.parametrize("to", ["int8", "uint8", "int32", "int64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_out_of_range_is_the_nearest_integer_and_nan_is_0(dtype: str, to: str, target: str) -> None:
    if not target.startswith("cpu"):
        pytest.skip("other devices leave it undefined")
    limits = np.iinfo(to)
    ends = [limits.min, limits.max, -(2**31), 2**31, 2**31 - 128, 1e30, np.inf, 0.9, 255.5]
    edges = np.array([np.nan, *ends, *(-x for x in ends)], dtype)
    edges = np.concatenate([edges, np.nextafter(edges, dtype == "float32"), np.arange(7)])
    a = np.resize(edges, 3 * len(edges) + 5).astype(dtype)
    expected = [
        0 if np.isnan(x) else max(limits.min, min(limits.max, int(np.clip(x, -1e20, 1e20))))
        for x in a.tolist()
    ]
    for n in (1, 15, 16, len(a)):
        np.testing.assert_array_equal(bm.asarray(a[:n]).astype(to), expected[:n])


def test_float_to_integer_truncates_and_saturates_nowhere_by_surprise(target: str) -> None:
    a = np.float32([1.9, -1.9, 0.5, -0.5, 127.99])
    np.testing.assert_array_equal(bm.asarray(a).astype("int8"), [1, -1, 0, 0, 127])
    np.testing.assert_array_equal(
        bm.asarray(np.float32([0.1, 0, -0.0, np.nan])).astype("bool"), [True, False, False, True]
    )
