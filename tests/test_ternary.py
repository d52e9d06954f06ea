from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bitmetal as bm
from bitmetal import _core
from table import HALVES_AND_SINGLE, NMSE, Case, over, product_bound, random, wide

# Rows and columns around the panel (16) and block sizes, and one of real size.
SHAPES = [(1, 1), (1, 17), (16, 16), (17, 15), (33, 300), (64, 1024), (130, 2049)]
Matrix = npt.NDArray[Any]


def absmean(w: Matrix, group: int | None = None, per_row: bool = False) -> tuple[Matrix, Matrix]:
    """Codes and scales by the formula, straight from its text."""
    w = w.astype(np.float32)
    columns = w.shape[1]
    size = group or columns
    codes = np.empty(w.shape, np.int8)
    scales = np.empty((w.shape[0], -(-columns // size)), np.float32)
    for g in range(scales.shape[1]):
        part = w[:, g * size : (g + 1) * size]
        mean = np.abs(part.astype(np.float64)).mean(
            axis=1 if group or per_row else None, keepdims=True
        )
        s = np.maximum(mean.astype(np.float32), np.float32(1e-5))
        codes[:, g * size : (g + 1) * size] = np.clip(np.rint(part / s), -1, 1)
        scales[:, g : g + 1] = s
    return codes, scales if group else scales[:, 0] if per_row else scales[0, 0]


def dense(codes: Matrix, scale: Matrix, group: int | None) -> Matrix:
    """Scale * T in float64."""
    scale = np.asarray(scale, np.float64)
    if scale.ndim == 2:
        scale = np.repeat(scale, group or 1, axis=1)[:, : codes.shape[1]]
    elif scale.ndim == 1:
        scale = scale[:, None]
    return codes * scale


def activations(x: Matrix) -> tuple[Matrix, Matrix]:
    """int8 values and the factor that undoes their scaling, by the formula."""
    x = x.astype(np.float32)
    largest = np.maximum(np.abs(x).max(axis=-1, keepdims=True), np.float32(1e-5))
    q = np.clip(np.rint(x * (np.float32(127) / largest)), -128, 127)
    return q.astype(np.int64), (largest / np.float32(127)).astype(np.float64)


KINDS: dict[str, dict[str, Any]] = {
    "tensor": {},
    "row": {"per_row": True},
    "group32": {"group_size": 32},
    "group48": {"group_size": 48},
    "group256": {"group_size": 256},
}


@pytest.mark.parametrize("dtype", HALVES_AND_SINGLE)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_quantize(shape: tuple[int, int], kind: str, dtype: str, target: str) -> None:
    weight = random(shape, dtype)
    w = bm.ternary.quantize(weight, **KINDS[kind])
    group = KINDS[kind].get("group_size")
    codes, scale = absmean(weight, group, KINDS[kind].get("per_row", False))
    np.testing.assert_array_equal(w.codes(), codes)
    np.testing.assert_array_equal(w.scale, scale)
    np.testing.assert_array_equal(w.dequantize(), dense(codes, scale, group).astype(np.float32))
    assert (w.shape, w.group_size) == (shape, group)


def test_ties_go_to_zero(target: str) -> None:
    """|W| = s / 2 rounds to the even 0; one step above it is 1."""
    weight = np.zeros((1, 64), np.float32)
    weight[0, 0::2], weight[0, 1::2] = 1.5, 0.5
    assert np.abs(weight).mean() == 1
    np.testing.assert_array_equal(
        np.asarray(bm.ternary.quantize(weight).codes())[0, :4], [1, 0, 1, 0]
    )
    above = np.nextafter(np.float32(0.5), np.float32(1))
    weight[0, :4] = [1.5, above, 1.5, -above]
    weight[0, 63] -= 2 * (above - np.float32(0.5))
    assert np.abs(weight).mean() == 1
    np.testing.assert_array_equal(
        np.asarray(bm.ternary.quantize(weight).codes())[0, :4], [1, 1, 1, -1]
    )


def test_threshold_is_the_rounded_quotient() -> None:
    """Comparing with s / 2 gives what dividing and rounding gives, for neighbours of the tie."""
    rng = np.random.default_rng(5)
    s = rng.uniform(1e-5, 4, 20000).astype(np.float32)
    s = np.concatenate(
        [s, np.nextafter(np.exp2(np.arange(-16, 17, dtype=np.float32)), 0, dtype=np.float32)]
    )
    for steps in range(-3, 4):
        w = (s / 2).astype(np.float32)
        for _ in range(abs(steps)):
            w = np.nextafter(w, np.float32(np.sign(steps) * np.inf))
        np.testing.assert_array_equal(np.clip(np.rint(w / s), -1, 1), w > s / 2)


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e-45, 3e38])
def test_constant_weights(value: float, target: str) -> None:
    weight = np.full((5, 40), value, np.float32)
    w = bm.ternary.quantize(weight)
    codes, scale = absmean(weight)
    np.testing.assert_array_equal(w.codes(), codes)
    np.testing.assert_array_equal(w.scale, scale)


def test_strided_weights(target: str) -> None:
    base = random((80, 120), "float32")
    for view in (lambda a: a.T, lambda a: a[::2, ::3], lambda a: a[::-1, ::-1]):
        w = bm.ternary.quantize(view(bm.asarray(base)))
        codes, scale = absmean(np.ascontiguousarray(view(base)))
        np.testing.assert_array_equal(w.codes(), codes)
        np.testing.assert_array_equal(w.scale, scale)


def case(
    op: str, shape: tuple[int, int], batch: int, kind: str, dtype: str, extras: bool = False
) -> Case:
    rows, columns = shape
    group = KINDS[kind].get("group_size")

    def inputs() -> list[Matrix]:
        arrays = [random((batch, columns), dtype, 1), random(shape, "float32", 2)]
        if extras:
            arrays += [random((rows,), dtype, 3), random((columns,), dtype, 4)]
        return arrays

    def run(x: bm.Array, weight: bm.Array, *rest: bm.Array) -> bm.Array:
        w = bm.ternary.quantize(weight, **KINDS[kind])
        return bm.ternary.matmul(x, w) if op == "matmul" else bm.bitlinear(x, w, *rest)

    def reference(
        x: Matrix, weight: Matrix, bias: Matrix | float = 0.0, norm: Matrix | None = None
    ) -> Matrix:
        codes, scale = absmean(weight, group, KINDS[kind].get("per_row", False))
        w = dense(codes, scale, group)
        if op == "matmul":
            return x @ w.T
        if norm is not None:
            x = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(1e-5))
            x = x.astype(np.float32) * norm.astype(np.float32)
        q, undo = activations(x)
        return (q @ w.T) * undo + bias

    # With the fused normalization x itself carries float32 rounding, and a value at a tie may fall
    # to the other side: one int8 step of one element.
    bound = 3e-7 if extras else product_bound(dtype, columns)
    return Case(
        f"{op}-{rows}x{columns}-batch{batch}-{kind}-{dtype}{'-bias-norm' if extras else ''}",
        inputs,
        run,
        reference,
        max(bound, NMSE[dtype]),
    )


