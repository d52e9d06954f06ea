"""Blockwise quantization, dequantization and products, one format a row of FORMATS."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import pytest
from kernels import (
    BIAS,
    DTYPES,
    ROUNDING,
    VECTOR_A,
    VECTOR_X,
    ceil_div,
    f64,
    random,
    run,
    set_options,
)

FLOATS = ["f32", "f16", "bf16"]
POWER_BLOCKS, WHOLE_BLOCKS = 1 << 20, 1 << 21
WHOLE_RUNS, NESTED, HALF_SCALES, BFLOAT_SCALES = (1 << i for i in range(8, 12))
TILES = {"_plain": (64, 256), "": (64, 128)}  # tile, threads
FEW = {"_few8": (128, 8), "_few32": (64, 32)}  # rows of the weight, of activations

E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)
FP4 = np.array([0, 0.0625, 8, 12, 4, 6, 2, 3], np.float32) / np.float32(12)
FP4 = np.concatenate([FP4, -FP4])
NF4 = np.sort(np.append(random((15,), "f32", 5) / np.float32(4), np.float32(0)))
BYTES = np.sort(np.append(random((255,), "f32", 6) / np.float32(4), np.float32(0)))


@pytest.fixture(autouse=True)
def order() -> None:
    set_options("shuffled")


@dataclass
class Stored:
    """A quantized array of `size` elements and what it stands for."""

    codes: np.ndarray
    scales: np.ndarray
    more: np.ndarray | None
    dense: np.ndarray  # float64, flat
    nested: list[np.ndarray | None]
    offset: float
    constants: int


def pack(codes: np.ndarray, bits: int) -> np.ndarray:
    """A stream of bits from the lowest bit of the first byte on."""
    spread = (codes[:, None] >> np.arange(bits)) & 1
    return np.packbits(spread.reshape(-1).astype(np.uint8), bitorder="little")


def books(book: np.ndarray, bits: int) -> Callable[[int, int, np.random.Generator], Stored]:
    def store(size: int, block: int, generator: np.random.Generator, nest: bool = False) -> Stored:
        codes = generator.integers(0, 1 << bits, size, np.uint8)
        blocks = ceil_div(size, block)
        absmax, nested, offset = generator.uniform(0.5, 2, blocks).astype(np.float32), [], 0.0
        scales = absmax
        if nest:
            scales = generator.integers(0, 256, blocks, np.uint8)
            outer = generator.uniform(0.1, 0.3, ceil_div(blocks, 256)).astype(np.float32)
            offset = 1.25
            nested = [outer, BYTES]
            absmax = BYTES[scales] * outer[np.arange(blocks) // 256] + np.float32(offset)
        dense = f64(book[codes]) * f64(absmax)[np.arange(size) // block]
        if bits == 4:
            padded = np.append(codes, np.zeros(size % 2, np.uint8))
            codes = padded[::2] << 4 | padded[1::2]
        return Stored(codes, scales, book, dense, nested or [None, None], offset,
                      NESTED if nest else 0)  # fmt: skip

    return store


def microscaling(decode: Callable[[np.ndarray], np.ndarray], low: int, high: int):
    def store(size: int, block: int, generator: np.random.Generator, nest: bool = False) -> Stored:
        codes = generator.integers(0, 16, size, np.uint8)
        scales = generator.integers(low, high, size // block).astype(np.uint8)
        dense = f64(E2M1[codes]) * np.repeat(decode(scales), block)
        return Stored(pack(codes, 4), scales, E2M1, dense, [None, None], 0, 0)

    return store


def affine(bits: int, dtype: str):
    def store(size: int, block: int, generator: np.random.Generator, nest: bool = False) -> Stored:
        codes = generator.integers(0, 1 << bits, size, np.uint8)
        scales = generator.uniform(0.1, 1, size // block).astype(DTYPES[dtype])
        offsets = generator.uniform(-2, 2, size // block).astype(DTYPES[dtype])
        dense = codes * np.repeat(f64(scales), block) + np.repeat(f64(offsets), block)
        constants = {"f32": 0, "f16": HALF_SCALES, "bf16": BFLOAT_SCALES}[dtype]
        return Stored(pack(codes, bits), scales, offsets, dense, [None, None], 0, constants)

    return store


def power(x: np.ndarray) -> np.ndarray:
    return 2.0 ** (x.astype(np.float64) - 127)


def mini(x: np.ndarray) -> np.ndarray:
    return f64(x.view(ml_dtypes.float8_e4m3fn))


@dataclass
class Format:
    store: Callable[..., Stored]
    block: int
    whole: bool  # rows are whole blocks
    nests: bool = False


FORMATS = {
    "book4": Format(books(NF4, 4), 64, False, True),
    "book8": Format(books(BYTES, 8), 24, False, True),
    "mxfp4": Format(microscaling(power, 115, 130), 32, True),
    "nvfp4": Format(microscaling(mini, 1, 120), 16, True),
    "affine2": Format(affine(2, "f32"), 32, True),
    "affine3": Format(affine(3, "f16"), 64, True),
    "affine4": Format(affine(4, "bf16"), 64, True),
    "affine6": Format(affine(6, "f16"), 32, True),
    "affine8": Format(affine(8, "f32"), 128, True),
}


def shift(size: int) -> int:
    return size.bit_length() - 1 if size & (size - 1) == 0 else 32


def params(rows: int, columns: int, batch: int, team: int, block: int, offset: float) -> bytes:
    return struct.pack(
        "<8IfIq", rows, columns, batch, team, block, shift(block), 256, 8, offset, 0, columns
    )


def runs(columns: int, block: int) -> int:
    if columns % 8 or block % 8:
        return 0
    power = POWER_BLOCKS if block & (block - 1) == 0 else 0
    return WHOLE_RUNS | power | (WHOLE_BLOCKS if columns % block == 0 else 0)


def sizes(name: str, blocks: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Rows, columns and block size."""
    if FORMATS[name].whole:
        block = FORMATS[name].block
        return [(1, block, block), (5, 3 * block, block), (70, 2 * block, block)]
    return [(1, 1, blocks[0]), (5, 37, blocks[0]), (7, 72, blocks[1]), (70, 130, blocks[1])]


