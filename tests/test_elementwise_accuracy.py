"""The float32 functions over all magnitudes, against float64."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import bitmetal as bm
from table import np_dtype
from test_elementwise import erf, erfc, gelu_tanh, sigmoid, units

Function = Callable[[np.ndarray], np.ndarray]

# Units in the last place; docs/operations.md states them.
BOUNDS: dict[str, tuple[Function, float]] = {
    "exp": (np.exp, 1.2),
    "expm1": (np.expm1, 1.3),
    "log": (np.log, 1.2),
    "log1p": (np.log1p, 1.2),
    "sin": (np.sin, 1.8),
    "cos": (np.cos, 1.8),
    "tanh": (np.tanh, 2),
    "sigmoid": (sigmoid, 2.4),
    "silu": (lambda x: x * sigmoid(x), 3.2),
    "erf": (erf, 2),
    "gelu": (lambda x: 0.5 * x * erfc(-x / math.sqrt(2)), 6),
    "gelu_tanh": (gelu_tanh, 3.3),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 1.5),
}


def everywhere(n: int) -> np.ndarray:
    """Random bits, which reach every exponent, and as many numbers of moderate size."""
    rng = np.random.default_rng(3)
    bits = rng.integers(0, 1 << 32, n, dtype=np.uint32).view(np.float32)
    moderate = np.concatenate([rng.uniform(-s, s, n // 4) for s in (1, 5, 14, 1e5)])
    return np.concatenate([bits, moderate.astype(np.float32)])


@pytest.mark.parametrize("name", BOUNDS)
def test_units_in_the_last_place(name: str, target: str) -> None:
    if not target.startswith("cpu"):
        pytest.skip("other devices have bounds of their own")
    reference, bound = BOUNDS[name]
    x = everywhere(60_000)
    if name == "gelu_tanh":
        result = bm.gelu(bm.asarray(x), "tanh")
    else:
        result = getattr(bm, name)(bm.asarray(x))
    with np.errstate(all="ignore"):
        exact = reference(x.astype(np.float64))
    assert units(result, exact, "float32") <= bound


def test_multiples_of_a_right_angle(target: str) -> None:
    """Where nearly all digits of the argument cancel."""
    if not target.startswith("cpu"):
        pytest.skip("other devices have bounds of their own")
    near = np.float32(np.arange(1, 5000) * (math.pi / 2))
    x = np.concatenate([near, np.nextafter(near, np.float32(0)), near * np.float32(1024)])
    wide = x.astype(np.float64)
    for name in ("sin", "cos"):
        result = getattr(bm, name)(bm.asarray(x))
        assert units(result, getattr(np, name)(wide), "float32") <= 1.8


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_gelu_of_all_halves(dtype: str, target: str) -> None:
    """Rounded once, from what is right to a tenth of a unit."""
    if not target.startswith("cpu"):
        pytest.skip("other devices have bounds of their own")
    x = np.arange(1 << 16, dtype=np.uint16).view(np_dtype(dtype))
    with np.errstate(all="ignore"):
        exact = BOUNDS["gelu"][0](x.astype(np.float64))
    assert units(bm.gelu(bm.asarray(x)), exact, dtype) <= 0.6


# The same of float64, against the C library's long double, which has 11 bits more where it is more
# than a double at all: elsewhere it is off by half a unit itself.
BOUNDS64: dict[str, tuple[Function, float, float]] = {
    "exp": (np.exp, 1.1, 700),
    "expm1": (np.expm1, 1.5, 700),
    "log": (np.log, 1.1, np.inf),
    "log1p": (np.log1p, 1.1, np.inf),
    "sin": (np.sin, 2.5, 1e6),
    "cos": (np.cos, 2.5, 1e6),
    "tanh": (np.tanh, 2.6, 30),
}


def units64(result: bm.Array, exact: np.ndarray) -> float:
    """Error in units in the last place of float64."""
    known = np.isfinite(exact)
    error = np.abs(np.asarray(result)[known].astype(np.longdouble) - exact[known])
    size = np.maximum(np.abs(exact[known]).astype(np.float64), np.finfo(np.float64).tiny)
    return float((error / np.spacing(size)).max())


@pytest.mark.parametrize("name", BOUNDS64)
def test_units_in_the_last_place_of_float64(name: str, target: str) -> None:
    if not target.startswith("cpu"):
        pytest.skip("no other device has float64")
    reference, bound, most = BOUNDS64[name]
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.uniform(-s, s, 8000) for s in (1e-3, 1, 5, min(most, 1e6))])
    if name.startswith("log"):
        x = np.concatenate([np.abs(x), np.exp(rng.uniform(-745, 709, 8000)), [5e-324]])
        x = np.concatenate([x, -rng.uniform(0, 1, 8000)]) if name == "log1p" else x
    with np.errstate(all="ignore"):
        exact = reference(x.astype(np.longdouble))
    assert units64(getattr(bm, name)(bm.asarray(x)), exact) <= bound


def test_powers_of_float64(target: str) -> None:
    if not target.startswith("cpu"):
        pytest.skip("no other device has float64")
    rng = np.random.default_rng(8)
    a = np.concatenate([rng.uniform(0.4, 2.6, 9000), np.exp(rng.uniform(-30, 30, 9000))])
    a[::7] *= -1
    b = np.concatenate([rng.uniform(-700, 700, 9000), rng.uniform(-20, 20, 9000)])
    b[::7] = np.round(b[::7])
    with np.errstate(all="ignore"):
        exact = np.power(a.astype(np.longdouble), b.astype(np.longdouble))
    exact[np.abs(exact) < np.finfo(np.float64).tiny] = np.nan  # a subnormal has fewer digits
    exact[np.abs(exact) > np.finfo(np.float64).max] = np.nan
    assert units64(bm.power(bm.asarray(a), bm.asarray(b)), exact) <= 1.4


def test_edges_of_powers(target: str) -> None:
    """Infinities, zeros, NaN and negative numbers, alone and among ordinary ones."""
    if not target.startswith("cpu"):
        pytest.skip("other devices have rows of their own")
    edges = np.array([0.0, -0.0, 1, -1, 2, -3, 0.5, -0.5, np.inf, -np.inf, np.nan, 7, 1e38, -1e-38])
    a, b = (v.ravel() for v in np.meshgrid(edges, edges))
    for dtype in ("float32", "float64"):
        x, y = a.astype(dtype), b.astype(dtype)
        with np.errstate(all="ignore"):
            expected = np.power(x, y)
        np.testing.assert_allclose(np.asarray(bm.power(x, y)), expected, rtol=3e-7)


def test_powers(target: str) -> None:
    if not target.startswith("cpu"):
        pytest.skip("other devices have bounds of their own")
    rng = np.random.default_rng(5)
    a = everywhere(5_000)
    a = np.concatenate([a, np.abs(a)])
    b = np.concatenate(
        [rng.uniform(-4, 4, len(a) // 2), rng.integers(-9, 10, len(a) - len(a) // 2)]
    ).astype(np.float32)
    for scale in (1, 0.1):
        x, y = a, b * np.float32(scale)
        with np.errstate(all="ignore"):
            exact = np.power(x.astype(np.float64), y.astype(np.float64))
        assert units(bm.power(x, y), exact, "float32") <= 1.2


@pytest.mark.parametrize("name", ["floor_divide", "remainder"])
def test_divisions_agree_with_python(name: str, target: str) -> None:
    if not target.startswith("cpu"):
        pytest.skip("other devices have bounds of their own")
    rng = np.random.default_rng(7)
    a = np.float32(rng.uniform(-1e4, 1e4, 3000))
    b = np.float32(rng.uniform(-50, 50, 3000))
    b[::3] = np.float32(0.1)
    a[::5] = b[::5] * 7
    function = {"floor_divide": lambda x, y: x // y, "remainder": lambda x, y: x % y}[name]
    expected = [function(float(x), float(y)) for x, y in zip(a, b, strict=True)]
    np.testing.assert_array_equal(
        np.asarray(getattr(bm, name)(a, b)), np.array(expected).astype(np.float32)
    )