CASES = [
    case(op, shape, batch, "tensor", dtype)
    for op in ("matmul", "bitlinear")
    for shape in SHAPES
    for batch in (1, 3)
    for dtype in HALVES_AND_SINGLE
]
CASES += [
    case(op, (130, 321), batch, kind, "float32")
    for op in ("matmul", "bitlinear")
    for batch in (2, 4, 5, 7, 8, 9, 15, 16, 17, 31, 64, 129)
    for kind in ("tensor", "row", "group32", "group48")
]
CASES += [
    case("bitlinear", (33, 300), batch, kind, dtype, extras=True)
    for batch in (1, 20)
    for kind in ("tensor", "group32")
    for dtype in HALVES_AND_SINGLE
]


@over(CASES)
def test_products(case: Case, target: str) -> None:
    case.check()


def exact_bitlinear(x: Matrix, codes: Matrix, scale: np.float32) -> Matrix:
    """The contract to the last bit: integers exact, then float32 in the stated order."""
    q, _ = activations(x)
    largest = np.maximum(np.abs(x.astype(np.float32)).max(axis=-1, keepdims=True), np.float32(1e-5))
    sums = (q @ codes.astype(np.int64).T).astype(np.float32)
    return (sums * scale) * (largest / np.float32(127))


@pytest.mark.parametrize("batch", [1, 2, 5, 8, 16, 33, 128])
@pytest.mark.parametrize("shape", [(1, 1), (17, 31), (96, 6912), (130, 2049)])
def test_bitlinear_is_exact(shape: tuple[int, int], batch: int, target: str) -> None:
    codes = np.random.default_rng(1).integers(-1, 2, shape).astype(np.int8)
    x = random((batch, shape[1]), "float32", 2)
    w = bm.ternary.from_codes(codes, np.float32(0.37))
    np.testing.assert_array_equal(bm.bitlinear(x, w), exact_bitlinear(x, codes, np.float32(0.37)))


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("columns", [6912, 70000, 600_001])
def test_largest_sums(columns: int, sign: int, target: str) -> None:
    """All +1 weights times all 127 activations: 16-bit accumulators break, and at the larger sizes
    32-bit ones that hold fields shifted by 6 bits."""
    rows = 17
    x = np.full((3, columns), sign, np.float32)
    w = bm.ternary.from_codes(np.ones((rows, columns), np.int8), np.float32(1))
    expected = exact_bitlinear(x, np.ones((rows, columns), np.int8), np.float32(1))
    np.testing.assert_array_equal(bm.bitlinear(x, w), expected)
    np.testing.assert_allclose(bm.ternary.matmul(x, w), sign * columns, rtol=1e-6)
    if target.startswith("cpu"):
        np.testing.assert_array_equal(bm.bitlinear(x[:1], w.repack(1.6)), expected[:1])


