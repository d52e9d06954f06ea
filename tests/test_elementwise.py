"""Every element-wise operation in every type, with the values where it can go wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import bitmetal as bm
from table import FLOATS, np_dtype, random, wide

INTEGERS = ("int8", "uint8", "int32", "int64")
NUMBERS = (*FLOATS, *INTEGERS)
ALL = (*NUMBERS, "bool")
Reference = Callable[..., Any]

MANTISSA = {"float32": 23, "float16": 10, "bfloat16": 7, "float64": 52}
LEAST = {"float32": -126, "float16": -14, "bfloat16": -126, "float64": -1022}


def units(result: Any, exact: np.ndarray, dtype: str) -> float:
    """Largest error in units in the last place; infinite where NaN or infinities differ."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(np_dtype(dtype)).astype(np.float64)
        got = np.asarray(result).astype(np.float64)
        same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
        _, exponent = np.frexp(np.where(exact == 0, 5e-324, exact))
        unit = np.ldexp(1.0, np.maximum(exponent - 1, LEAST[dtype]) - MANTISSA[dtype])
        error = np.where(same, 0, np.abs(got - exact) / unit)
    return float(np.max(np.where(np.isnan(error), np.inf, error), initial=0))


def floats(dtype: str) -> np.ndarray:
    """Zeros, infinities, NaN, subnormal and large numbers, ties, and some normal variates."""
    edges = [0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2, -2.5, 3, 7, -7, 10, 100, -100, 1e-3, 1e-8, -1e-8]
    edges += [88, -88, 90, -104, 3e4, -3e4, 1e-40, -1e-40, 1e10, 1e30, np.inf, -np.inf, np.nan]
    with np.errstate(over="ignore"):
        return np.concatenate([edges, random((69,), "float64") * 3]).astype(np_dtype(dtype))


def values(dtype: str) -> np.ndarray:
    if dtype in FLOATS:
        return floats(dtype)
    if dtype == "bool":
        return random((97,), dtype)
    info = np.iinfo(dtype)
    edges = [0, 1, 2, 3, 7, info.max, info.max - 1, info.min, info.min + 1, 5, 8, 31, 63, 64, 100]
    small = np.random.default_rng(1).integers(0, 20, 40) - (10 if info.min else 0)
    return np.concatenate([np.array([*edges, *small]).astype(dtype), random((43,), dtype)])


def pairs(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Each with each of the edges."""
    edges = values(dtype)[:37]
    a, b = np.meshgrid(edges, edges)
    return a.ravel(), b.ravel()


erf = np.vectorize(math.erf, otypes=[float])
erfc = np.vectorize(math.erfc, otypes=[float])


def sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, np.where(np.isnan(x), x, 1)) / (1 + e)


@dataclass(frozen=True)
class Op:
    """An operation, NumPy's formula for it, the types that it takes and how far it may be off."""

    name: str
    reference: Reference
    types: tuple[str, ...] = NUMBERS
    bound: float = 0.0  # units in the last place of float32
    bound64: float = 8.0  # and of float64, with the error of the reference

    def __str__(self) -> str:
        return self.name


def unary(name: str, reference: Reference | None = None, bound: float = 0.0, **kw: Any) -> Op:
    return Op(name, reference or getattr(np, name), bound=bound, **kw)


UNARY = [
    unary("negative"),
    unary("absolute"),
    unary("sign"),
    unary("square"),
    unary("reciprocal", lambda x: 1 / x),
    unary("sqrt"),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), 1.5),
    unary("exp", bound=1.2),
    unary("expm1", bound=1.2),
    unary("log", bound=1.2),
    unary("log1p", bound=1.2),
    unary("sin", bound=1.8),
    unary("cos", bound=1.8),
    unary("tanh", bound=2.5),
    unary("sigmoid", sigmoid, 2.1),
    unary("erf", erf, 2),
    unary("relu", lambda x: np.maximum(x, 0)),
    unary("gelu", lambda x: 0.5 * x * erfc(-x / math.sqrt(2)), 4.5, bound64=200),
    unary("silu", lambda x: x * sigmoid(x), 3),
    unary("floor"),
    unary("ceil"),
    unary("round"),
    unary("trunc"),
    unary("isnan", types=ALL),
    unary("isinf", types=ALL),
    unary("isfinite", types=ALL),
    unary("logical_not", types=ALL),
    unary("bitwise_not", np.invert, types=(*INTEGERS, "bool")),
]
REAL = {"reciprocal", "sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tanh"}
REAL |= {"sigmoid", "erf", "gelu", "silu", "divide"}


