"""Ternary products and quantization at the sizes of models, beside NumPy's float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import bitmetal as bm

SIZES = [(2560, 6912), (4096, 4096), (4096, 14336)]  # out x in
BATCHES = [1, 8, 128]
Measure = Callable[..., None]


def weights(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((rows, columns), np.float32)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_bitlinear(measure: Measure, rows: int, columns: int, batch: int) -> None:
    dense = weights(rows, columns)
    w = bm.ternary.quantize(dense)
    x = np.random.default_rng(1).standard_normal((batch, columns), np.float32)
    a, out = bm.asarray(x), bm.empty((batch, rows))
    theirs, y = dense.T, np.empty((batch, rows), np.float32)
    measure(
        lambda: bm.bitlinear(a, w, out=out),
        nbytes=w.nbytes + x.nbytes + y.nbytes,
        operations=2 * batch * rows * columns,
        numpy=lambda: np.matmul(x, theirs, out=y),
    )


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_matmul_float_activations(measure: Measure, rows: int, columns: int, batch: int) -> None:
    dense = weights(rows, columns)
    w = bm.ternary.quantize(dense)
    x = np.random.default_rng(1).standard_normal((batch, columns), np.float32)
    a, out = bm.asarray(x), bm.empty((batch, rows))
    theirs, y = dense.T, np.empty((batch, rows), np.float32)
    measure(
        lambda: bm.ternary.matmul(a, w, out=out),
        nbytes=w.nbytes + x.nbytes + y.nbytes,
        operations=2 * batch * rows * columns,
        numpy=lambda: np.matmul(x, theirs, out=y),
    )


def numpy_quantize(w: np.ndarray) -> tuple[np.ndarray, np.float32]:
    """The same formula and packing: four codes a byte."""
    scale = np.maximum(np.abs(w).mean(), np.float32(1e-5))
    codes = (np.clip(np.rint(w / scale), -1, 1) + 1).astype(np.uint8)
    fields = codes.reshape(4, w.shape[0] // 4, w.shape[1])
    return fields[0] | fields[1] << 2 | fields[2] << 4 | fields[3] << 6, scale


@pytest.mark.parametrize(("rows", "columns"), [(1024, 1024), *SIZES])
def test_quantize(measure: Measure, rows: int, columns: int) -> None:
    dense = weights(rows, columns)
    a = bm.asarray(dense)
    measure(
        lambda: bm.ternary.quantize(a),
        nbytes=2 * dense.nbytes + dense.size / 4,  # the weight is read twice
        numpy=lambda: numpy_quantize(dense),
    )


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_dequantize(measure: Measure, rows: int, columns: int, dtype: str) -> None:
    w = bm.ternary.quantize(weights(rows, columns))
    codes, scale = np.asarray(w.codes()), np.float32(w.scale)
    measure(
        lambda: w.dequantize(dtype),
        nbytes=rows * columns * (np.dtype(dtype).itemsize + 0.25),
        numpy=lambda: (codes * scale).astype(dtype, copy=False),
    )
