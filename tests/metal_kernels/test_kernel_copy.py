"""Fill, and copies between any two types and any strides."""

import struct

import numpy as np
import pytest
from kernels import DTYPES, ORDERS, VECTORS, ceil_div, random, run, set_options


@pytest.fixture(autouse=True, params=ORDERS)
def order(request: pytest.FixtureRequest) -> None:
    set_options(request.param)


@pytest.mark.parametrize("size", [1, 31, 1000])
@pytest.mark.parametrize(("bits", "dtype"), [(8, "u8"), (16, "f16"), (32, "f32"), (64, "i64")])
def test_fill(bits: int, dtype: str, size: int) -> None:
    out = np.zeros(size + 1, DTYPES[dtype])
    value = np.array(3, DTYPES[dtype])
    buffers = [out, value.tobytes(), struct.pack("<Q", size)]
    run("fill.metal", f"fill_{bits}", buffers, groups=(ceil_div(size, 64),), threads=(64,))
    assert np.all(out[:size] == value)
    assert out[size] == 0


def copy_params(a: np.ndarray, out: np.ndarray) -> bytes:
    def padded(values: list[int]) -> list[int]:
        return values + [0] * (16 - len(values))

    steps = [[s // x.itemsize for s in x.strides] for x in (a, out)]
    return struct.pack(
        "<16Q16q16qQqII", *padded(list(a.shape)), *map(int, padded(steps[0])), *padded(steps[1]),
        a.size, 0, a.ndim, 0,
    )  # fmt: skip


@pytest.mark.parametrize("to", DTYPES)
@pytest.mark.parametrize("of", DTYPES)
def test_flat_copy(of: str, to: str) -> None:
    a = random((333,), of, scale=100)
    if DTYPES[of].kind != DTYPES[to].kind and DTYPES[to].kind in "iu":
        a = random((333,), "u8").astype(DTYPES[of]) // (1 if of == "bool" else 2)
    a = a.astype(DTYPES[of])
    for constants in (0, VECTORS):
        out = np.empty(a.shape, DTYPES[to])
        buffers = [a, out, copy_params(a, out)]
        run("copy.metal", f"copy_flat_{of}_{to}", buffers, groups=(2,), constants=constants)
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(out, a.astype(DTYPES[to]))


@pytest.mark.parametrize(
    "values", [[2**24 + 1, -(2**24) - 1, 2**31 - 1], [0x1010000001, (1 << 62) + (1 << 54) + 1, 0]]
)
def test_integers_round_once_to_bfloat(values: list[int]) -> None:
    a = np.array(values, np.int64)
    out = np.empty(a.shape, DTYPES["bf16"])
    run("copy.metal", "copy_flat_i64_bf16", [a, out, copy_params(a, out)], groups=(1,))
    for got, value in zip(out.astype(np.float64), values, strict=True):
        step = 2 ** max(0, abs(value).bit_length() - 8)
        low = abs(value) // step * step
        rest = abs(value) - low
        up = rest * 2 > step or (rest * 2 == step and low // step % 2)
        assert got == (low + step if up else low) * (1 if value >= 0 else -1)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.T,
        lambda a: a[::2, ::-1],
        lambda a: np.broadcast_to(a[:, :1], (33, 7)),
        lambda a: a.reshape(3, 11, 17, 1, 3).transpose(2, 0, 4, 3, 1),
        lambda a: a[5:6, 3:4],
    ],
)
def test_strided_copy(view) -> None:
    base = random((33, 51), "f32")
    a = view(base)
    shift = (a.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // 4
    out = np.empty(a.shape, np.float16)
    flat = base.reshape(-1)[shift:]
    buffers = [flat, out, copy_params(a, out)]
    groups = (3, ceil_div(a.size, 192))
    run("copy.metal", "copy_strided_f32_f16", buffers, groups=groups, threads=(64,))
    np.testing.assert_array_equal(out, a.astype(np.float16))
