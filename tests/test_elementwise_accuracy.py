"""The float32 functions over all magnitudes, against float64."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import bitmetal as bm
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
        assert units(bm.power(x, y), exact, "float32") <= 0.6


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