def here(types: tuple[str, ...], target: str) -> list[str]:
    return [t for t in types if t != "float64" or target.startswith("cpu")]


def check(op: Op, dtype: str, result: bm.Array, operands: list[np.ndarray]) -> None:
    """Against float64 for floating types, bit for bit for the others."""
    kind = result.dtype.name
    with np.errstate(all="ignore"):
        computed = operands
        if dtype in FLOATS:
            computed = [o.astype(np.float64) for o in operands]
        elif op.name in REAL:
            computed = [o.astype(np.float32).astype(np.float64) for o in operands]
        expected = np.asarray(op.reference(*computed))
    if kind not in FLOATS:
        np.testing.assert_array_equal(np.asarray(result), expected, f"{op} {dtype}")
        return
    bound = {"float32": max(op.bound, 0.5), "float64": op.bound64}.get(kind, 0.501)
    error = units(result, expected.astype(np.float64), kind)
    assert error <= bound, f"{op} of {dtype} is off by {error} units"


@pytest.mark.parametrize("op", UNARY, ids=str)
def test_unary(op: Op, target: str) -> None:
    for dtype in here(op.types, target):
        x = values(dtype)
        result = getattr(bm, op.name)(bm.asarray(x))
        floating = dtype if dtype in FLOATS else "float32" if op.name in REAL else dtype
        boolean = op.name.startswith(("is", "logical"))
        assert result.dtype.name == ("bool" if boolean else floating)
        check(op, dtype, result, [x])


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


def test_gelu_tanh(target: str) -> None:
    op = unary("gelu", gelu_tanh, 3, bound64=200)
    for dtype in here(FLOATS, target):
        x = values(dtype)
        check(op, dtype, bm.gelu(bm.asarray(x), "tanh"), [x])


