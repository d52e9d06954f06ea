from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import bitmetal as bm
from table import EXACT, HALVES_AND_SINGLE, NMSE, Case, np_dtype, over, random, wide

Values = npt.NDArray[Any]


def quantize_rows(x: Values, threshold: float = 0) -> tuple[Values, Values, Values]:
    """From the contract's text."""
    x = x.astype(np.float32)
    with np.errstate(invalid="ignore"):
        outlier = np.abs(x) >= threshold if threshold else np.zeros(x.shape, bool)
    kept = np.where(outlier, np.float32(0), x)
    absmax = np.abs(kept).max(axis=1)
    with np.errstate(all="ignore"):
        codes = np.rint(kept * (np.float32(127) / absmax[:, None]))
    codes[~np.isfinite(absmax) | (absmax == 0)] = 0
    columns = outlier.any(axis=0)
    codes[:, columns] = 0
    return codes.astype(np.int8), absmax, np.flatnonzero(columns)


@pytest.mark.parametrize("dtype", HALVES_AND_SINGLE)
@pytest.mark.parametrize("shape", [(1, 1), (3, 16), (5, 127), (2, 4097)])
@pytest.mark.parametrize("threshold", [0.0, 2.5])
def test_quantize_rows(threshold: float, shape: tuple[int, int], dtype: str, target: str) -> None:
    x = random(shape, dtype, 1)
    for ours, expected in zip(
        bm.blockwise.int8_quantize_rows(x, threshold), quantize_rows(x, threshold), strict=True
    ):
        np.testing.assert_array_equal(ours, expected)


def test_special_rows(target: str) -> None:
    x = random((6, 40), "float32")
    x[0], x[1, 3], x[2, 5], x[3] = 0, np.nan, np.inf, np.float32(127) * (np.arange(40) % 2)
    x[3, :4] = [0.5, 1.5, 2.5, -126.5]  # halves, to even
    for threshold in (0.0, 3.0):
        for ours, expected in zip(
            bm.blockwise.int8_quantize_rows(x, threshold), quantize_rows(x, threshold), strict=True
        ):
            np.testing.assert_array_equal(ours, expected)
    codes = np.asarray(bm.blockwise.int8_quantize_rows(x)[0])
    assert not codes[:3].any()
    assert codes[3, :4].tolist() == [0, 2, 2, -126]


def test_shapes(target: str) -> None:
    x = random((2, 3, 8), "float32")
    codes, absmax, outliers = bm.blockwise.int8_quantize_rows(x)
    assert (codes.shape, absmax.shape, outliers.shape) == ((2, 3, 8), (6,), (0,))
    codes, absmax, outliers = bm.blockwise.int8_quantize_rows(np.zeros((3, 0), np.float32), 1.0)
    assert (codes.shape, absmax.shape, outliers.shape) == ((3, 0), (3,), (0,))
    a = random((2, 3, 8), "int8")
    assert bm.blockwise.int8_matmul(a, random((5, 8), "int8")).shape == (2, 3, 5)
    assert bm.blockwise.int8_matmul(a[0, 0], random((5, 8), "int8")).shape == (5,)
    nothing = bm.blockwise.int8_matmul(np.zeros((2, 0), np.int8), np.zeros((3, 0), np.int8))
    np.testing.assert_array_equal(nothing, np.zeros((2, 3), np.int32))


def product(m: int, n: int, k: int, low: int = -128, high: int = 127) -> Case:
    def inputs() -> list[Values]:
        rng = np.random.default_rng(m * n + k)
        return [rng.integers(low, high, (rows, k), dtype=np.int8, endpoint=True) for rows in (m, n)]

    def reference(a: Values, b: Values) -> Values:
        return (a.astype(np.int64) @ b.astype(np.int64).T).astype(np.int32)

    label = f"int8_matmul-{m}x{n}x{k}-from{low}to{high}"
    return Case(label, inputs, bm.blockwise.int8_matmul, reference, EXACT)


