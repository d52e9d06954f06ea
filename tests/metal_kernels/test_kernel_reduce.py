"""Every reduction by every kernel that can do it, over contiguous, strided and reversed views."""

import struct

import numpy as np
import pytest
from kernels import (
    DTYPES,
    ORDERS,
    ROUNDING,
    VECTORS,
    ceil_div,
    f64,
    random,
    run,
    set_options,
    uint_bytes,
)

FLOATS = ["f32", "f16", "bf16"]
ALL = list(DTYPES)
OPERATIONS = {
    "sum": ALL, "prod": ALL, "mean": ALL, "max": ALL, "min": ALL, "argmax": ALL, "argmin": ALL,
    "var": FLOATS, "std": FLOATS, "norm1": FLOATS, "norm": FLOATS, "norm_inf": FLOATS,
    "logsumexp": FLOATS,
}  # fmt: skip
CASES = [(op, dtype) for op, dtypes in OPERATIONS.items() for dtype in dtypes]
# [outer, axis, inner]: single elements, short and long axes, ragged against 16, 32 and 256.
SHAPES = [(1, 1, 1), (3, 17, 1), (2, 300, 5), (2, 33, 40), (1, 5000, 1)]


@pytest.fixture(autouse=True, params=ORDERS)
def order(request: pytest.FixtureRequest) -> None:
    set_options(request.param)


def result_dtype(op: str, dtype: str) -> np.dtype:
    if op in ("argmax", "argmin"):
        return DTYPES["i64"]
    if dtype not in FLOATS and op in ("sum", "prod"):
        return DTYPES["i64"]
    if dtype not in FLOATS and op == "mean":
        return DTYPES["f32"]
    return DTYPES[dtype]


