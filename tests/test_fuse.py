from __future__ import annotations

import numpy as np
import pytest

import bitmetal as bm
from table import random


def formula(a: bm.Array, x: bm.Array, y: bm.Array) -> bm.Array:
    shifted = abs(a * x - y) + 1
    return bm.where(shifted > 2, bm.sqrt(shifted), -shifted / 2)


def by_hand(a: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    shifted = abs(a * x - y) + 1
    return np.where(shifted > 2, np.sqrt(shifted), -shifted / 2)


@pytest.mark.parametrize("n", [1, 40, 3001])
def test_one_pass_is_what_the_operations_give(n: int, target: str) -> None:
    a, x, y = random((7, 1), "float32"), random((7, n), "float32", 1), random((n,), "float32", 2)
    fused = bm.fuse(formula)
    out = bm.empty((n, 7)).T
    for result in (fused(a, bm.asarray(x), y), fused(a, x, y, out=out)):
        np.testing.assert_array_equal(np.asarray(result), by_hand(a, x, y))


def test_types_are_promoted_inside(target: str) -> None:
    fused = bm.fuse(lambda a, b: (a + b) * 2.5 > b)
    a, b = random((50,), "int8"), random((50,), "float32")
    np.testing.assert_array_equal(np.asarray(fused(a, b)), (a + b) * np.float32(2.5) > b)
    assert fused(bm.asarray(a), bm.asarray(a)).dtype == bm.bool_


def test_halves_are_rounded_once(target: str) -> None:
    a = bm.asarray(np.float16([1.0]))
    small = 2.0**-11  # half a unit of 1: lost where each sum is rounded
    assert ((a + small) + small).item() == 1.0
    twice = bm.fuse(lambda x: (x + small) + small)(a)
    assert twice.dtype == bm.float16
    assert twice.item() == 1.0 + 2.0**-10
    assert bm.fuse(lambda x: (x + small).astype("float16") + small)(a).item() == 1.0


PAIRS = {
    "a * b + c": lambda a, b, c: a * b + c,
    "c + a * b": lambda a, b, c: c + a * b,
    "a * b - c": lambda a, b, c: a * b - c,
    "c - a * b": lambda a, b, c: c - a * b,
    "a * 2.5 + c": lambda a, b, c: a * 2.5 + c,
    "2.5 * a - 1.5": lambda a, b, c: 2.5 * a - 1.5,
    "a * b + 1.5": lambda a, b, c: a * b + 1.5,
    "a * a + a": lambda a, b, c: a * a + a,
    "a * b + a * b": lambda a, b, c: a * b + a * b,
    "min(max(a, b), c)": lambda a, b, c: bm.minimum(bm.maximum(a, b), c),
    "clip": lambda a, b, c: bm.clip(a, -0.5, 0.75),
    "clip to b": lambda a, b, c: bm.clip(a, b, 0.75),
}


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize("name", PAIRS)
def test_two_operations_in_one_are_rounded_as_two(name: str, dtype: str, target: str) -> None:
    if not target.startswith("cpu"):
        pytest.skip("other devices compute every operation alone")
    fused = bm.fuse(PAIRS[name])
    for n, rows in ((1, 3), (15, 1), (333, 3)):
        a, b, c = (random((rows, n), dtype, seed) for seed in range(3))
        wide = "float64" if dtype == "float64" else "float32"
        for operands in ((a, b, c), (a, b[:, :1], c), (a, b, c[0, :1]), (a, b[:1], c[:1, ::-1])):
            x, y, z = (v.astype(wide) for v in operands)
            expected = {
                "min(max(a, b), c)": lambda x, y, z: np.minimum(np.maximum(x, y), z),
                "clip": lambda x, y, z: np.clip(x, x.dtype.type(-0.5), x.dtype.type(0.75)),
                "clip to b": lambda x, y, z: np.minimum(np.maximum(x, y), x.dtype.type(0.75)),
            }.get(name, PAIRS[name])(x, y, z)
            result = np.asarray(fused(*map(bm.asarray, operands)))
            np.testing.assert_array_equal(
                result, np.broadcast_to(expected, result.shape).astype(a.dtype)
            )


def test_in_place(target: str) -> None:
    x = bm.asarray(np.arange(10, dtype=np.float32))
    bm.fuse(lambda a: bm.clip(a, 2, 7) - a)(x, out=x)
    np.testing.assert_array_equal(np.asarray(x), [2, 1, 0, 0, 0, 0, 0, 0, -1, -2])


def test_arguments_and_constants_come_back(target: str) -> None:
    a = random((5,), "float32")
    assert bm.fuse(lambda x: x)(a).tolist() == a.tolist()
    assert bm.fuse(lambda x, y: y)(bm.ones((2, 1)), bm.asarray(a)).shape == (2, 5)
    assert bm.fuse(lambda x, y: x)(bm.asarray([True]), 3).tolist() == [True]


def test_traced_once_for_each_signature() -> None:
    calls = []

    def traced(x: bm.Array, k: float) -> bm.Array:
        calls.append(k)
        return x * k

    fused = bm.fuse(traced)
    for k in (2.0, 2.0, 3.0):
        fused(bm.ones((3,)), k)
    assert calls == [2.0, 3.0]
    fused(bm.ones((3,), "float16"), 2.0)
    assert len(calls) == 3
    for i in range(100):
        assert fused(bm.ones(()), float(i)).item() == i


def test_many_operations(target: str) -> None:
    def powers(x: bm.Array) -> bm.Array:
        total = x
        for i in range(20):
            total = total * x + i
        return total

    x = np.linspace(-1, 1, 777, dtype=np.float32)
    expected = x
    for i in range(20):
        expected = expected * x + np.float32(i)
    np.testing.assert_array_equal(np.asarray(bm.fuse(powers)(x)), expected)


def test_what_cannot_be_traced() -> None:
    a = bm.ones((3,))
    for function, message in [
        (lambda x: x if x > 0 else -x, "asks whether a value is true"),
        (lambda x: x[0], "indexes a value"),
        (lambda x: float(x), "makes a number of a value"),
        (lambda x: next(iter(x)), "walks along a value"),
        (lambda x: x.shape, "uses 'shape' of a value"),
        (lambda x: bm.sum(x), "sum: a is a value inside"),
        (lambda x: x + a, "pass it as an argument"),
        (lambda x: (x, x), "returned an object of type 'tuple'"),
        (lambda x: 3, "returned an object of type 'int'"),
        (lambda x: bm.exp(x, out=a), "no out inside"),
        (lambda x: np.exp(x), "ufunc"),
        (lambda x: x + np.ones(3), "pass it as an argument"),
    ]:
        with pytest.raises(TypeError, match=message):
            bm.fuse(function)(a)
    with pytest.raises(TypeError, match="function is of type 'int'"):
        bm.fuse(3)
    with pytest.raises(TypeError, match="at least one array"):
        bm.fuse(lambda x: x)(3)
    with pytest.raises(TypeError, match="more than 64"):
        bm.fuse(lambda x: sum((x + i for i in range(80)), x))(a)
    with pytest.raises(ValueError, match="fuse: shapes"):
        bm.fuse(lambda x, y: x + y)(a, bm.ones((4,)))
