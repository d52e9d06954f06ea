from __future__ import annotations

import numpy as np
import pytest

import bitmetal as bm
from table import FLOATS, NMSE, Case, over, random


def rms_norm(a: np.ndarray, weight: np.ndarray | float = 1.0, eps: float = 1e-5) -> np.ndarray:
    return a / np.sqrt(np.mean(a * a, axis=-1, keepdims=True) + np.float32(eps)) * weight


CASES = [
    Case(
        f"{'x'.join(map(str, shape))}-{'weight' if weighted else 'plain'}-{dtype}",
        lambda shape=shape, dtype=dtype, weighted=weighted: [
            random(shape, dtype),
            *([random(shape[-1:], dtype, 1)] if weighted else []),
        ],
        bm.rms_norm,
        rms_norm,
        NMSE[dtype] * 4,
    )
    for shape in [(1,), (7, 1), (5, 64), (3, 4, 1000), (2, 70001)]
    for weighted in (False, True)
    for dtype in FLOATS
]


@over(CASES)
def test_rms_norm(case: Case, target: str) -> None:
    case.check()


def test_zero_and_tiny_rows(target: str) -> None:
    a = np.zeros((2, 100), np.float32)
    a[1] = 1e-30
    np.testing.assert_allclose(bm.rms_norm(a), rms_norm(a.astype(np.float64)), rtol=1e-6)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"rms_norm: weight has shape \(3,\), expected \(4,\)"):
        bm.rms_norm(np.ones((2, 4), np.float32), np.ones(3, np.float32))
    with pytest.raises(ValueError, match="rms_norm: a has no dimensions"):
        bm.rms_norm(np.float32(1))
    with pytest.raises(TypeError, match="rms_norm: a is int64"):
        bm.rms_norm(np.arange(4))