def close(y: np.ndarray, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, dtype: str) -> None:
    wanted = f64(x) @ w.T + (0 if bias is None else f64(bias))
    size = np.abs(f64(x)) @ np.abs(w.T)
    # Halves hold x and the weight in the tile.
    inside = 2e-6 * size + (2**-11 * np.sqrt(size**2 / x.shape[1]) * 3 if dtype == "f16" else 0)
    bound = ROUNDING[dtype] * np.abs(wanted) + inside
    assert np.all(np.abs(f64(y) - wanted) <= bound), np.max(np.abs(f64(y) - wanted) / size)


def product(
    kernel: str, name: str, dtype: str, batch: int, rows: int, columns: int, block: int,
    nest: bool = False, biased: bool = False, team: int = 1, threads: int = 64, fast: bool = True,
) -> None:  # fmt: skip
    generator = np.random.default_rng(rows + columns)
    w = FORMATS[name].store(rows * columns, block, generator, nest)
    x = random((batch, columns), dtype)
    bias = random((rows,), "f32", 3) if biased else None
    y = np.full((batch, rows), np.nan, DTYPES[dtype])
    constants = w.constants | (BIAS if biased else 0)
    if fast:
        constants |= runs(columns, block)
        constants |= (VECTOR_A | VECTOR_X) if columns % 8 == 0 else 0
    p = params(rows, columns, batch, team, block, w.offset)
    if kernel == "matvec":
        instance = next(n for n in (1, 2, 4, 8) if n >= batch)
        full = f"blockwise_matvec_{name}_{dtype}_b{instance}"
        groups: tuple[int, ...] = (ceil_div(rows, 4 * threads // 32 // team),)
    else:
        full = f"blockwise_matmul{kernel}_{name}_{dtype}"
        tile, threads = TILES.get(kernel, (64, 128))
        groups = (ceil_div(rows, tile), ceil_div(batch, tile))
        if kernel in FEW:
            down, across = FEW[kernel]
            groups = (ceil_div(batch, across), ceil_div(rows, down))
    run(
        f"blockwise_{name}.metal",
        full,
        [x, w.codes, w.scales, w.more, y, bias, *w.nested, p],
        groups=groups,
        threads=(threads,),
        constants=constants,
    )
    close(y, x, w.dense.reshape(rows, columns), bias, dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", FORMATS)
def test_matvec(name: str, dtype: str) -> None:
    for batch, (rows, columns, block) in zip((1, 2, 3, 8), sizes(name, (64, 24)), strict=False):
        product("matvec", name, dtype, batch, rows, columns, block)
        product(
            "matvec", name, dtype, batch, rows, columns, block, biased=True, team=4, threads=256
        )
        product("matvec", name, dtype, batch, rows, columns, block, team=2, fast=False)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kernel", TILES)
def test_matmul(kernel: str, name: str, dtype: str) -> None:
    for batch, (rows, columns, block) in zip((1, 9, 70, 33), sizes(name, (64, 24)), strict=False):
        product(kernel, name, dtype, batch, rows, columns, block, biased=True)
    product(kernel, name, dtype, batch, rows, columns, block, fast=False)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kernel", FEW)
def test_matmul_with_few_rows(kernel: str, name: str) -> None:
    for batch, (rows, columns, block) in zip((1, 9, 70, 33), sizes(name, (64, 24)), strict=False):
        product(kernel, name, "f16", batch, rows, columns, block, biased=True)
    product(kernel, name, "f16", batch, rows, columns, block, fast=False)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("biased", [False, True])
def test_matvec_of_pairs(biased: bool, dtype: str) -> None:
    for rows, columns, block in [(8, 32, 32), (72, 96, 32), (64, 1152, 64), (16, 512, 256)]:
        w = books(NF4, 4)(rows * columns, block, np.random.default_rng(rows))
        x, bias = random((1, columns), dtype), random((rows,), "f32", 3) if biased else None
        y = np.full((1, rows), np.nan, DTYPES[dtype])
        run(
            "blockwise_book4.metal",
            f"blockwise_matvec_pairs_book4_{dtype}",
            [x, w.codes, w.scales, w.more, y, bias, None, None,
             params(rows, columns, 1, 1, block, 0)],
            groups=(ceil_div(rows, 64),),
            constants=BIAS if biased else 0,
        )  # fmt: skip
        close(y, x, w.dense.reshape(rows, columns), bias, dtype)


@pytest.mark.parametrize("kernel", ["matvec", *TILES])
@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].nests])
def test_nested_scales(name: str, kernel: str) -> None:
    product(kernel, name, "f32", 3, 40, 300, 32, nest=True)
    product(kernel, name, "f16", 3, 40, 72, 32, nest=True)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", FORMATS)
