"""Kernels of linear algebra, one block or panel at a time."""

import struct

import numpy as np
import pytest
from kernels import (
    ALONG_A,
    ALONG_B,
    NORMALIZE,
    ORDERS,
    VECTOR_A,
    VECTOR_B,
    WEIGHT,
    ceil_div,
    f64,
    random,
    run,
    set_options,
)

EPS = float(np.finfo(np.float32).eps)
PANEL = 32  # columns of a panel of QR and LU, rows of two blocks of Jacobi's method
WHOLE, LOWER, UPPER = range(3)


@pytest.fixture(autouse=True, params=ORDERS)
def order(request: pytest.FixtureRequest) -> None:
    set_options(request.param)


def small(difference: np.ndarray, size: float, n: int) -> None:
    assert np.linalg.norm(difference) <= 4 * n * EPS * size


def positive(n: int) -> np.ndarray:
    a = f64(random((2, n, n), "f32"))
    return (a @ a.transpose(0, 2, 1) / n + np.eye(n)).astype(np.float32)


@pytest.mark.parametrize(
    ("kernel", "threads", "n"), [("32", 64, 1), ("32", 64, 31), ("64", 256, 50)]
)
def test_cholesky(kernel: str, threads: int, n: int) -> None:
    a, out, info = positive(n), np.full((2, n, n), np.nan, np.float32), np.full(2, -7, np.int32)
    p = struct.pack("<2I6q", n, 0, n, 1, n * n, n, 1, n * n)
    run("cholesky.metal", f"cholesky_{kernel}", [a, out, info, p], groups=(2,), threads=(threads,))
    assert not info.any()
    assert not np.triu(out, 1).any()
    small(f64(out) @ f64(out).transpose(0, 2, 1) - a, np.linalg.norm(a), n)


def test_cholesky_names_the_failing_minor() -> None:
    a = np.stack([np.eye(40), np.eye(40)]).astype(np.float32)
    a[1, 17, 17], a[0, 3, 3] = -1, np.nan
    info = np.zeros(2, np.int32)
    p = struct.pack("<2I6q", 40, 0, 40, 1, 1600, 40, 1, 1600)
    run("cholesky.metal", "cholesky_64", [a, a, info, p], groups=(2,), threads=(256,))
    np.testing.assert_array_equal(info, [4, 18])


def test_cholesky_goes_on_where_nothing_failed() -> None:
    a, info = np.stack([2 * np.eye(9, dtype=np.float32)] * 2), np.array([0, 3], np.int32)
    a[0, 4, 4] = 0
    before = a.copy()
    p = struct.pack("<2I6q", 9, 64, 9, 1, 81, 9, 1, 81)
    run("cholesky.metal", "cholesky_32", [a, a, info, p], groups=(2,), threads=(64,))
    np.testing.assert_array_equal(info, [64 + 5, 3])
    np.testing.assert_array_equal(a[1], before[1])


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("n", [1, 30, 32])
def test_triangular(n: int, unit: bool, upper: bool) -> None:
    columns, sign, skip = 70, -1 if upper else 1, n - 1 if upper else 0
    t = random((2, n, n), "f32", 1) / n + 2 * np.eye(n, dtype=np.float32)
    b = random((2, n, columns), "f32", 2)
    x = b.copy()
    p = struct.pack(
        "<4I8q",
        *(n, columns, unit, 0, skip * (n + 1), sign * n, sign, n * n),
        *(skip * columns, sign * columns, 1, n * columns),
    )
    run("triangular.metal", "solve_triangular", [t, x, p], groups=(2, 2), threads=(64,))
    full = f64(np.triu(t) if upper else np.tril(t))
    if unit:
        full[:, range(n), range(n)] = 1
    small(full @ f64(x) - b, np.linalg.norm(full) * np.linalg.norm(x), n)


@pytest.mark.parametrize(("engine", "tile", "threads"), [("", 64, 128), ("_plain", 64, 256)])
def test_update(engine: str, tile: int, threads: int) -> None:
    m, k = 70, 40
    a, c = random((2, m, k), "f32", 1), random((2, m, m), "f32", 2)
    expected = f64(c) - f64(a) @ f64(a).transpose(0, 2, 1)
    p = struct.pack("<4I6q2q2I", m, m, k, 0, k, 1, m * k, k, 1, m * k, m, m * m, LOWER, 0)
    run(
        "matmul_update.metal",
        f"matmul_update{engine}",
        [a, a, c, p],
        groups=(ceil_div(m, tile), ceil_div(m, tile), 2),
        threads=(threads,),
        constants=ALONG_A | ALONG_B | VECTOR_A | VECTOR_B,
    )
    small(np.tril(c - expected), np.linalg.norm(expected), k)


def test_copies() -> None:
    a = random((2, 40, 70), "f32")
    out = np.full((2, 70, 40), np.nan, np.float32)
    for part, expected in ((WHOLE, a), (LOWER, np.tril(a)), (UPPER, np.triu(a))):
        p = struct.pack("<4I6q", 40, 70, part, 0, 70, 1, 2800, 1, 40, 2800)
        run("matrix.metal", "copy_matrix", [a, out, p], groups=(3, 2, 2))
        np.testing.assert_array_equal(out, expected.transpose(0, 2, 1))
    p = struct.pack("<4I6q", 40, 70, *[0] * 8)
    out = np.full((2, 40, 70), np.nan, np.float32)
    run("matrix.metal", "identity", [out, p], groups=(3, 5, 2))
    np.testing.assert_array_equal(out, np.broadcast_to(np.eye(40, 70), out.shape))


