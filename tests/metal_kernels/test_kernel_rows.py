"""Softmax, RMSNorm and LayerNorm over rows."""

import struct

import numpy as np
import pytest
from kernels import (
    BIAS,
    DTYPES,
    HELD,
    ORDERS,
    ROUNDING,
    VECTORS,
    WEIGHT,
    f64,
    random,
    run,
    set_options,
)

FLOATS = ["f32", "f16", "bf16"]
SHAPES = [(1, 1), (3, 31), (2, 257), (5, 1000)]


def ways(columns: int) -> list[dict]:
    """Rows read again and kept, by one thread group's size and another, four at a time or not."""
    wide = VECTORS if columns % 4 == 0 else 0
    return [
        {"threads": (64,), "constants": 0},
        {"threads": (32,), "constants": wide},
        {"threads": (64,), "constants": HELD | wide},
        {"threads": (256,), "constants": HELD},
    ]


@pytest.fixture(autouse=True, params=ORDERS)
def order(request: pytest.FixtureRequest) -> None:
    set_options(request.param)


def params(x: np.ndarray, eps: float = 0.0) -> bytes:
    rows, columns = x.shape
    return struct.pack("<QQqqfI", rows, columns, columns, columns, eps, 0)


def close(got: np.ndarray, wanted: np.ndarray, dtype: str, slack: float = 4) -> None:
    bound = slack * ROUNDING[dtype] * np.maximum(np.abs(wanted), 1e-3)
    assert np.all(np.abs(f64(got) - wanted) <= bound), np.max(np.abs(f64(got) - wanted))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
def test_softmax(shape: tuple[int, int], dtype: str) -> None:
    x = random(shape, dtype, scale=4)
    e = np.exp(f64(x) - f64(x).max(axis=1, keepdims=True))
    for way in ways(shape[1]):
        y = np.full_like(x, 77)
        run("softmax.metal", f"softmax_{dtype}", [x, y, params(x)], groups=(len(x),), **way)
        close(y, e / e.sum(axis=1, keepdims=True), dtype)


def test_softmax_of_infinities() -> None:
    x = np.array([[-np.inf, 1, 1, -np.inf], [1e38, -1e38, 0, 1e38]], np.float32)
    y = np.empty_like(x)
    run("softmax.metal", "softmax_f32", [x, y, params(x)], groups=(2,))
    np.testing.assert_array_equal(y, [[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5]])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
def test_rms_norm(shape: tuple[int, int], dtype: str, weighted: bool) -> None:
    x, weight = random(shape, dtype), random(shape[1:], dtype, seed=1)
    wanted = f64(x) / np.sqrt(np.mean(f64(x) ** 2, axis=1, keepdims=True) + 1e-5)
    for way in ways(shape[1]):
        y = np.full_like(x, 77)
        way["constants"] |= WEIGHT if weighted else 0
        buffers = [x, y, weight, params(x, 1e-5)]
        run("rms_norm.metal", f"rms_norm_{dtype}", buffers, groups=(len(x),), **way)
        close(y, wanted * f64(weight) if weighted else wanted, dtype)


@pytest.mark.parametrize("options", [0, WEIGHT, BIAS, WEIGHT | BIAS])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
def test_layer_norm(shape: tuple[int, int], dtype: str, options: int) -> None:
    x = (random(shape, "f32") + 10).astype(DTYPES[dtype])
    weight, bias = random(shape[1:], dtype, seed=1), random(shape[1:], dtype, seed=2)
    centred = f64(x) - f64(x).mean(axis=1, keepdims=True)
    wanted = centred / np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + 1e-5)
    wanted *= f64(weight) if options & WEIGHT else 1
    wanted += f64(bias) if options & BIAS else 0
    for way in ways(shape[1]):
        y = np.full_like(x, 77)
        way["constants"] |= options
        buffers = [x, y, weight, bias, params(x, 1e-5)]
        run("layer_norm.metal", f"layer_norm_{dtype}", buffers, groups=(len(x),), **way)
        # The mean, 10, is known to float's precision: errors are relative to the distances.
        np.testing.assert_allclose(f64(y), wanted, rtol=2 * ROUNDING[dtype], atol=1e-4)