def test_all_instruction_sets_agree() -> None:
    x, weight = random((21, 700), "float32", 1), random((100, 700), "float32", 2)
    norm, bias = random((700,), "float32", 3), random((100,), "float32", 4)
    before = _core.cpu_isa()
    results = []
    for isa in _core.cpu_isas():
        _core.set_cpu_isa(isa)
        for kind in KINDS:
            w = bm.ternary.quantize(weight, **KINDS[kind])
            results.append(
                (
                    kind,
                    np.asarray(bm.bitlinear(x, w, bias, norm)),
                    np.asarray(w.codes()),
                    np.asarray(w.scale),
                )
            )
    _core.set_cpu_isa(before)
    first = results[: len(KINDS)]
    for i, (kind, *arrays) in enumerate(results):
        for ours, reference in zip(arrays, first[i % len(KINDS)][1:], strict=True):
            np.testing.assert_array_equal(ours, reference, err_msg=kind)


def test_not_finite_activations(target: str) -> None:
    x = random((4, 100), "float32")
    x[1, 3], x[2, 99] = np.nan, np.inf
    w = bm.ternary.quantize(random((20, 100), "float32", 1))
    y = np.asarray(bm.bitlinear(x, w))
    assert np.isnan(y[1:3]).all()
    assert np.isfinite(y[[0, 3]]).all()
    assert np.isnan(np.asarray(bm.ternary.matmul(x, w))[1]).any()


@pytest.mark.parametrize("value", [0.0, 1e-30, 3e38])
def test_extreme_activations(value: float, target: str) -> None:
    x = np.full((2, 64), value, np.float32)
    codes = np.zeros((3, 64), np.int8)
    codes[0], codes[1, ::2] = 1, -1
    w = bm.ternary.from_codes(codes, np.float32(0.5))
    np.testing.assert_array_equal(bm.bitlinear(x, w), exact_bitlinear(x, codes, np.float32(0.5)))


