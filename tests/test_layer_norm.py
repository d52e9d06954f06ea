from __future__ import annotations

import numpy as np
import pytest

import bitmetal as bm
from table import FLOATS, NMSE, Case, over, random


def reference(a: np.ndarray, *vectors: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    y = (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + eps)
    if vectors:
        y = y * vectors[0]
    return y + vectors[1] if len(vectors) > 1 else y


def row(shape: tuple[int, ...], dtype: str, vectors: int) -> Case:
    def inputs() -> list[np.ndarray]:
        return [random(shape, dtype)] + [
            random(shape[-1:], dtype, seed=i + 1) for i in range(vectors)
        ]

    label = f"{'x'.join(map(str, shape))}-{dtype}-{['plain', 'weight', 'weight and bias'][vectors]}"
    return Case(label, inputs, bm.layer_norm, reference, 4 * NMSE[dtype])


CASES = [
    row(shape, dtype, vectors)
    for shape in [(2,), (3, 65), (2, 3, 300), (2, 20001)]
    for dtype in FLOATS
    for vectors in (0, 1, 2)
]


@over(CASES)
def test_layer_norm(case: Case, target: str) -> None:
    case.check()


def test_a_mean_far_from_zero(target: str) -> None:
    a = (1000 + random((5, 1001), "float32")).astype(np.float32)
    expected = reference(a.astype(np.float64))
    np.testing.assert_allclose(bm.layer_norm(a), expected, rtol=1e-3, atol=1e-3)


def test_bias_alone_constant_rows_and_out(target: str) -> None:
    a, bias = np.full((3, 70), 7, np.float32), random((70,), "float32")
    out = bm.empty((3, 70))
    assert bm.layer_norm(a, bias=bias, out=out) is out
    np.testing.assert_array_equal(out, np.tile(bias, (3, 1)))
    a[1, 4] = np.nan
    assert np.isnan(np.asarray(bm.layer_norm(a))).any(axis=1).tolist() == [False, True, False]
    strided = bm.asarray(random((70, 6), "float32")).T
    expected = reference(np.asarray(strided).astype(np.float64))
    np.testing.assert_allclose(bm.layer_norm(strided), expected, rtol=1e-5, atol=1e-5)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"layer_norm: bias has shape \(3,\), expected \(4,\)"):
        bm.layer_norm(np.ones((2, 4), np.float32), bias=np.ones(3, np.float32))
    with pytest.raises(TypeError, match="layer_norm: a is int32, expected a floating-point type"):
        bm.layer_norm(np.ones((2, 4), np.int32))
    with pytest.raises(ValueError, match="layer_norm: a has no dimensions"):
        bm.layer_norm(np.float32(1))
