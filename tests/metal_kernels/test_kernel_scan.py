"""Running sums and products by every kernel that can do them."""

import struct

import numpy as np
import pytest
from kernels import DTYPES, ORDERS, ROUNDING, ceil_div, f64, random, run, set_options

WIDE = {"f32": "f32", "f16": "f32", "bf16": "f32", "i64": "i64"}
STARTS = 1 << 13  # kFcHasStarts


@pytest.fixture(autouse=True, params=ORDERS)
def order(request: pytest.FixtureRequest) -> None:
    set_options(request.param)


def params(shape: tuple[int, int, int], block: int) -> bytes:
    return struct.pack("<4Q", *shape, block)


def scan(op: str, dtype: str, a: np.ndarray, kernel: str) -> np.ndarray:
    outer, n, inner = a.shape
    out, name = np.empty_like(a), f"{op}_{dtype}"
    if kernel == "columns":
        p = params(a.shape, n)
        run(
            "scan.metal",
            f"scan_columns_{name}",
            [a, out, p],
            groups=(ceil_div(outer * inner, 256),),
        )
        return out
    block = n if kernel == "rows" else 1024
    blocks, p = ceil_div(n, block), params(a.shape, block)
    starts = np.zeros(outer * blocks, DTYPES[WIDE[dtype]])
    if kernel == "blocks":
        run("scan.metal", f"scan_totals_{name}", [a, starts, p], groups=(blocks, outer))
        run("scan.metal", f"scan_starts_{op}_{WIDE[dtype]}", [starts, p], groups=(1,))
    constants = STARTS if kernel == "blocks" else 0
    buffers = [a, out, starts, p]
    run("scan.metal", f"scan_rows_{name}", buffers, groups=(blocks, outer), constants=constants)
    return out


def check(op: str, dtype: str, shape: tuple[int, int, int], kernel: str) -> None:
    a = random(shape, dtype)
    if dtype != "i64":
        a = (1 + f64(a) / 512).astype(a.dtype)
    got = scan(op, dtype, a, kernel)
    if dtype == "i64":
        wanted = (np.cumsum if op == "sum" else np.cumprod)(a, axis=1)
        np.testing.assert_array_equal(got, wanted)
        return
    wanted = (np.cumsum if op == "sum" else np.cumprod)(f64(a), axis=1)
    bound = ROUNDING[dtype] + 1e-7 * (shape[1] if op == "prod" else 1)
    assert np.all(np.abs(f64(got) - wanted) <= bound * np.abs(wanted))


@pytest.mark.parametrize("kernel", ["rows", "blocks", "columns"])
@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize("op", ["sum", "prod"])
def test_scan(op: str, dtype: str, kernel: str) -> None:
    for shape in [(1, 1, 1), (3, 33, 1), (2, 1025, 1), (1, 3000, 1)]:
        check(op, dtype, shape, kernel)
    if kernel == "columns":
        check(op, dtype, (3, 17, 45), kernel)