def factored(a: np.ndarray, held: int, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """R and V of a panel, and T."""
    batch, rows, columns = a.shape
    work, t = a.copy(), np.full((batch, PANEL, PANEL), np.nan, np.float32)
    steps = min(rows, columns)
    sizes = (columns, rows * columns, PANEL * PANEL)
    p = struct.pack("<4I3q", rows, columns, steps, 0, *sizes)
    run("qr.metal", f"qr_panel_{held}", [work, t, p], groups=(batch,), threads=(threads,))
    return work, t


def applied(work: np.ndarray, t: np.ndarray, c: np.ndarray, transposed: bool) -> np.ndarray:
    batch, rows, columns = work.shape
    out, width = c.copy(), c.shape[2]
    sizes = (columns, rows * columns, PANEL * PANEL, width, rows * width)
    p = struct.pack("<4I5q", rows, min(rows, columns), width, transposed, *sizes)
    groups = (ceil_div(width, PANEL), batch)
    run("qr.metal", "qr_apply", [work, t, out, p], groups=groups, threads=(128,))
    return out


@pytest.mark.parametrize(
    ("shape", "held", "threads"),
    [
        ((40, 20), 1, 64),
        ((20, 32), 1, 32),
        ((70, 32), 2, 64),
        ((70, 32), 0, 32),
        ((33, 7), 0, 32),
        ((1, 1), 1, 32),
    ],
)
def test_qr(shape: tuple[int, int], held: int, threads: int) -> None:
    rows, columns = shape
    a = random((2, *shape), "f32")
    a[0] *= np.float32(10.0) ** np.linspace(-25, 25, columns, dtype=np.float32)
    a[1, :, columns // 2 :] = a[1, :, :1]  # of a low rank
    work, t = factored(a, held, threads)
    r = np.triu(work)
    eye = np.broadcast_to(np.eye(rows, dtype=np.float32), (2, rows, rows))
    q = applied(work, t, np.ascontiguousarray(eye), False)
    small(f64(q).transpose(0, 2, 1) @ f64(q) - eye, 1, rows)
    size = np.abs(f64(a)).max(axis=1, keepdims=True)
    small((f64(q) @ f64(r) - a) / size, np.linalg.norm(a / size), rows)
    back = applied(work, t, q, True)
    small(f64(back) - eye, 1, rows)


@pytest.mark.parametrize("n", [1, 17, 32])
def test_jacobi(n: int) -> None:
    a = random((2, n, n), "f32")
    a[1, n // 2 :] = a[1, :1]  # of a low rank
    w, states, info = np.empty_like(a), np.zeros((2, 4), np.float32), np.zeros(2, np.int32)
    flags, j = np.zeros((2, 24), np.uint32), np.stack([np.eye(n, dtype=np.float32)] * 2)
    values, rows = np.empty((2, n), np.float32), np.empty((2, n, 4), np.uint32)
    out = np.full_like(a, np.nan)
    p = struct.pack("<4IfI", n, 2, 0, 0, 4 * EPS, WHOLE)
    run("jacobi.metal", "jacobi_prepare", [a, w, states, info, p], groups=(2,))
    run(
        "jacobi.metal",
        "jacobi_round",
        [w, j, states, flags, p],
        groups=(1, 2),
        threads=(128,),
        constants=WEIGHT,
    )
    run("jacobi.metal", "jacobi_values", [w, states, flags, values, rows, info, p], groups=(2,))
    groups = (ceil_div(n, 8), 2)
    run("jacobi.metal", "jacobi_sort", [w, rows, out, p], groups=groups, constants=NORMALIZE)
    assert not info.any()
    expected = np.linalg.svd(f64(a), compute_uv=False)
    small(values - expected, np.linalg.norm(a), n)
    small(f64(j) @ f64(j).transpose(0, 2, 1) - np.eye(n), 1, n)
    small(f64(out[0]) @ f64(out[0]).T - np.eye(n), 1, n)
    run("jacobi.metal", "jacobi_signs", [w, out, p], groups=groups)
    signs = np.where(w[:, range(n), range(n)] < 0, -1, 1)
    np.testing.assert_array_equal(out, signs[:, :, None] * np.eye(n))


@pytest.mark.parametrize(
    ("shape", "held", "threads"),
    [((32, 32), 1, 32), ((50, 20), 1, 64), ((70, 32), 2, 64), ((70, 32), 0, 32)],
)
def test_lu(shape: tuple[int, int], held: int, threads: int) -> None:
    rows, columns = shape
    a = random((2, rows, columns), "f32")
    a[1, :, 3] = 0
    lu, pivots, info = a.copy(), np.full((2, columns), -1, np.int32), np.zeros(2, np.int32)
    size = rows * columns
    p = struct.pack("<4I3q", rows, columns, columns, 7, columns, size, columns)
    run("lu.metal", f"lu_panel_{held}", [lu, pivots, info, p], groups=(2,), threads=(threads,))
    swapped = a.copy()
    p = struct.pack("<2I3q", columns, columns, columns, size, columns)
    run("lu.metal", "lu_swap", [swapped, pivots, p], groups=(1, 2), threads=(64,))
    lower, upper = np.tril(f64(lu), -1), np.triu(f64(lu))[:, :columns]
    lower[:, range(columns), range(columns)] = 1
    assert np.abs(lower).max() == 1
    small(lower @ upper - swapped, np.linalg.norm(a), rows)
    np.testing.assert_array_equal(info, [0, 7 + 4])
