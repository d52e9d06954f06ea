"""Products with ternary weights: floating activations, and BitLinear's int8 ones."""

import struct

import numpy as np
import pytest
import ternary_layout as layout
from kernels import (
    BIAS,
    DTYPES,
    NORMALIZE,
    ORDERS,
    ROUNDING,
    VECTOR_A,
    VECTOR_X,
    WEIGHT,
    ceil_div,
    f64,
    random,
    run,
    set_options,
)

FLOATS = ["f32", "f16", "bf16"]
GROUPS = [None, 16, 48]
SIZES = [(1, 1), (16, 16), (5, 37), (70, 130), (33, 1100)]  # rows, columns
WEIGHT_FIRST = {"large": (128, 128)}  # rows, activations
MATRICES = ["f16_b8", "f16_b16", "f16_b32", "bf16_b8", "tall_f16_b8", "tall_bf16_b8", "tall_f32_b2"]
TILES = {"": (64, 128), "_plain": (64, 256)}  # tile, threads


@pytest.fixture(autouse=True, params=ORDERS)
def order(request: pytest.FixtureRequest) -> None:
    set_options(request.param)


def params(rows: int, columns: int, batch: int, group_size: int | None, stride: int) -> bytes:
    size = group_size or columns
    return struct.pack("<6Iq", rows, columns, batch, ceil_div(columns, size), size, 0, stride)


def instance(batch: int) -> int:
    return next(n for n in (1, 2, 4, 8) if n >= batch)


def grouped(group_size: int | None) -> str:
    return "_grouped" if group_size else ""


def check(y: np.ndarray, x: np.ndarray, w: np.ndarray, dtype: str) -> None:
    wanted, size = f64(x) @ w.T, np.abs(f64(x)) @ np.abs(w.T)
    # The mat-vec sums (T + 1) x: up to twice the magnitudes of the products, zeros included.
    size = np.maximum(size, np.abs(f64(x)).sum(axis=1, keepdims=True) * np.abs(w).max())
    bound = ROUNDING[dtype] * np.abs(wanted) + 2e-6 * size
    assert np.all(np.abs(f64(y) - wanted) <= bound), np.max(np.abs(f64(y) - wanted) / size)


def check_product(
    file: str,
    kernel: str,
    size: tuple[int, int, int],  # rows, columns, batch
    dtype: str,
    groups: tuple[int, int],
    threads: int,
    group_size: int | None = None,
) -> None:
    rows, columns, batch = size
    ternary, scales = layout.random_weight(rows, columns, group_size)
    x = random((batch, columns), dtype)
    y = np.full((batch, rows), np.nan, DTYPES[dtype])
    p = params(rows, columns, batch, group_size, columns)
    run(
        file,
        kernel,
        [x, layout.pack(ternary), layout.spread(scales), y, p],
        groups=groups,
        threads=(threads,),
        constants=VECTOR_A if columns % 8 == 0 else 0,
    )
    check(y, x, layout.dense(ternary, scales, group_size), dtype)


