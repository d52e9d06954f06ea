"""Plain int8: rows with outlier columns, exact products, and their scaling."""

import struct

import numpy as np
import pytest
from kernels import (
    BIAS,
    DTYPES,
    ROUNDING,
    VECTOR_A,
    VECTOR_B,
    VECTOR_X,
    ceil_div,
    f64,
    random,
    run,
    set_options,
)

FLOATS = ["f32", "f16", "bf16"]
OUTLIERS = 1 << 12
TILES = {"_plain": (64, 256), "": (64, 128)}  # tile, threads


@pytest.fixture(autouse=True)
def order() -> None:
    set_options("shuffled")


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("threshold", [0.0, 1.5])
@pytest.mark.parametrize("shape", [(1, 1), (3, 37), (20, 700)])
def test_quantize_rows(shape: tuple[int, int], threshold: float, dtype: str) -> None:
    rows, columns = shape
    x = random(shape, dtype, columns) * DTYPES[dtype].type(0.7)
    if rows == 20:
        x[2], x[3, 5], x[4, 6] = 0, np.nan, np.inf
    marks, codes = np.full(columns, 7, np.uint8), np.full(shape, 99, np.int8)
    absmax = np.zeros(rows, np.float32)
    p = struct.pack("<IIfI", rows, columns, threshold, 0)
    if threshold:
        groups = (ceil_div(columns, 32),)
        run("int8.metal", f"int8_mark_outliers_{dtype}", [x, marks, p], groups=groups)
        np.testing.assert_array_equal(marks, (np.abs(f64(x)) >= threshold).any(axis=0))
    run(
        "int8.metal",
        f"int8_quantize_rows_{dtype}",
        [x, marks, codes, absmax, p],
        groups=(rows,),
        constants=OUTLIERS if threshold else 0,
    )
    values = x.astype(np.float32)
    inside = np.abs(values) >= threshold if threshold else np.zeros(shape, bool)
    wanted_absmax = np.where(inside, np.float32(0), np.abs(values)).max(axis=1)
    np.testing.assert_array_equal(absmax, wanted_absmax)
    with np.errstate(all="ignore"):
        factor = np.float32(127) / wanted_absmax
        wanted = np.clip(np.rint(values * factor[:, None]), -127, 127)
    usable = np.isfinite(wanted_absmax) & (wanted_absmax > 0)
    wanted[~usable] = 0
    if threshold:
        wanted[:, marks == 1] = 0
    np.testing.assert_array_equal(codes, wanted.astype(np.int8))


def matmul(kernel: str, a: np.ndarray, b: np.ndarray, constants: int) -> np.ndarray:
    (m, k), n = a.shape, len(b)
    c = np.zeros((m, n), np.int32)
    if kernel == "matvec":
        instance = next(i for i in (1, 2, 4, 8) if i >= m)
        p = struct.pack("<4I2q", n, k, m, 0, k, k)
        name, groups, threads = f"int8_matvec_b{instance}", (ceil_div(n, 4),), 64
    else:
        tile, threads = TILES[kernel]
        p = struct.pack("<4I6q", m, n, k, 0, k, 1, 0, k, 1, 0)
        name, groups = f"int8_matmul{kernel}", (ceil_div(n, tile), ceil_div(m, tile))
    buffers = [a, b, c, p]
    run("int8.metal", name, buffers, groups=groups, threads=(threads,), constants=constants)
    return c


@pytest.mark.parametrize("kernel", ["matvec", *TILES])
def test_products_are_exact(kernel: str) -> None:
    for m, n, k in [(1, 1, 1), (3, 5, 37), (8, 70, 136), (5, 66, 4104)]:
        a, b = random((m, k), "i8", 1), random((n, k), "i8", 2)
        constants = VECTOR_A | VECTOR_B | VECTOR_X if k % 8 == 0 else 0
        wanted = a.astype(np.int64) @ b.astype(np.int64).T
        np.testing.assert_array_equal(matmul(kernel, a, b, constants), wanted)


@pytest.mark.parametrize("kernel", ["matvec", *TILES])
def test_sums_beyond_float_are_exact(kernel: str) -> None:
    a, b = np.full((2, 20001), -128, np.int8), np.full((3, 20001), -128, np.int8)
    a[0, -1], b[1] = 3, 127
    wanted = a.astype(np.int64) @ b.astype(np.int64).T
    np.testing.assert_array_equal(matmul(kernel, a, b, 0), wanted)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("dtype", FLOATS)
def test_dequantize(dtype: str, biased: bool) -> None:
    rows, columns = 5, 70
    sums = random((rows, columns), "i32") // 1000
    row, column = np.abs(random((rows,), "f32", 1)), np.abs(random((columns,), "f32", 2))
    bias = random((columns,), "f32", 3) if biased else None
    out = np.zeros((rows, columns), DTYPES[dtype])
    p = struct.pack("<2Q2q2I", rows, columns, columns, columns, 0, 0)
    run(
        "int8.metal",
        f"int8_dequantize_{dtype}",
        [sums, row, column, bias, out, p],
        groups=(3, 5),
        threads=(32, 1),
        constants=BIAS if biased else 0,
    )
    wanted = f64(sums) * np.outer(f64(row), f64(column)) / 127**2
    size = np.abs(wanted)
    wanted = wanted + (0 if bias is None else f64(bias))
    assert np.all(np.abs(f64(out) - wanted) <= ROUNDING[dtype] * np.abs(wanted) + 3e-7 * size)
