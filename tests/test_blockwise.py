from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import bitmetal as bm
from blockwise_oracle import CODES, Quantized, dense, dynamic_map, quantize
from table import HALVES_AND_SINGLE, NMSE, Case, np_dtype, over, product_bound, random, wide

Values = npt.NDArray[Any]
SIZES = [0, 1, 3, 63, 64, 65, 127, 4097]
# Formats whose blocks run over rows' ends, with the block sizes under test.
FREE = [
    *(("nf4", size) for size in (32, 64, 4096)),
    *(("fp4", size) for size in (16, 64, 128)),
    *(("int8", size) for size in (1, 3, 64, 100, 512, 4096)),
]
ALONG_ROWS = [("mxfp4", 32), ("nvfp4", 16)]
EVERY = [*FREE, *ALONG_ROWS]
BITS = [2, 3, 4, 6, 8]


def check(q: bm.blockwise.BlockwiseArray, expected: Quantized) -> None:
    """Codes and scales to the bit."""
    np.testing.assert_array_equal(np.asarray(q.codes).reshape(-1), expected.codes)
    np.testing.assert_array_equal(wide(q.scales).reshape(-1), wide(expected.scales))
    if expected.biases is not None:
        np.testing.assert_array_equal(wide(q.biases).reshape(-1), wide(expected.biases))


@pytest.mark.parametrize("dtype", HALVES_AND_SINGLE)
@pytest.mark.parametrize(("kind", "block_size"), FREE)
def test_quantize(kind: str, block_size: int, dtype: str, target: str) -> None:
    for n in SIZES:
        x = random((n,), dtype, n)
        q = bm.blockwise.quantize(x, kind, block_size)
        expected = quantize(x, kind, block_size)
        check(q, expected)
        assert (q.shape, q.format, q.block_size) == ((n,), kind, block_size)
        assert q.dtype == np_dtype(dtype)
        for out in {dtype, "float32"}:
            values = dense(expected).astype(np_dtype(out))
            np.testing.assert_array_equal(wide(q.dequantize(out)), wide(values))


@pytest.mark.parametrize("dtype", HALVES_AND_SINGLE)
@pytest.mark.parametrize(("kind", "block_size"), ALONG_ROWS)
def test_quantize_along_rows(kind: str, block_size: int, dtype: str, target: str) -> None:
    for shape in ((0, 64), (1, block_size), (3, 5, 4 * block_size)):
        x = random(shape, dtype, 1) * np_dtype(dtype).type(3)
        q = bm.blockwise.quantize(x, kind)
        expected = quantize(x, kind, block_size)
        check(q, expected)
        assert q.shape == shape
        np.testing.assert_array_equal(q.dequantize("float32"), dense(expected))


@pytest.mark.parametrize("dtype", HALVES_AND_SINGLE)
@pytest.mark.parametrize("bits", BITS)
def test_affine(bits: int, dtype: str, target: str) -> None:
    for block_size in (32, 64, 128):
        x = random((5, 3 * block_size), dtype, 1)
        x[0], x[1], x[2] = 0, 1.5, np.abs(x[2])
        q = bm.blockwise.quantize(x, "affine", block_size, bits=bits)
        expected = quantize(x, "affine", block_size, bits=bits)
        check(q, expected)
        assert (q.bits, q.code) == (bits, None)
        for out in {dtype, "float32"}:
            values = dense(expected).astype(np_dtype(out))
            np.testing.assert_array_equal(wide(q.dequantize(out)), wide(values))
        again = bm.blockwise.BlockwiseArray.from_parts(
            q.codes, q.scales, q.shape, "affine", block_size=block_size, biases=q.biases, bits=bits
        )
        np.testing.assert_array_equal(again.dequantize(), q.dequantize("float32"))


def test_affine_not_finite(target: str) -> None:
    x = random((4, 64), "float32")
    x[0, 1], x[1, 63] = np.nan, -np.inf
    values = np.asarray(bm.blockwise.quantize(x, "affine").dequantize())
    np.testing.assert_array_equal(np.isnan(values), [[True] * 64] * 2 + [[False] * 64] * 2)