def test_dequantize(name: str, dtype: str) -> None:
    kind = FORMATS[name]
    columns = 1024  # the host takes more
    for size in [kind.block, 384, 1024 * 3, *([] if kind.whole else [1, 63, 777])]:
        for nest in {False, kind.nests}:
            w = kind.store(
                size, kind.block if kind.whole else 64, np.random.default_rng(size), nest
            )
            block = kind.block if kind.whole else 64
            out = np.full(size, np.nan, DTYPES[dtype])
            p = params(ceil_div(size, columns), columns, 0, 1, block, w.offset)
            run(
                f"blockwise_{name}.metal",
                f"blockwise_dequantize_{name}_{dtype}",
                [w.codes, w.scales, w.more, *w.nested, out, p, struct.pack("<Q", size)],
                groups=(ceil_div(size, columns),),
                threads=(columns // 32,),
                constants=w.constants
                | (WHOLE_RUNS | VECTOR_A if size != 384 and size % 8 == 0 else 0),
            )
            error = np.abs(f64(out) - w.dense)
            assert np.all(error <= ROUNDING[dtype] * np.abs(w.dense) + 3e-7)


def nearest(book: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Codes of the entries nearest to float32 `x`, of the lower one where two are equally near."""
    order = np.argsort(book, kind="stable")
    values, first = np.unique(book[order], return_index=True)
    distance = np.abs(f64(x)[:, None] - f64(values))
    return order[first[np.argmin(distance, axis=1)]]  # exact: entries have few bits


def quantized(
    x: np.ndarray, book: np.ndarray, block: int, bits: int
) -> tuple[np.ndarray, np.ndarray]:
    values = np.zeros(ceil_div(x.size, block) * block, np.float32)
    values[: x.size] = x.reshape(-1).astype(np.float32)
    blocks = values.reshape(-1, block)
    absmax = np.abs(blocks).max(axis=1)
    usable = np.isfinite(absmax) & (absmax > 0)
    with np.errstate(all="ignore"):
        scaled = np.where(usable[:, None], blocks / absmax[:, None], np.float32(0))
    codes = nearest(book, scaled.reshape(-1)[: x.size]).astype(np.uint8)
    if bits == 4:
        padded = np.append(codes, nearest(book, np.zeros(x.size % 2, np.float32)).astype(np.uint8))
        codes = padded[::2] << 4 | padded[1::2]
    return codes, absmax


def quantize_params(size: int, block: int) -> bytes:
    return struct.pack("<QII", size, block, shift(min(max(block // 16, 1), 32)))


def quantize(
    x: np.ndarray, dtype: str, book: np.ndarray, block: int, bits: int, constants: int
) -> tuple[np.ndarray, np.ndarray]:
    codes = np.full(ceil_div(x.size * bits, 8), 0xEE, np.uint8)
    absmax = np.full(ceil_div(x.size, block), -1, np.float32)
    spans = block % 512 == 0 or (16 <= block < 512 and block & (block - 1) == 0)
    kernel = f"blockwise_quantize_{f'book{bits}' if spans else 'any'}_{dtype}"
    groups = ceil_div(x.size, 8 * max(512, block)) if spans else ceil_div(absmax.size, 8)
    p = quantize_params(x.size, block)
    run(
        "blockwise_quantize.metal",
        kernel,
        [x, book, codes, absmax, p],
        groups=(groups,),
        constants=constants,
    )
    return codes, absmax


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("bits", "block"),
    [(4, n) for n in (16, 32, 64, 256, 1024)] + [(8, n) for n in (1, 3, 8, 100, 256, 512)],
)
def test_quantize(bits: int, block: int, dtype: str) -> None:
    for book in [NF4, FP4] if bits == 4 else [BYTES]:
        for size in [1, 3, 63, 64, 65, 127, 3000]:
            x = random((size,), dtype, size)
            if size > 100:
                x[5], x[70], x[100:] = np.nan, -np.inf, x[100:]
            wanted, wanted_absmax = quantized(x, book, block, bits)
            for constants in (0, VECTOR_X):
                codes, absmax = quantize(x, dtype, book, block, bits, constants)
                np.testing.assert_array_equal(absmax, wanted_absmax)
                np.testing.assert_array_equal(codes, wanted)


@pytest.mark.parametrize("book", [NF4, FP4, BYTES], ids=["book4", "fp4", "book8"])
def test_ties_take_the_lower_entry(book: np.ndarray) -> None:
    values = np.unique(f64(book) / np.abs(book).max())
    book = (book / np.abs(book).max()).astype(np.float32)
    values = np.unique(f64(book))
    middle = (values[1:] + values[:-1]) / 2
    below = middle.astype(np.float32)
    below[below > middle] = np.nextafter(below, np.float32(-2))[below > middle]
    # As blocks of 64 whose greatest is 1: what is coded is what stands here.
    x = np.concatenate([below, np.nextafter(below, np.float32(2)), [1, -1, 0]]).astype(np.float32)
    x = np.concatenate([np.append(x[i : i + 63], np.float32(1)) for i in range(0, x.size, 63)])
    bits = 4 if book.size == 16 else 8
    wanted, _ = quantized(x, book, 64, bits)
    codes, _ = quantize(x, "f32", book, 64, bits, VECTOR_X)
    np.testing.assert_array_equal(codes, wanted)


def test_zeros_and_lone_elements() -> None:
    for book, code in [(NF4, 17 * int(np.argmin(np.abs(NF4)))), (FP4, 0)]:
        codes, absmax = quantize(np.zeros(65, np.float32), "f32", book, 64, 4, 0)
        np.testing.assert_array_equal(codes, code)
        np.testing.assert_array_equal(absmax, 0)


def even_nearest(x: np.ndarray) -> np.ndarray:
    """E2M1 codes of finite numbers, to nearest, ties to even codes."""
    distance = np.abs(np.abs(f64(x))[:, None] - f64(E2M1[:8]))
    least = distance == distance.min(axis=1, keepdims=True)
    even = least & (np.arange(8) % 2 == 0)
    code = np.where(even.any(axis=1), even.argmax(axis=1), least.argmax(axis=1))
    return (code | np.where(x < 0, 8, 0)).astype(np.uint8)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("name", "block"), [("mxfp4", 32), ("nvfp4", 16)])
def test_quantize_microscaling(name: str, block: int, dtype: str) -> None:
    x = random((24, block), dtype, 1) * np.exp2(np.arange(-12.0, 12))[:, None].astype(DTYPES[dtype])
    x[0], x[1, 3], x[2, 5] = 0, np.nan, np.inf
    x[3] = np.append(np.arange(-2, 2, 0.25), [6.0] * (block - 16)).astype(DTYPES[dtype])
    x[4] = 3 * 2.0**-9 if dtype != "f16" else 3 * 2.0**-14
    codes, scales = np.zeros(12 * block, np.uint8), np.zeros(24, np.uint8)
    p = quantize_params(x.size, block)
    kernel = f"blockwise_quantize_{name}_{dtype}"
    run("blockwise_quantize.metal", kernel, [x, E2M1, codes, scales, p], groups=(1,))
    absmax = np.abs(x.astype(np.float32)).max(axis=1)
    finite = np.isfinite(absmax)
    wanted = np.where(finite, absmax, np.float32(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        if name == "mxfp4":
            exponent = np.maximum(np.floor(np.log2(wanted)) - 2, -127)
            wanted_scales = np.where(finite, exponent + 127, 255).astype(np.uint8)
            divisor = 2.0 ** (wanted_scales.astype(np.float64) - 127)
        else:
            stored = np.minimum(wanted / np.float32(6), np.float32(448)).astype(
                ml_dtypes.float8_e4m3fn
            )
            wanted_scales = np.where(finite, stored.view(np.uint8), 127)
            divisor = f64(stored)
        y = f64(np.where(finite[:, None], x.astype(np.float32), np.float32(0))) / divisor[:, None]
    y = np.where((wanted == 0)[:, None] | (divisor == 0)[:, None], 0, y).astype(np.float32)
    np.testing.assert_array_equal(scales, wanted_scales)
    np.testing.assert_array_equal(codes, pack(even_nearest(y.reshape(-1)), 4))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("bits", "block"), [(2, 32), (3, 64), (4, 128), (6, 32), (8, 64)])
def test_quantize_affine(bits: int, block: int, dtype: str) -> None:
    blocks = 40
    x = random((blocks, block), dtype, bits)
    x[0], x[1], x[2], x[3] = 0, 1.5, np.abs(x[2]), -np.abs(x[3])
    x[4, 1], x[5, 2] = np.nan, np.inf
    codes = np.zeros(blocks * block * bits // 8, np.uint8)
    scales, offsets = np.zeros(blocks, DTYPES[dtype]), np.zeros(blocks, DTYPES[dtype])
    p = struct.pack("<QII", x.size, block, 0)
    run(
        "affine_quantize.metal",
        f"affine_quantize_{bits}_{dtype}",
        [x, codes, scales, offsets, p],
        groups=(ceil_div(x.size, 2048),),
        constants=VECTOR_X,
    )
    values, steps = x.astype(np.float32), np.float32(2**bits - 1)
    values[4:6] = 0
    low, high = values.min(axis=1), values.max(axis=1)
    scale = np.maximum((high - low) / steps, np.float32(1e-7))
    negative = np.abs(low) > np.abs(high)
    edge, scale = np.where(negative, low, high), np.where(negative, scale, -scale)
    multiple = np.rint(edge / scale)
    some = multiple != 0
    scale = np.where(some, edge / np.where(some, multiple, 1), scale).astype(DTYPES[dtype])
    offset = np.where(some, edge, 0).astype(DTYPES[dtype])
    finite = np.isfinite(x.astype(np.float32)).all(axis=1)
    np.testing.assert_array_equal(f64(scales), f64(np.where(finite, f64(scale), np.nan)))
    np.testing.assert_array_equal(f64(offsets), f64(offset))
    wide = (a.astype(np.float32)[:, None] for a in (offset, scale))
    wanted = np.clip(np.rint((values - next(wide)) / next(wide)), 0, steps)
    wanted[~finite] = 0
    np.testing.assert_array_equal(codes, pack(wanted.reshape(-1).astype(np.uint8), bits))
