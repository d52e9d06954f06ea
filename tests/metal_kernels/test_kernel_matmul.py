"""Dense matrix products and matrix-vector products."""

import struct

import numpy as np
import pytest
from kernels import (
    ALONG_A,
    ALONG_B,
    DTYPES,
    ORDERS,
    ROUNDING,
    VECTOR_A,
    VECTOR_B,
    VECTOR_X,
    VECTORS,
    ceil_div,
    f64,
    random,
    run,
    set_options,
)

FLOATS = ["f32", "f16", "bf16"]
ENGINES = {  # tile, threads
    "matmul": (64, 128),
    "matmul_large": (128, 128),
    "matmul_plain": (64, 256),
    "matmul_plain_large": (128, 256),
}
PIECE = {"f32": 4, "f16": 8, "bf16": 8}  # elements of a load of 16 bytes
SIZES = [(1, 1, 1), (3, 5, 7), (64, 64, 32), (65, 33, 40), (20, 132, 104)]  # m, n, k


@pytest.fixture(autouse=True, params=ORDERS)
def order(request: pytest.FixtureRequest) -> None:
    set_options(request.param)


def close(got: np.ndarray, a: np.ndarray, b: np.ndarray, dtype: str) -> None:
    """Errors relative to the sum of the products' magnitudes, and the rounding of the result."""
    wanted, size = f64(a) @ f64(b), np.abs(f64(a)) @ np.abs(f64(b))
    bound = ROUNDING[dtype] * np.abs(wanted) + 1e-6 * size
    assert np.all(np.abs(f64(got) - wanted) <= bound), np.max(np.abs(f64(got) - wanted) / size)


def steps(x: np.ndarray) -> list[int]:
    return [stride // x.itemsize for stride in x.strides]


def matmul(engine: str, dtype: str, a: np.ndarray, b: np.ndarray, constants: int) -> np.ndarray:
    """A [batch, m, k] and B [batch, k, n], each contiguous or a transposed view."""
    tile, threads = ENGINES[engine]
    (batch, m, k), n = a.shape, b.shape[2]
    out = np.full((batch, m, n), np.nan, DTYPES[dtype])
    a_batch, a_row, a_depth = steps(a)
    b_batch, b_depth, b_row = steps(b)
    p = struct.pack("<4I6q", m, n, k, 0, a_row, a_depth, a_batch, b_row, b_depth, b_batch)
    data = [x if x.base is None else x.base for x in (a, b)]
    groups = (ceil_div(n, tile), ceil_div(m, tile), batch)
    name = f"{engine}_{dtype}"
    run(
        "matmul.metal",
        name,
        [*data, out, p],
        groups=groups,
        threads=(threads,),
        constants=constants,
    )
    return out


def operand(shape: tuple[int, int, int], dtype: str, transposed: bool, seed: int) -> np.ndarray:
    batch, rows, columns = shape
    if transposed:
        return random((batch, columns, rows), dtype, seed).transpose(0, 2, 1)
    return random(shape, dtype, seed)


@pytest.mark.parametrize("transposes", ["nn", "nt", "tn", "tt"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("engine", ENGINES)
def test_matmul(engine: str, dtype: str, transposes: str) -> None:
    for m, n, k in SIZES:
        a = operand((2, m, k), dtype, transposes[0] == "t", 1)
        b = operand((2, k, n), dtype, transposes[1] == "t", 2)
        constants = (ALONG_A if transposes[0] == "n" else 0) | (ALONG_B * (transposes[1] == "t"))
        if (k if transposes[0] == "n" else m) % PIECE[dtype] == 0:
            constants |= VECTOR_A
        if (n if transposes[1] == "n" else k) % PIECE[dtype] == 0:
            constants |= VECTOR_B
        if n % 4 == 0:
            constants |= VECTORS
        got = matmul(engine, dtype, a, b, constants)
        close(got, a, b, dtype)
        # Which direction threads walk and how wide they load is no matter of correctness.
        np.testing.assert_array_equal(got, matmul(engine, dtype, a, b, 0))


@pytest.mark.parametrize("engine", ENGINES)
def test_broadcast_batch_and_strides(engine: str) -> None:
    a = np.broadcast_to(random((1, 10, 12), "f32"), (3, 10, 12))
    b = random((3, 24, 18), "f32")[:, ::2, ::2]
    close(matmul(engine, "f32", a, b, 0), a, b, "f32")


@pytest.mark.parametrize("engine", ENGINES)
def test_small_integers_are_exact(engine: str) -> None:
    a = np.arange(70 * 50).reshape(1, 70, 50).astype(np.float32) % 17
    b = np.arange(50 * 67).reshape(1, 50, 67).astype(np.float32) % 13
    np.testing.assert_array_equal(matmul(engine, "f32", a, b, ALONG_A), a @ b)


@pytest.mark.parametrize("engine", ENGINES)
def test_nan_stays_in_its_row_and_column(engine: str) -> None:
    a, b = random((1, 66, 33), "f32", 1), random((1, 33, 66), "f32", 2)
    a[0, 65, 32] = np.nan
    out = matmul(engine, "f32", a, b, ALONG_A)[0]
    assert np.isnan(out[65]).all()
    assert np.isfinite(out[:65]).all()


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kernel", ["matvec", "matvec_columns"])
def test_matvec(kernel: str, dtype: str, batch: int) -> None:
    instance = next(n for n in (1, 2, 4, 8) if n >= batch)
    for rows, columns in [(1, 1), (5, 3), (33, 129), (70, 1024), (4, 2000)]:
        x, w = random((batch, columns), dtype, 1), random((rows, columns), dtype, 2)
        y = np.full((batch, rows), np.nan, DTYPES[dtype])
        by_rows = kernel == "matvec"
        stored = w if by_rows else np.ascontiguousarray(w.T)
        stride = columns if by_rows else rows
        p = struct.pack("<4I2q", rows, columns, batch, 0, stride, columns)
        for constants, threads in [(0, 256), (0, 32), (VECTOR_B | VECTOR_X, 64)]:
            if constants and columns % 4:
                continue
            groups = (ceil_div(rows, 4 if by_rows else 32),)
            run(
                "matvec.metal",
                f"{kernel}_{dtype}_b{instance}",
                [x, stored, y, p],
                groups=groups,
                threads=(threads,),
                constants=constants,
            )
            close(y, x, w.T, dtype)
