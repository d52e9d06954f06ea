"""Ternary quantization, packing and back: bit-exact against NumPy."""

import struct

import numpy as np
import pytest
import ternary_layout as layout
from kernels import DTYPES, ORDERS, VECTORS, ceil_div, f64, random, run, set_options, uint_bytes

FLOATS = ["f32", "f16", "bf16"]
SHAPES = [(1, 1), (16, 16), (5, 37), (33, 132)]


@pytest.fixture(autouse=True, params=ORDERS)
def order(request: pytest.FixtureRequest) -> None:
    set_options(request.param)


def params(rows: int, columns: int, group_size: int, strides: tuple[int, int]) -> bytes:
    groups = ceil_div(columns, group_size)
    return struct.pack("<4I2q", rows, columns, groups, group_size, *strides)


def grid(rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    """A simdgroup for each two blocks; with rows of whole fours their elements are read at once."""
    wide = VECTORS if columns % 4 == 0 else 0
    groups = (ceil_div(rows, 16), ceil_div(columns, 2 * 16 * 2))
    return {"groups": groups, "threads": (64,), "constants": wide}


def empty_codes(rows: int, columns: int) -> np.ndarray:
    return np.full((ceil_div(rows, 16), ceil_div(columns, 16), 64), 0xEE, np.uint8)


def quantize(weight: np.ndarray, dtype: str, granularity: str, group_size: int = 0):
    rows, columns = weight.shape
    group_size = group_size or columns
    strides = tuple(stride // weight.itemsize for stride in weight.strides)
    data = weight if weight.base is None else weight.base
    p = params(rows, columns, group_size, strides)
    panels, groups = ceil_div(rows, 16), ceil_div(columns, group_size)
    scales = np.full((panels, groups, 16), -1, np.float32)
    if granularity == "tensor":
        sums = np.zeros((3, 2), np.float32)
        run("ternary.metal", f"ternary_tensor_sum_{dtype}", [data, sums, p], groups=(len(sums),))
        buffers = [sums, scales, p, uint_bytes(len(sums))]
        run("ternary.metal", "ternary_tensor_scale", buffers, groups=(1,))
    else:
        name = f"ternary_group_scale_{dtype}"
        groups_of_8 = ceil_div(panels * 16 * groups, 8)
        run("ternary.metal", name, [data, scales, p], groups=(groups_of_8,))
    codes = empty_codes(rows, columns)
    buffers = [data, scales, codes, p]
    how = grid(rows, columns)
    if strides != (columns, 1):
        how["constants"] = 0
    run("ternary.metal", f"ternary_encode_{dtype}", buffers, **how)
    return codes, scales


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("granularity", "group_size"), [("tensor", 0), ("row", 0), ("group", 32)])
@pytest.mark.parametrize("shape", SHAPES)
def test_quantize(shape: tuple[int, int], granularity: str, group_size: int, dtype: str) -> None:
    weight = random(shape, dtype, scale=0.02)
    rows, columns = shape
    codes, scales = quantize(weight, dtype, granularity, group_size)
    size = group_size or columns
    starts = range(0, columns, size)
    means = [np.abs(f64(weight[:, s : s + size])).mean(axis=1) for s in starts]
    wanted = np.stack(means, axis=1)
    if granularity == "tensor":
        wanted[:] = np.abs(f64(weight)).mean()
    np.testing.assert_allclose(scales, layout.spread(np.maximum(wanted, 1e-5)), rtol=1e-6)
    # The codes are those of the scales that came out, to the bit.
    chosen = scales.transpose(0, 2, 1).reshape(-1, len(starts))[:rows]
    ratio = weight.astype(np.float32) / np.repeat(chosen, size, axis=1)[:, :columns]
    ternary = np.clip(np.rint(ratio), -1, 1).astype(np.int8)
    np.testing.assert_array_equal(codes, layout.pack(ternary))


def test_ties_round_to_even_and_zeros_stay() -> None:
    # mean|w| is 2: +-1 is the tie, +-3 is 1.5 and goes to 2, clamped to 1.
    weight = np.array([[1, -1, 3, -3], [0, 0, 0, 0]], np.float32)
    codes, scales = quantize(weight, "f32", "row")
    expected = np.array([[0, 0, 1, -1], [0, 0, 0, 0]], np.int8)
    np.testing.assert_array_equal(codes, layout.pack(expected))
    assert scales[0, 0, 0] == 2
    assert scales[0, 0, 1] == np.float32(1e-5)


def test_transposed_weight() -> None:
    base = random((40, 21), "f32")
    codes, _ = quantize(base.T, "f32", "row")
    again, _ = quantize(np.ascontiguousarray(base.T), "f32", "row")
    np.testing.assert_array_equal(codes, again)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("granularity", ["tensor", "row"])
def test_scale_tells_of_nan_and_infinity(granularity: str, bad: float) -> None:
    weight = random((5, 37), "f32")
    weight[3, 9] = bad
    _, scales = quantize(weight, "f32", granularity)
    assert not np.isfinite(scales[0, 0, 3])


@pytest.mark.parametrize("shape", SHAPES)
def test_pack_and_unpack(shape: tuple[int, int]) -> None:
    ternary, _ = layout.random_weight(*shape, None)
    codes, back = empty_codes(*shape), np.full(shape, 9, np.int8)
    p = params(*shape, shape[1], (shape[1], 1))
    run("ternary.metal", "ternary_pack", [ternary, codes, p], **grid(*shape))
    np.testing.assert_array_equal(codes, layout.pack(ternary))
    run("ternary.metal", "ternary_unpack", [codes, back, p], **grid(*shape))
    np.testing.assert_array_equal(back, ternary)


@pytest.mark.parametrize("group_size", [None, 48])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
def test_dequantize(shape: tuple[int, int], dtype: str, group_size: int | None) -> None:
    ternary, scales = layout.random_weight(*shape, group_size)
    out = np.zeros(shape, DTYPES[dtype])
    p = params(*shape, group_size or shape[1], (shape[1], 1))
    buffers = [layout.pack(ternary), layout.spread(scales), out, p]
    run("ternary.metal", f"ternary_dequantize_{dtype}", buffers, **grid(*shape))
    wanted = layout.dense(ternary, scales, group_size).astype(np.float32).astype(DTYPES[dtype])
    np.testing.assert_array_equal(out, wanted)