def power(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind == "f":
        return np.power(a, b)
    result = np.where(b < 0, 0, np.power(a, np.where(b < 0, 0, b)))
    result = np.where((b < 0) & (a == 1), 1, result)
    if a.dtype.kind == "i":
        result = np.where((b < 0) & (a == -1), np.where(b % 2, -1, 1), result)
    return result


BINARY = [
    Op("add", np.add),
    Op("subtract", np.subtract),
    Op("multiply", np.multiply),
    Op("divide", np.divide),
    Op("floor_divide", np.floor_divide),
    Op("remainder", np.remainder),
    Op("power", power, bound=1.2),
    Op("minimum", np.minimum, ALL),
    Op("maximum", np.maximum, ALL),
    Op("equal", np.equal, ALL),
    Op("not_equal", np.not_equal, ALL),
    Op("less", np.less, ALL),
    Op("less_equal", np.less_equal, ALL),
    Op("greater", np.greater, ALL),
    Op("greater_equal", np.greater_equal, ALL),
    Op("logical_and", np.logical_and, ALL),
    Op("logical_or", np.logical_or, ALL),
    Op("logical_xor", np.logical_xor, ALL),
    Op("bitwise_and", np.bitwise_and, (*INTEGERS, "bool")),
    Op("bitwise_or", np.bitwise_or, (*INTEGERS, "bool")),
    Op("bitwise_xor", np.bitwise_xor, (*INTEGERS, "bool")),
    Op("left_shift", np.left_shift, INTEGERS),
    Op("right_shift", np.right_shift, INTEGERS),
]


@pytest.mark.parametrize("op", BINARY, ids=str)
def test_binary(op: Op, target: str) -> None:
    for dtype in here(op.types, target):
        a, b = pairs(dtype)
        if op.name in ("floor_divide", "remainder") and dtype in FLOATS:
            # A quotient of more digits than the type has: NumPy's own answers differ by a unit.
            with np.errstate(all="ignore"):
                sure = ~(np.abs(wide(a) / wide(b)) > 2.0 ** MANTISSA[dtype])
            a, b = a[sure | (b == 0)], b[sure | (b == 0)]
        check(op, dtype, getattr(bm, op.name)(bm.asarray(a), bm.asarray(b)), [a, b])


def test_where_and_clip(target: str) -> None:
    for dtype in here(ALL, target):
        a, b = values(dtype), values(dtype)[::-1].copy()
        condition = random(a.shape, "bool")
        chosen = np.asarray(bm.where(bm.asarray(condition), bm.asarray(a), bm.asarray(b)))
        np.testing.assert_array_equal(wide(chosen), wide(np.where(condition, a, b)))
        if dtype != "bool":
            clipped = np.asarray(bm.clip(bm.asarray(a), 1, 7))
            np.testing.assert_array_equal(wide(clipped), wide(np.clip(a, 1, 7).astype(a.dtype)))


PROMOTION = {
    ("int8", "uint8"): "int32",  # NumPy: int16, which we lack
    ("float16", "bfloat16"): "float32",
}


def test_promotion_is_numpys(target: str) -> None:
    """But where NumPy leaves our types, or makes float64 of narrower ones."""
    for a in here(ALL, target):
        for b in here(ALL, target):
            result = bm.add(bm.ones((2,), a), bm.ones((2,), b)).dtype.name
            own = PROMOTION.get((a, b)) or PROMOTION.get((b, a))
            if own:
                assert result == own
                continue
            try:
                expected = np.promote_types(np_dtype(a), np_dtype(b)).name
            except TypeError:  # ml_dtypes leaves bfloat16 with wide integers open
                expected = "float32"
            if expected == "float64" and "float64" not in (a, b):
                expected = "float32"
            assert result == expected, (a, b)


def test_numbers_take_the_arrays_type(target: str) -> None:
    a = bm.asarray(np.uint8([1, 200]))
    assert (a + 1).dtype == bm.uint8
    assert (a + True).dtype == bm.uint8
    assert (a + 1.5).dtype == bm.float32
    assert (a > 300).tolist() == [False, False]
    assert (a != -1).tolist() == [True, True]
    with pytest.raises(OverflowError, match="add: the number 300 is out of range for uint8"):
        a + 300
    half = bm.asarray(np.float16([1, 2]))
    assert (half * 0.1).dtype == bm.float16
    np.testing.assert_array_equal(np.asarray(half * 0.1), np.float16([1, 2]) * 0.1)
    assert (bm.asarray([True]) + 1).dtype == bm.int64
    assert (half * 10**30).tolist() == [math.inf, math.inf]
    with pytest.raises(OverflowError, match="out of range for int64"):
        bm.asarray(np.int64([1])) + 10**30


def test_division_of_integers_is_float32(target: str) -> None:
    result = bm.asarray(np.int32([1, 2, -7])) / bm.asarray(np.int32([2, 0, 2]))
    assert result.dtype == bm.float32
    assert result.tolist() == [0.5, math.inf, -3.5]


def test_sizes(target: str) -> None:
    for n in (5000, 1023, 7, 1, 0):
        a, b = random((n,), "float32"), random((n,), "float32", 1)
        np.testing.assert_array_equal(np.asarray(bm.add(a, b)), a + b)
        half = a.astype(np.float16)
        np.testing.assert_array_equal(np.asarray(bm.asarray(half) * 2 > 1), half * 2 > 1)


def test_broadcasting_and_strides(target: str) -> None:
    a, b = random((6, 5, 40), "float32"), random((6, 5, 40), "float32", 1)
    x, y = bm.asarray(a), bm.asarray(b)
    for mine, theirs in [
        (x + y[0], a + b[0]),
        (x[:, :1] - y[:, :, 3:4], a[:, :1] - b[:, :, 3:4]),
        (x.T * y.T, a.T * b.T),
        (x.permute(1, 2, 0) + y.permute(1, 2, 0), a.transpose(1, 2, 0) + b.transpose(1, 2, 0)),
        (x[::-2, 1:, ::-3] + y[::-2, 1:, ::-3], a[::-2, 1:, ::-3] + b[::-2, 1:, ::-3]),
        (x[1, 2] * 2 + y[:, 0, :1], a[1, 2] * 2 + b[:, 0, :1]),
        (x[..., None] < y[0, 0, :7], a[..., None] < b[0, 0, :7]),
        (x[2:2] + 1, a[2:2] + 1),
        (x[1, 1, 1] + y[1, 1, 1], a[1, 1, 1] + b[1, 1, 1]),
    ]:
        np.testing.assert_array_equal(np.asarray(mine), theirs)


def test_long_rows_broadcast(target: str) -> None:
    a, row, column = (
        random((30, 3000), "float32"),
        random((3000,), "float32"),
        random((30, 1), "float32"),
    )
    out = bm.asarray(a) * bm.asarray(row) + bm.asarray(column)
    np.testing.assert_array_equal(np.asarray(out), a * row + column)


def test_out_and_in_place(target: str) -> None:
    a = random((9, 12), "float32")
    x = bm.asarray(a.copy())
    given = x
    x += 1
    x *= bm.asarray(a[0])
    assert x is given
    expected = (a + 1) * a[0]
    np.testing.assert_array_equal(np.asarray(x), expected)
    x[1:, ::2] -= x[:-1, ::2]  # what is read overlaps what is written
    expected[1:, ::2] -= expected[:-1, ::2].copy()
    np.testing.assert_array_equal(np.asarray(x), expected)
    out = bm.empty((9, 12), "float16")
    assert bm.add(x, 1, out=out) is out
    np.testing.assert_array_equal(np.asarray(out), (expected + 1).astype(np.float16))
    target_view = bm.zeros((12, 9))
    bm.exp(x * 0, out=target_view.T)
    assert bool(bm.asarray(target_view == 1).reshape(-1)[0])
    n = bm.asarray(np.arange(5))
    n //= 2
    n <<= 1
    assert n.tolist() == [0, 0, 2, 2, 4]


def test_out_errors() -> None:
    a, n = bm.ones((3,)), bm.asarray(np.arange(3))
    with pytest.raises(TypeError, match="add: the result is float32, out is int64"):
        n += 1.5
    with pytest.raises(ValueError, match=r"add: out has shape \(3,\), expected \(2, 3\)"):
        a += bm.ones((2, 3))
    with pytest.raises(ValueError, match=r"add: shapes \(3,\) and \(4,\) do not broadcast"):
        a + bm.ones((4,))
    fixed = np.ones(3, np.float32)
    fixed.flags.writeable = False
    shown = bm.asarray(fixed)
    with pytest.raises(ValueError, match="add: out is read-only"):
        shown += 1
    with pytest.raises(TypeError, match="bitwise_and: not defined for float32"):
        a & a
    with pytest.raises(TypeError, match="subtract: not defined for bool"):
        bm.asarray([True]) - bm.asarray([True])
    with pytest.raises(ValueError, match="power: integers to the negative power -1"):
        n**-1
    with pytest.raises(TypeError, match="exp: a is of type 'object'"):
        bm.exp(object())
    with pytest.raises(TypeError, match="unsupported operand"):
        a + None
    with pytest.raises(ValueError, match="gelu: approximate is 'erf'"):
        bm.gelu(a, "erf")
    with pytest.raises(ValueError, match="clip: neither"):
        bm.clip(a)
    assert (a == None) is False  # noqa: E711


def test_operators_with_numpy(target: str) -> None:
    a = random((4, 3), "float32")
    x = bm.asarray(a)
    for mine, theirs in [
        (a + x, a + a),
        (np.float32(2) * x, 2 * a),
        ([1.0, 2.0, 3.0] - x, [1, 2, 3] - a),
        (2 / x, 2 / a),
        (2.0**x, np.float32(2) ** a),
        (-x % 1, -a % np.float32(1)),
        (abs(x), abs(a)),
        (x**2, a**2),
        (abs(x) ** 0.5, np.sqrt(abs(a))),
        (a < x, a < a),
    ]:
        assert isinstance(mine, bm.Array)
        np.testing.assert_allclose(np.asarray(mine), theirs, rtol=3e-7)
    np.testing.assert_array_equal(np.exp(x), np.exp(a))


def test_numbers_alone(target: str) -> None:
    assert bm.sqrt(4.0).item() == 2
    assert bm.add(1, 2).dtype == bm.int64


def test_large_arrays(target: str) -> None:
    """Long enough for several threads and for stores past the caches."""
    n = 1_200_003 if target.startswith("cpu") else 70_001
    a = random((2 * n,), "float32")
    x = bm.asarray(a)
    np.testing.assert_array_equal(np.asarray(x + 1), a + 1)
    np.testing.assert_array_equal(np.asarray(x > 0), a > 0)
    out = bm.empty((n, 2))
    bm.multiply(x.reshape(n, 2), bm.asarray(a[:2]), out=out)
    np.testing.assert_array_equal(np.asarray(out), a.reshape(n, 2) * a[:2])
    squared = a * a
    x *= x
    np.testing.assert_array_equal(np.asarray(x), squared)


def test_foreign_booleans_may_hold_any_byte(target: str) -> None:
    odd = bm.asarray(np.array([0, 1, 2, 255], np.uint8).view(np.bool_))
    assert (odd & bm.asarray([True] * 4)).tolist() == [False, True, True, True]
    assert bm.logical_not(odd).tolist() == [True, False, False, False]