def test_leading_dimensions_and_out(target: str) -> None:
    w = bm.ternary.quantize(random((24, 48), "float32"))
    x = random((2, 3, 5, 48), "float32")
    y = bm.bitlinear(x, w)
    assert y.shape == (2, 3, 5, 24)
    np.testing.assert_array_equal(bm.bitlinear(x.reshape(-1, 48), w), np.asarray(y).reshape(-1, 24))
    assert bm.bitlinear(x[0, 0, 0], w).shape == (24,)
    out = bm.empty((2, 3, 5, 24))
    assert bm.bitlinear(x, w, out=out) is out
    np.testing.assert_array_equal(out, y)
    square = bm.ternary.quantize(random((48, 48), "float32"))
    mine = bm.asarray(x, copy=True)
    expected = np.asarray(bm.ternary.matmul(x, square))
    bm.ternary.matmul(mine, square, out=mine)
    np.testing.assert_array_equal(mine, expected)


def test_empty(target: str) -> None:
    w = bm.ternary.quantize(np.zeros((5, 0), np.float32))
    np.testing.assert_array_equal(bm.bitlinear(np.zeros((2, 0), np.float32), w), np.zeros((2, 5)))
    np.testing.assert_array_equal(
        bm.bitlinear(np.zeros((2, 0), np.float32), w, np.arange(5, dtype=np.float32)),
        [np.arange(5)] * 2,
    )
    np.testing.assert_array_equal(
        bm.ternary.matmul(np.zeros((2, 0), np.float32), w), np.zeros((2, 5))
    )
    assert bm.ternary.quantize(np.zeros((0, 5), np.float32)).codes().shape == (0, 5)
    w = bm.ternary.quantize(random((5, 7), "float32"))
    assert bm.bitlinear(np.zeros((0, 7), np.float32), w).shape == (0, 5)


@settings(max_examples=100)
@given(rows=st.integers(0, 40), columns=st.integers(0, 300), seed=st.integers(0, 2**32 - 1))
def test_codes_round_trip(rows: int, columns: int, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(-1, 2, (rows, columns)).astype(np.int8)
    np.testing.assert_array_equal(bm.ternary.from_codes(codes, np.float32(2)).codes(), codes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1), (16, 80), (17, 81), (130, 2049)])
def test_packing_does_not_show(shape: tuple[int, int], kind: str, target: str) -> None:
    w = bm.ternary.quantize(random(shape, "float32"), **KINDS[kind])
    if not target.startswith("cpu"):
        with pytest.raises(bm.CapabilityError, match=r"repack: 1\.6 bits"):
            w.repack(1.6)
        return
    packed = w.repack(1.6)
    assert (w.bits, packed.bits) == (2, 1.6)
    assert packed.scale.shape == w.scale.shape
    for same in (packed, packed.repack(2)):
        np.testing.assert_array_equal(same.codes(), w.codes())
        np.testing.assert_array_equal(same.dequantize(), w.dequantize())
    for batch in (1, 3, 130):
        x = random((batch, shape[1]), "float32", seed=batch)
        np.testing.assert_array_equal(bm.bitlinear(x, packed), bm.bitlinear(x, w))
        np.testing.assert_array_equal(bm.ternary.matmul(x, packed), bm.ternary.matmul(x, w))


def test_every_byte_of_five_weights() -> None:
    """All 243 of them, one a row."""
    codes = np.array(np.meshgrid(*[[-1, 0, 1]] * 5)).reshape(5, -1).T.astype(np.int8)
    placed = np.zeros((len(codes), 80), np.int8)
    placed[:, [0, 4, 8, 12, 64]] = codes  # the four fields of a byte, and the fifth block
    w = bm.ternary.from_codes(placed, 1.0)
    np.testing.assert_array_equal(w.repack(1.6).codes(), placed)
    assert w.repack(1.6).nbytes < 0.85 * w.nbytes


@pytest.mark.parametrize("dtype", [*HALVES_AND_SINGLE, "float64"])
def test_dequantize(dtype: str, target: str) -> None:
    codes, scale = absmean(random((33, 100), "float32"), 32)
    w = bm.ternary.from_codes(codes, scale, 32)
    expected = dense(codes, scale, 32).astype(random((), dtype).dtype)
    np.testing.assert_array_equal(wide(w.dequantize(dtype)), wide(expected))
    np.testing.assert_array_equal(w.scale, scale)


