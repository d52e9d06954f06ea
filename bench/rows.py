"""What a row of the array benchmarks is: a call of ours beside the same of NumPy and of torch."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from peers import optional

torch: Any = optional("torch")
Call = Callable[[], object]
Measure = Callable[..., None]
# Numbers of elements; up to 10^8 and beyond where the variable asks for them.
SIZES = [int(n) for n in os.environ.get("BITMETAL_BENCH_SIZES", "1000,16777216").split(",")]


class Row(NamedTuple):
    """Bytes read and written, and the calls; every one writes into memory that is there already."""

    nbytes: float
    ours: Call
    numpy: Call | None = None
    torch: Call | None = None


def run(measure: Measure, row: Row) -> None:
    """Time a row."""
    measure(row.ours, nbytes=row.nbytes, numpy=row.numpy, torch=row.torch)


def values(shape: int | tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Draw float32 normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def square(n: int) -> tuple[int, int]:
    """Give the shape of about n elements whose rows are a power of two of them, at most 4096."""
    columns = 1 << max(0, min(12, (n.bit_length() - 1) // 2))
    return max(1, n // columns), columns
