"""The one table: an operation, its input, its reference in float64 NumPy, and a bound on the error.

Each ``test_<operation>.py`` lists its rows as `Case` and runs them with `over`; every row runs on
every target (each device, and on the cpu each instruction set that this machine has).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

import bitmetal as bm

FLOATS = ("float32", "float16", "bfloat16", "float64")
HALVES_AND_SINGLE = ("float32", "float16", "bfloat16")

# Normalized mean squared error. For the 16-bit types that of one rounding at its worst, (half a
# unit in the last place) squared: 2^-22 and 2^-16. For the wide ones the accumulation weighs more
# than the rounding: five units in the last place for float32, fifty for float64.
NMSE = {"float64": 1e-29, "float32": 1e-13, "float16": 2.4e-7, "bfloat16": 1.6e-5}
EXACT = 0.0

# softmetal's checker looks at every access: a row with more elements than these takes it minutes.
CHECKED = os.environ.get("SOFTMETAL_CHECK") == "1"
MOST_CHECKED = 1 << 14


def product_bound(dtype: str, depth: int) -> float:
    """What a running float32 sum of `depth` random terms gives: depth / 6 * 2^-48."""
    return NMSE[dtype] if dtype == "float64" else max(NMSE[dtype], depth / 6 * 2.0**-48)


def np_dtype(name: str) -> np.dtype[Any]:
    """NumPy's dtype of that name."""
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


def random(shape: Sequence[int], dtype: str, seed: int = 0) -> npt.NDArray[Any]:
    """Normal variates (integers: the type's whole range), rounded to `dtype`."""
    rng = np.random.default_rng(seed)
    kind = np_dtype(dtype)
    if kind.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return rng.integers(info.min, info.max, shape, dtype=kind, endpoint=True)
    return rng.standard_normal(shape).astype(kind)


def wide(array: Any) -> npt.NDArray[Any]:
    """Floating arrays as float64 so that a reference adds no error of its own."""
    a = np.asarray(array)
    return a.astype(np.float64) if a.dtype.kind in "fV" else a


def nmse(result: npt.NDArray[Any], expected: npt.NDArray[Any]) -> float:
    """Mean squared error over mean square; NaN and infinities must stand in the same places."""
    special = ~np.isfinite(expected)
    np.testing.assert_array_equal(np.where(special, result, 0), np.where(special, expected, 0))
    difference = np.where(special, 0, result - np.where(special, 0, expected))
    scale = float(np.sum(np.square(np.where(special, 0, expected))))
    error = float(np.sum(np.square(np.where(special, 0, difference))))
    return error if scale == 0 else error / scale


@dataclass(frozen=True)
class Case:
    """A row. `run` gets the inputs as arrays, `reference` the same in float64 (or integers)."""

    label: str
    inputs: Callable[[], Sequence[npt.NDArray[Any]]]
    run: Callable[..., bm.Array]
    reference: Callable[..., Any]
    bound: float

    def check(self) -> None:
        """Run the row on the current device and hold the result against the reference."""
        inputs = self.inputs()
        skip_if_too_large_to_check(sum(a.size for a in inputs))
        result = np.asarray(self.run(*[bm.asarray(a) for a in inputs]))
        expected = np.asarray(self.reference(*[wide(a) for a in inputs]))
        assert result.shape == expected.shape
        if self.bound == EXACT:
            np.testing.assert_array_equal(wide(result), expected)
        else:
            assert nmse(wide(result), wide(expected)) <= self.bound


def skip_if_too_large_to_check(elements: int) -> None:
    """Skips a test of so many elements where softmetal's checker is on."""
    if CHECKED and elements > MOST_CHECKED:
        pytest.skip("too large for softmetal's checker")


def over(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Parametrize a test over rows."""
    labels = [case.label for case in cases]
    assert len(set(labels)) == len(labels), "two rows have one label"
    return pytest.mark.parametrize("case", cases, ids=labels)