@pytest.mark.parametrize("kind", ["nf4", "fp4", "int8", "mxfp4", "nvfp4"])
def test_ties(kind: str, target: str) -> None:
    """The middle between two entries, and the floats on either side of it."""
    book = np.sort(CODES.get(kind, dynamic_map())).astype(np.float64)
    middle = ((book[1:] + book[:-1]) / 2).astype(np.float32)
    values = np.concatenate(
        [middle, np.nextafter(middle, np.float32(-9)), np.nextafter(middle, np.float32(9))]
    )
    size = {"mxfp4": 32, "nvfp4": 16}.get(kind, 64)
    top = np.float32(book.max())
    blocks = np.full((-(-values.size // (size - 1)), size), top, np.float32)
    for i, v in enumerate(values):
        blocks[i // (size - 1), i % (size - 1)] = v
    check(bm.blockwise.quantize(blocks, kind), quantize(blocks, kind, size))


@pytest.mark.parametrize(("kind", "block_size"), EVERY)
def test_not_finite(kind: str, block_size: int, target: str) -> None:
    """A block with NaN or infinity has the code of 0 throughout, and dequantizes to NaN."""
    x = random((6, 4 * block_size + (block_size if kind in ("mxfp4", "nvfp4") else 1)), "float32")
    x[0, 0], x[1, -1], x[2, 3], x[3] = np.nan, np.inf, -np.inf, 0
    x[4, 0], x[4, -1] = 1e-45, 3e38
    check(bm.blockwise.quantize(x, kind, block_size), quantize(x, kind, block_size))
    values = np.asarray(bm.blockwise.quantize(x, kind, block_size).dequantize())
    np.testing.assert_array_equal(values, dense(quantize(x, kind, block_size)))
    assert np.isnan(values[0, 0])


def test_zero_in_the_dynamic_map(target: str) -> None:
    q = bm.blockwise.quantize(np.array([0, 1, -1], np.float32), "int8")
    assert np.asarray(q.codes).tolist() == [127, 255, 0]
    assert np.asarray(q.code)[127] == 0


def test_every_code_comes_back(target: str) -> None:
    """The values of the codes are quantized to these codes."""
    for kind in ("nf4", "fp4", "int8"):
        book = CODES.get(kind, dynamic_map())
        q = bm.blockwise.quantize(book, kind, 256)
        np.testing.assert_array_equal(q.dequantize(), book)


def test_own_book(target: str) -> None:
    """Any 256 ascending numbers: dense ones put many thresholds into one cell of the search."""
    rng = np.random.default_rng(3)
    steps = np.arange(1, 156) / 155
    books = [
        np.linspace(-1, 1, 256),
        np.linspace(0.5, 0.5001, 256),
        np.sort(rng.uniform(-1, 1, 256)),
        np.sort(rng.uniform(-1, 1, 256).astype(np.float16)),
        np.repeat([-0.5, 0.25], 128),
        np.sort(np.exp(-rng.uniform(0, 60, 256))),
        np.concatenate([-steps[99::-1], [0], steps]),  # the same on both sides as far as they go
        np.concatenate([-steps[::-1], [0], steps[:100]]),
    ]
    x = rng.standard_normal(2000).astype(np.float32)
    x[:256] = books[5]
    for book in books:
        code = book.astype(np.float32)
        check(bm.blockwise.quantize(x, "int8", 128, code=code), quantize(x, "int8", 128, book=code))


def test_not_contiguous(target: str) -> None:
    base = random((48, 128), "float32")
    for view in (lambda a: a.T, lambda a: a[::2, ::-1], lambda a: a[3, 64:]):
        q = bm.blockwise.quantize(view(bm.asarray(base)), "nf4", 32)
        check(q, quantize(np.ascontiguousarray(view(base)), "nf4", 32))


@pytest.mark.parametrize("kind", ["nf4", "fp4", "int8"])
def test_double_quant(kind: str, target: str) -> None:
    x = random((70, 513), "float32")
    q = bm.blockwise.quantize(x, kind, 64, double_quant=True)
    plain = quantize(x, kind, 64)
    absmax = plain.scales.astype(np.float64)
    assert q.offset == np.float32(absmax.mean())
    inner = quantize((plain.scales - np.float32(q.offset)).astype(np.float32), "int8", 256)
    assert q.nested is not None
    check(q.nested, inner)
    np.testing.assert_array_equal(q.codes.numpy().reshape(-1), plain.codes)
    effective = dense(inner) + np.float32(q.offset)
    np.testing.assert_array_equal(q.absmax, effective)
    scale = np.repeat(effective, 64)[: x.size]
    values = plain.book[plain.indices] * scale
    np.testing.assert_array_equal(q.dequantize(), values.reshape(x.shape))
    again = bm.blockwise.BlockwiseArray.from_parts(
        q.codes, q.nested, q.shape, kind, offset=q.offset
    )
    np.testing.assert_array_equal(again.dequantize(), q.dequantize())
    assert q.nbytes < bm.blockwise.quantize(x, kind, 64).nbytes


def test_from_parts_shares_memory(target: str) -> None:
    x = random((4, 64), "float32")
    made = bm.blockwise.quantize(x, "nf4")
    codes, absmax = np.array(made.codes).reshape(-1, 1), np.array(made.absmax)
    q = bm.blockwise.BlockwiseArray.from_parts(codes, absmax, (4, 64), "nf4", dtype="float16")
    np.testing.assert_array_equal(q.dequantize(), made.dequantize("float16"))
    if target.startswith("cpu"):
        codes[:] = 0x77
        np.testing.assert_array_equal(q.dequantize(), np.zeros((4, 64)))


def product(
    kind: str,
    block_size: int,
    n: int,
    k: int,
    batch: int,
    dtype: str,
    bias: bool = False,
    bits: int = 4,
) -> Case:
    w = random((n, k), "float32", 2)

    def inputs() -> list[Values]:
        arrays = [random((batch, k), dtype, 1)]
        return [*arrays, random((n,), dtype, 3)] if bias else arrays

    def run(x: bm.Array, *rest: bm.Array) -> bm.Array:
        q = bm.blockwise.quantize(w, kind, block_size, bits=bits)
        return bm.blockwise.matmul(x, q, *rest)

    def reference(x: Values, b: Values | float = 0.0) -> Values:
        values = dense(quantize(w, kind, block_size, bits=bits))
        return x @ values.astype(np.float64).T + b

    return Case(
        f"{kind}{bits}-{block_size}-{n}x{k}-batch{batch}-{dtype}{'-bias' if bias else ''}",
        inputs,
        run,
        reference,
        max(product_bound(dtype, k), NMSE[dtype]),
    )


PRODUCTS = [
    *(
        product(f, size, n, k, batch, "float32")
        for f, size in [("nf4", 32), ("fp4", 64), ("int8", 64), ("int8", 7)]
        for n, k in [(1, 1), (33, 65), (70, 319), (40, 512)]
        for batch in (1, 3)
    ),
    *(
        product("nf4", 64, 67, k, batch, dtype, bias=True)
        for k in (320, 333)
        for batch in (1, 2, 3, 4, 7, 14, 17, 130)
        for dtype in HALVES_AND_SINGLE
    ),
    *(
        product(f, size, 67, 320, batch, "float32")
        for f, size in ALONG_ROWS
        for batch in (1, 4, 9, 31)
    ),
    *(
        product(f, size, 67, 320, batch, "bfloat16")
        for f, size in [*ALONG_ROWS, ("fp4", 32), ("int8", 7)]
        for batch in (3, 9)
    ),
    *(
        product("affine", size, 35, 384, batch, "float32", bits=bits)
        for size, bits in [(32, 4), (64, 2), (64, 3), (64, 4), (128, 6), (128, 8)]
        for batch in (2, 7, 11)
    ),
    *(
        product("nf4", size, 35, 4096, batch, dtype)
        for dtype in ("float32", "bfloat16")
        for size in (16, 4096)
        for batch in (3, 9)
    ),
    # Rows enough for the GPU kernel with a table of pairs, in a part of a threadgroup.
    *(product("nf4", 16, 16392, 32, 1, dtype, bias=True) for dtype in HALVES_AND_SINGLE),
]


@over(PRODUCTS)
def test_products(case: Case, target: str) -> None:
    case.check()


def test_product_of_nested(target: str) -> None:
    x, w = random((3, 320), "float32", 1), random((50, 320), "float32", 2)
    q = bm.blockwise.quantize(w, "nf4", double_quant=True)
    expected = x.astype(np.float64) @ np.asarray(q.dequantize(), np.float64).T
    np.testing.assert_allclose(bm.blockwise.matmul(x, q), expected, rtol=1e-4, atol=1e-4)


def test_product_edges(target: str) -> None:
    q = bm.blockwise.quantize(random((5, 64), "float32"), "nf4")
    assert bm.blockwise.matmul(np.zeros((0, 64), np.float32), q).shape == (0, 5)
    assert bm.blockwise.matmul(np.zeros((2, 3, 64), np.float32), q).shape == (2, 3, 5)
    assert bm.blockwise.matmul(np.zeros(64, np.float32), q).shape == (5,)
    empty = bm.blockwise.quantize(np.zeros((4, 0), np.float32), "nf4")
    bias = np.arange(4, dtype=np.float32)
    np.testing.assert_array_equal(
        bm.blockwise.matmul(np.zeros((2, 0), np.float32), empty, bias), [bias, bias]
    )
    out = bm.empty((5, 2)).T
    x = random((2, 64), "float32")
    assert bm.blockwise.matmul(x, q, out=out) is out
    np.testing.assert_array_equal(out, bm.blockwise.matmul(x, q))


def test_blocks_that_are_not_finite_stay_apart(target: str) -> None:
    """NaN in one weight row leaves the results of the others alone."""
    w = random((9, 65), "float32")
    w[4, 7] = np.nan
    y = np.asarray(bm.blockwise.matmul(random((2, 65), "float32", 1), bm.blockwise.quantize(w)))
    touched = np.isnan(np.asarray(bm.blockwise.quantize(w).dequantize())).any(axis=1)
    assert np.isnan(y[:, touched]).all()
    assert np.isfinite(y[:, ~touched]).all()


X = np.zeros((4, 64), np.float32)
WRONG = [
    (lambda: bm.blockwise.quantize(X, "nf5"), ValueError, "format is 'nf5'"),
    (lambda: bm.blockwise.quantize(X, "nf4", 48), ValueError, "block_size is 48"),
    (lambda: bm.blockwise.quantize(X, "int8", 0), ValueError, "block_size is 0"),
    (lambda: bm.blockwise.quantize(X, "mxfp4", 64), ValueError, "block_size is 64"),
    (lambda: bm.blockwise.quantize(X[:, :33], "mxfp4"), ValueError, "last axis"),
    (lambda: bm.blockwise.quantize(X.astype(int), "nf4"), TypeError, "x is int64"),
    (
        lambda: bm.blockwise.quantize(X, "nf4", code=np.zeros(256, np.float32)),
        ValueError,
        "code is given",
    ),
    (
        lambda: bm.blockwise.quantize(X, "int8", code=-np.arange(256, dtype=np.float32)),
        ValueError,
        "ascending",
    ),
    (lambda: bm.blockwise.quantize(X, "mxfp4", double_quant=True), ValueError, "double_quant"),
    (lambda: bm.blockwise.quantize(X * np.nan, double_quant=True), ValueError, "double_quant"),
    (lambda: bm.blockwise.matmul(X[:, :3], bm.blockwise.quantize(X)), ValueError, "64 inputs"),
    (lambda: bm.blockwise.matmul(X, bm.blockwise.quantize(X[0])), ValueError, "2 dimensions"),
    (
        lambda: bm.blockwise.BlockwiseArray.from_parts(
            np.zeros(3, np.uint8), np.zeros(1, np.float32), (4,), "nf4"
        ),
        ValueError,
        "codes has 3 elements, expected 2",
    ),
    (
        lambda: bm.blockwise.BlockwiseArray.from_parts(
            np.zeros(2, np.uint8), np.zeros(1, np.float16), (4,), "nf4"
        ),
        TypeError,
        "absmax is float16",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), WRONG, ids=[w[2] for w in WRONG])
def test_wrong_arguments(call: Any, error: type[Exception], text: str, target: str) -> None:
    with pytest.raises(error, match=text):
        call()