def params(a: np.ndarray) -> bytes:
    strides = (stride // a.itemsize for stride in a.strides)
    return struct.pack("<3Q3qfI", *a.shape, *strides, a.shape[1], 0)


def reduce(op: str, dtype: str, a: np.ndarray, kernel: str) -> np.ndarray:
    """`a` is a view [outer, axis, inner] that starts at the first element of its base or later."""
    base = a if a.base is None else a.base
    shift = (a.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // a.itemsize
    data = base.reshape(-1)[shift:]
    outer, _, inner = a.shape
    out = np.full(outer * inner, 77, result_dtype(op, dtype))
    name, p = f"{op}_{dtype}", params(a)
    kind, _, wide = kernel.partition("+")

    def go(name: str, buffers: list, groups: tuple[int, ...]) -> None:
        constants = VECTORS if wide else 0
        run("reduce.metal", f"reduce_{name}", buffers, groups=groups, constants=constants)

    across = ceil_div(inner, 128 if wide else 32)
    count = 7
    if kind == "rows":
        go(f"rows_{name}", [data, out, p], (ceil_div(outer * inner, 8),))
    elif kind == "long_rows":
        go(f"long_rows_{name}", [data, out, p], (outer * inner,))
    elif kind == "columns":
        go(f"columns_{name}", [data, out, p], (across, outer))
    elif kind == "partial_columns":
        states = np.zeros(count * out.size * 16, np.uint8)
        go(f"partial_columns_{name}", [data, states, p], (across, outer, count))
        buffers = [states, out, p, uint_bytes(count)]
        go(f"finish_columns_{name}", buffers, (ceil_div(out.size, 32),))
    else:
        assert outer == inner == 1
        states = np.zeros(count * 16, np.uint8)
        go(f"partial_{name}", [data, states, p], (count,))
        go(f"finish_{name}", [states, out, p, uint_bytes(count)], (1,))
    return out.reshape(outer, inner)


def reference(op: str, a: np.ndarray) -> np.ndarray:
    integers = a.dtype.kind in "iub"
    x = a.astype(np.int64) if integers else f64(a)
    if op == "norm1":
        return np.sum(np.abs(x), axis=1)
    if op == "norm_inf":
        return np.max(np.abs(x), axis=1)
    if op == "norm":
        return np.sqrt(np.sum(x * x, axis=1))
    if op == "logsumexp":
        top = x.max(axis=1, keepdims=True)
        return (top + np.log(np.exp(x - top).sum(axis=1, keepdims=True)))[:, 0]
    with np.errstate(over="ignore"):
        return getattr(np, op)(x, axis=1)


def check(op: str, dtype: str, a: np.ndarray, kernel: str) -> None:
    got, wanted = reduce(op, dtype, a, kernel), reference(op, a)
    if op in ("max", "min", "argmax", "argmin") or got.dtype == np.int64:
        np.testing.assert_array_equal(got.astype(wanted.dtype), wanted)
        return
    x = np.abs(a.astype(np.float64))
    size = {"sum": x.sum(axis=1), "mean": x.mean(axis=1)}.get(op, np.abs(wanted))
    bound = ROUNDING.get(dtype, 1e-6) * np.abs(wanted) + 1e-6 * size
    if op == "prod":
        bound *= 1 + a.shape[1] / 8  # every factor rounds
    if op == "logsumexp":
        bound += 1e-6
    assert np.all(np.abs(f64(got) - wanted) <= bound + 1e-30), (got, wanted)


def sample(op: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    a = random(shape, dtype)
    if op == "prod" and dtype in FLOATS:
        a = (1 + f64(a) / 64).astype(DTYPES[dtype])
    return a


@pytest.mark.parametrize("kernel", ["rows", "long_rows", "columns", "partial_columns"])
@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_axis(op: str, dtype: str, kernel: str) -> None:
    for shape in SHAPES:
        if op == "prod" and dtype in FLOATS and shape[1] > 1000:
            continue
        check(op, dtype, sample(op, dtype, shape), kernel)


@pytest.mark.parametrize("kernel", ["rows+wide", "columns+wide", "partial_columns+wide"])
@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_four_at_a_time(op: str, dtype: str, kernel: str) -> None:
    # Rows begin at multiples of four elements and end anywhere; columns come in fours.
    whole = sample(op, dtype, (2, 33, 132) if "columns" in kernel else (3, 304, 1))
    check(op, dtype, whole if "columns" in kernel else whole[:, :301], kernel)


@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_two_passes(op: str, dtype: str) -> None:
    for size in (1, 6, 999):
        check(op, dtype, sample(op, dtype, (1, size, 1)), "partial")
        check(op, dtype, sample(op, dtype, (1, size, 1)), "partial+wide")


@pytest.mark.parametrize("kernel", ["rows", "long_rows", "columns"])
@pytest.mark.parametrize("op", ["sum", "argmax"])
def test_views(op: str, kernel: str) -> None:
    base = random((8, 45, 12), "f32")
    turned = base.transpose(1, 0, 2) if kernel == "columns" else base.transpose(2, 1, 0)
    for view in (turned, base[::2, ::-1, 3:], base[:, 5:6]):  # columns are neighbours in memory
        check(op, "f32", view, kernel)


@pytest.mark.parametrize("kernel", ["rows", "long_rows+wide", "columns", "partial+wide"])
@pytest.mark.parametrize("op", ["max", "min", "argmax", "argmin", "sum", "norm", "logsumexp"])
def test_nan_wins(op: str, kernel: str) -> None:
    a = random((1, 500, 1), "f32")
    a[0, [77, 300], 0] = np.nan
    a[0, 20, 0] = np.inf
    got = reduce(op, "f32", a, kernel)[0, 0]
    assert got == 77 if op.startswith("arg") else np.isnan(got)


@pytest.mark.parametrize("kernel", ["rows", "long_rows+wide", "columns", "partial+wide"])
@pytest.mark.parametrize("op", ["argmax", "argmin"])
@pytest.mark.parametrize("dtype", ["f32", "bf16", "i32", "bool"])
def test_first_of_equals(dtype: str, op: str, kernel: str) -> None:
    a = np.zeros((1, 700, 1), DTYPES[dtype])
    a[0, 300:, 0] = 1
    assert reduce(op, dtype, a, kernel)[0, 0] == (300 if op == "argmax" else 0)


@pytest.mark.parametrize("kernel", ["rows", "long_rows+wide", "columns", "partial+wide"])
def test_infinities(kernel: str) -> None:
    a = np.full((1, 100, 1), -np.inf, np.float32)
    assert reduce("logsumexp", "f32", a, kernel)[0, 0] == -np.inf
    assert reduce("max", "f32", a, kernel)[0, 0] == -np.inf
    assert reduce("argmax", "f32", a, kernel)[0, 0] == 0
    a[0, 3] = np.inf
    assert reduce("logsumexp", "f32", a, kernel)[0, 0] == np.inf


@pytest.mark.parametrize("kernel", ["rows", "long_rows+wide", "columns", "partial+wide"])
@pytest.mark.parametrize("magnitude", [1e-30, 1e-12, 1e18, 3e36])
def test_norm_neither_overflows_nor_vanishes(magnitude: float, kernel: str) -> None:
    check("norm", "f32", random((1, 100, 1), "f32", scale=magnitude), kernel)


@pytest.mark.parametrize("kernel", ["long_rows", "partial"])
def test_variance_beside_a_large_mean(kernel: str) -> None:
    a = random((1, 4000, 1), "f32") + np.float32(1000)
    got = float(reduce("var", "f32", a, kernel)[0, 0])
    assert abs(got / np.var(f64(a)) - 1) < 1e-3


@pytest.mark.parametrize("kernel", ["rows", "long_rows", "partial"])
def test_a_million_tenths(kernel: str) -> None:
    a = np.full((1, 1_000_000, 1), 0.1, np.float32)
    got = float(reduce("sum", "f32", a, kernel)[0, 0])
    assert abs(got / f64(a).sum() - 1) < 1e-6