W = bm.ternary.quantize(random((6, 8), "float32"))
ONE = np.float32(1)
BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        partial(bm.ternary.quantize, np.ones((2, 3))),
        TypeError,
        r"ternary.quantize: weight is float64, expected float32",
    ),
    (partial(bm.ternary.quantize, np.ones((2, 3), np.int8)), TypeError, r"weight is int8"),
    (
        partial(bm.ternary.quantize, np.ones(3, np.float32)),
        ValueError,
        r"weight has shape \(3,\), expected 2 dim",
    ),
    (
        partial(bm.ternary.quantize, np.full((2, 40), np.nan, np.float32)),
        ValueError,
        r"weight holds NaN or infinity",
    ),
    (
        partial(bm.ternary.quantize, np.full((2, 40), np.inf, np.float32)),
        ValueError,
        r"weight holds NaN or infinity",
    ),
    (
        partial(bm.ternary.quantize, np.ones((2, 40), np.float32), 33),
        ValueError,
        r"group_size is 33, expected a multiple of 16",
    ),
    (
        partial(bm.ternary.quantize, np.ones((2, 40), np.float32), 512),
        ValueError,
        r"group_size is 512",
    ),
    (
        partial(bm.ternary.quantize, np.ones((2, 40), np.float32), 32, per_row=True),
        ValueError,
        r"exclude each other",
    ),
    (
        partial(bm.ternary.quantize, np.ones((2, 40), np.float32), "x"),
        TypeError,
        r"group_size is 'x'",
    ),
    (
        partial(bm.ternary.from_codes, np.full((2, 3), 2, np.int8), ONE),
        ValueError,
        r"codes holds 2 at row 0, column 0",
    ),
    (
        partial(bm.ternary.from_codes, np.ones((2, 3), np.int32), ONE),
        TypeError,
        r"codes is int32, expected int8",
    ),
    (
        partial(bm.ternary.from_codes, np.ones((2, 3), np.int8), np.ones(3)),
        ValueError,
        r"scale has shape \(3,\), expected \(2,\)",
    ),
    (
        partial(bm.ternary.from_codes, np.ones((2, 3), np.int8), np.float32(np.nan)),
        ValueError,
        r"scale holds NaN",
    ),
    (
        partial(bm.ternary.matmul, np.ones((2, 7), np.float32), W),
        ValueError,
        r"ternary.matmul: x has shape \(2, 7\), the weight has 8 inputs",
    ),
    (
        partial(bm.bitlinear, np.float32(1), W),
        ValueError,
        r"bitlinear: x has shape \(\), the weight has 8 inputs",
    ),
    (partial(bm.bitlinear, np.ones((2, 8)), W), TypeError, r"bitlinear: x is float64"),
    (
        partial(bm.bitlinear, np.ones((2, 8), np.float32), W, np.ones(5, np.float32)),
        ValueError,
        r"bias has shape \(5,\), expected \(6,\)",
    ),
    (
        partial(bm.bitlinear, np.ones((2, 8), np.float32), W, None, np.ones(5, np.float32)),
        ValueError,
        r"norm_weight has shape \(5,\), expected \(8,\)",
    ),
    (
        partial(bm.bitlinear, np.ones((2, 8), np.float32), W, out=bm.empty((2, 5))),
        ValueError,
        r"out has shape \(2, 5\), expected \(2, 6\)",
    ),
    (
        partial(bm.bitlinear, np.ones((2, 8), np.float32), "w"),
        TypeError,
        r"incompatible function arguments",
    ),
    (partial(W.repack, 3), ValueError, r"repack: bits is 3, expected 2 or 1.6"),
    (partial(W.dequantize, "int8"), TypeError, r"dequantize: dtype is int8"),
    (
        partial(W.dequantize, "float99"),
        TypeError,
        r"dequantize: dtype is 'float99', expected one of float32",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_nothing_is_written_when_the_input_is_bad() -> None:
    out = bm.full((2, 6), 7.0)
    with pytest.raises(ValueError, match="x has shape"):
        bm.bitlinear(np.ones((2, 9), np.float32), W, out=out)
    assert (np.asarray(out) == 7).all()