@pytest.mark.parametrize("group_size", GROUPS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("batch", [1, 2, 3, 8])
def test_matvec(batch: int, dtype: str, group_size: int | None) -> None:
    for rows, columns in SIZES:
        ternary, scales = layout.random_weight(rows, columns, group_size)
        x = random((batch, columns), dtype)
        weight = [layout.pack(ternary), layout.spread(scales)]
        p = params(rows, columns, batch, group_size, columns)
        name = f"ternary_matvec{grouped(group_size)}_{dtype}_b{instance(batch)}"
        for constants, threads in [(0, 256), (0, 32), (VECTOR_X, 96)]:
            if constants and columns % 4:
                continue
            y = np.full((batch, rows), np.nan, DTYPES[dtype])
            run(
                "ternary_matvec.metal",
                name,
                [x, *weight, y, p],
                groups=(ceil_div(rows, 16),),
                threads=(threads,),
                constants=constants,
            )
            check(y, x, layout.dense(ternary, scales, group_size), dtype)


@pytest.mark.parametrize("group_size", GROUPS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("engine", TILES)
def test_matmul(engine: str, dtype: str, group_size: int | None) -> None:
    tile, threads = TILES[engine]
    kernel = f"ternary_matmul{engine}{grouped(group_size)}_{dtype}"
    for (rows, columns), batch in zip(SIZES, (1, 64, 9, 70, 33), strict=True):
        groups = ceil_div(rows, tile), ceil_div(batch, tile)
        size = rows, columns, batch
        check_product("ternary_matmul.metal", kernel, size, dtype, groups, threads, group_size)


@pytest.mark.parametrize("kernel", WEIGHT_FIRST)
def test_matmul_with_the_weight_first(kernel: str) -> None:
    down, across = WEIGHT_FIRST[kernel]
    name = f"ternary_matmul_{kernel}_f16"
    for (rows, columns), batch in zip([*SIZES, (140, 264)], (1, 64, 9, 70, 33, 7), strict=True):
        groups = ceil_div(batch, across), ceil_div(rows, down)
        check_product("ternary_matmul.metal", name, (rows, columns, batch), "f16", groups, 128)


@pytest.mark.parametrize("kernel", MATRICES)
def test_decoded_matrices(kernel: str) -> None:
    tile = 128 if kernel.startswith("tall") else 32
    dtype, most = kernel.split("_")[-2], int(kernel.split("_b")[-1])
    name = f"ternary_matrices_{kernel}"
    sizes = [(1, 1), (5, 37), (33, 200), (140, 320), (36, 1100)]
    for (rows, columns), batch in zip(sizes, (1, 2, 3 * most - 1, most, most), strict=True):
        groups = ceil_div(rows, tile), ceil_div(batch, most)
        threads = 64 if columns > 64 else 32
        size = rows, columns, batch
        check_product("ternary_matrices.metal", name, size, dtype, groups, threads)


def test_decoded_matrices_of_floats() -> None:
    """Three bfloats have all of a float, and infinity reaches what it is multiplied with."""
    ternary = np.zeros((4, 16), np.int8)
    ternary[0, 0] = ternary[2, 1] = 1
    ternary[1, 0] = -1
    x = np.array(
        [[np.float32(1 + 2**-23) / 3, 1e30] + [0] * 14, [np.inf, 2] + [1] * 14], np.float32
    )
    y = np.full((2, 4), 7, np.float32)
    weight = [layout.pack(ternary), layout.spread(np.ones((4, 1), np.float32))]
    run(
        "ternary_matrices.metal",
        "ternary_matrices_tall_f32_b2",
        [x, *weight, y, params(4, 16, 2, None, 16)],
        groups=(1, 1),
        threads=(32,),
    )
    np.testing.assert_array_equal(y[0], [x[0, 0], -x[0, 0], x[0, 1], 0])
    np.testing.assert_array_equal(y[1], [np.inf, -np.inf, np.nan, np.nan])


def quantize(
    x: np.ndarray, dtype: str, norm_weight: np.ndarray | None = None, *, normalize: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = x.shape
    padded = ceil_div(columns, 16) * 16
    q, factors = np.full((rows, padded), 99, np.int8), np.zeros(rows, np.float32)
    p = struct.pack("<3Ifq", rows, columns, padded, 1e-5, columns)
    constants = (NORMALIZE if normalize else 0) | (WEIGHT if norm_weight is not None else 0)
    name = f"bitlinear_quantize_{dtype}"
    buffers = [x, norm_weight, q, factors, p]
    run("bitlinear.metal", name, buffers, groups=(rows,), constants=constants)
    return q, factors


def quantized(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """NumPy's int8 activations of f32 rows, padded, and their factors."""
    top = np.maximum(np.abs(x).max(axis=1, keepdims=True), np.float32(1e-5))
    q = np.clip(np.rint(x * (np.float32(127) / top)), -128, 127).astype(np.int8)
    pad = -x.shape[1] % 16
    return np.pad(q, ((0, 0), (0, pad))), (top / np.float32(127))[:, 0]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 37), (2, 1000)])
def test_quantize(shape: tuple[int, int], dtype: str) -> None:
    x = random(shape, dtype)
    q, factors = quantize(x, dtype)
    wanted, wanted_factors = quantized(x.astype(np.float32))
    np.testing.assert_array_equal(q, wanted)
    np.testing.assert_array_equal(factors, wanted_factors)


@pytest.mark.parametrize("weighted", [False, True])
def test_normalized(weighted: bool) -> None:
    x, weight = random((3, 100), "f32"), random((100,), "f32", seed=1)
    q, factors = quantize(x, "f32", weight if weighted else None, normalize=True)
    normal = f64(x) / np.sqrt(np.mean(f64(x) ** 2, axis=1, keepdims=True) + 1e-5)
    normal *= f64(weight) if weighted else 1
    np.testing.assert_allclose(factors, np.abs(normal).max(axis=1) / 127, rtol=1e-6)
    assert np.all(np.abs(q[:, :100] - normal * 127 / np.abs(normal).max(axis=1)[:, None]) < 0.501)


def test_rows_that_are_zero_or_not_finite() -> None:
    x = np.zeros((4, 20), np.float32)
    x[1, 3], x[2, 19], x[3, :] = np.nan, -np.inf, 1
    q, factors = quantize(x, "f32")
    np.testing.assert_array_equal(np.isnan(factors), [False, True, True, False])
    assert factors[0] == np.float32(1e-5) / np.float32(127)
    np.testing.assert_array_equal(q[:3], 0)


def bitlinear(
    kernel: str, dtype: str, q: np.ndarray, ternary: np.ndarray, scales: np.ndarray,
    factors: np.ndarray, group_size: int | None, bias: np.ndarray | None,
) -> np.ndarray:  # fmt: skip
    (batch, padded), rows = q.shape, len(ternary)
    y = np.full((batch, rows), np.nan, DTYPES[dtype])
    p = params(rows, padded, batch, group_size or padded, padded)
    buffers = [q, layout.pack(ternary), layout.spread(scales), factors, bias, y, p]
    constants = 0 if bias is None else BIAS
    if kernel == "matvec":
        name = f"bitlinear_matvec{grouped(group_size)}_{dtype}_b{instance(batch)}"
        groups, threads = (ceil_div(rows, 16),), 64
    else:
        name = f"bitlinear_matmul{kernel}{grouped(group_size)}_{dtype}"
        tile, threads = TILES[kernel]
        groups = (ceil_div(rows, tile), ceil_div(batch, tile))
    run("bitlinear.metal", name, buffers, groups=groups, threads=(threads,), constants=constants)
    return y


KERNELS = ["matvec", *TILES]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_integers_are_exact(batch: int, kernel: str) -> None:
    for rows, columns in SIZES:
        generator = np.random.default_rng(rows)
        q = generator.integers(-128, 128, (batch, ceil_div(columns, 16) * 16)).astype(np.int8)
        q[:, columns:] = 0
        ternary, _ = layout.random_weight(rows, columns, None)
        ones = np.ones((rows, 1), np.float32)
        y = bitlinear(kernel, "f32", q, ternary, ones, np.ones(batch, np.float32), None, None)
        wanted = q[:, :columns].astype(np.int64) @ ternary.T.astype(np.int64)
        np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("kernel", KERNELS)
def test_sums_beyond_float_are_exact(kernel: str) -> None:
    # -128 times -1, and the last column the other way round: 2^24 is passed and the sum is odd.
    columns = 131072 + 32768 + 16
    q = np.full((1, columns), -128, np.int8)
    q[0, -1] = 3
    ternary = np.full((2, columns), -1, np.int8)
    ternary[1, ::2] = 1
    ones = np.ones((2, 1), np.float32)
    y = bitlinear(kernel, "f32", q, ternary, ones, np.ones(1, np.float32), None, None)
    wanted = q.astype(np.int64) @ ternary.T.astype(np.int64)
    np.testing.assert_array_equal(y, wanted.astype(np.float32))


@pytest.mark.parametrize("group_size", GROUPS)
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_bitlinear(kernel: str, dtype: str, biased: bool, group_size: int | None) -> None:
    for rows, columns in SIZES:
        batch = 5
        x = random((batch, columns), "f32")
        q, factors = quantized(x)
        ternary, scales = layout.random_weight(rows, columns, group_size)
        bias = random((rows,), "f32", seed=3) if biased else None
        y = bitlinear(kernel, dtype, q, ternary, scales, factors, group_size, bias)
        weight = layout.dense(ternary, scales, group_size)
        product = f64(q[:, :columns]) @ weight.T * f64(factors)[:, None]
        size = f64(np.abs(q[:, :columns])) @ np.abs(weight.T) * f64(factors)[:, None]
        wanted = product + (0 if bias is None else f64(bias))
        exact = 3e-7 * np.abs(wanted) + 3e-7 * np.abs(product)
        bound = ROUNDING[dtype] * np.abs(wanted) + (1e-6 * size if group_size else exact)
        assert np.all(np.abs(f64(y) - wanted) <= bound)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_row_that_is_not_finite_gives_nan(kernel: str) -> None:
    ternary, scales = layout.random_weight(20, 40, None)
    q = np.zeros((2, 48), np.int8)
    factors = np.array([1, np.nan], np.float32)
    y = bitlinear(kernel, "f32", q, ternary, scales, factors, None, None)
    np.testing.assert_array_equal(np.isnan(y), [[False] * 20, [True] * 20])