PRODUCTS = [
    *(
        product(m, n, k)
        for m, n in [(1, 1), (1, 17), (3, 4), (9, 2), (6, 33)]
        for k in (1, 15, 64, 65, 131)
    ),
    *(product(m, n, k) for m, n in [(9, 33), (130, 70)] for k in (1, 63, 1030)),
    product(10, 20, 131071, -128, -128),
    # The largest sums: 16-bit intermediates would saturate.
    *(product(3, 5, k, low, low) for k in (64, 5000, 131071) for low in (-128, 127)),
]


@over(PRODUCTS)
def test_products(case: Case, target: str) -> None:
    case.check()


def test_sums_past_int32_wrap(target: str) -> None:
    k = 131072 + 64
    a, b = np.full((1, k), -128, np.int8), np.full((2, k), -128, np.int8)
    expected = np.int64(16384 * k) - 2**32
    np.testing.assert_array_equal(bm.blockwise.int8_matmul(a, b), [[expected, expected]])


def dequantized(dtype: str, bias: bool) -> Case:
    def inputs() -> list[Values]:
        rng = np.random.default_rng(1)
        arrays = [
            rng.integers(-(10**6), 10**6, (7, 37), dtype=np.int32),
            rng.uniform(0, 3, 7).astype(np.float32),
            rng.uniform(0, 3, 37).astype(np.float32),
        ]
        return [*arrays, random((37,), dtype, 2)] if bias else arrays

    def run(*arrays: bm.Array) -> bm.Array:
        b = arrays[3] if bias else None
        return bm.blockwise.int8_dequantize(*arrays[:3], b, dtype=dtype)

    def reference(sums: Values, rows: Values, columns: Values, b: Values | float = 0.0) -> Values:
        return sums * np.outer(rows, columns) / 127**2 + b

    label = f"int8_dequantize-{dtype}{'-bias' if bias else ''}"
    return Case(label, inputs, run, reference, NMSE[dtype])


@over([dequantized(dtype, bias) for dtype in HALVES_AND_SINGLE for bias in (False, True)])
def test_dequantize(case: Case, target: str) -> None:
    case.check()


def test_linear_layer(target: str) -> None:
    """Quantize both sides, multiply, dequantize: near the float product."""
    x, w = random((20, 256), "float32", 1), random((30, 256), "float32", 2)
    a, rows, _ = bm.blockwise.int8_quantize_rows(x)
    b, columns, _ = bm.blockwise.int8_quantize_rows(w)
    y = bm.blockwise.int8_dequantize(bm.blockwise.int8_matmul(a, b), rows, columns)
    error = wide(y) - x.astype(np.float64) @ w.T.astype(np.float64)
    assert np.sqrt(np.mean(error**2)) < 0.01 * np.sqrt(256)
    assert y.dtype == np_dtype("float32")


WRONG = [
    (lambda: bm.blockwise.int8_matmul([[1]], [[1]]), TypeError, "a is int64"),
    (
        lambda: bm.blockwise.int8_matmul(np.zeros((2, 3), np.int8), np.zeros((2, 4), np.int8)),
        ValueError,
        "3 columns",
    ),
    (lambda: bm.blockwise.int8_quantize_rows(np.float32(1)), ValueError, "no dimensions"),
    (
        lambda: bm.blockwise.int8_quantize_rows(np.zeros((1, 1), np.float32), -1.0),
        ValueError,
        "threshold is -1",
    ),
    (
        lambda: bm.blockwise.int8_dequantize(
            np.zeros((2, 3), np.int32), np.zeros(3, np.float32), np.zeros(3, np.float32)
        ),
        ValueError,
        "row_absmax has 3 elements, expected 2",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), WRONG, ids=[w[2] for w in WRONG])
def test_wrong_arguments(call: Any, error: type[Exception], text: str, target: str) -> None:
    with pytest.raises(error, match=text):
        call()
