"""Element-wise operations beside NumPy's and torch's, from one element to as many as asked for.

BITMETAL_BENCH_SIZES, a list with commas, chooses the numbers of elements (up to 10^8 and beyond).
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import peers
import pytest

import bitmetal as bm

Measure = Callable[..., None]
Call = Callable[[], object]
SIZES = [
    int(n) for n in os.environ.get("BITMETAL_BENCH_SIZES", "1,1000,100000,16777216").split(",")
]


def values(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n, np.float32)


def rows(n: int) -> dict[str, tuple[float, Call, Call | None, Call | None]]:
    """Bytes moved, our call, NumPy's and torch's, each into memory that is there already."""
    x, y, z = values(n), values(n, 1), values(n, 2)
    out_n, held = np.empty_like(x), np.empty_like(x)
    condition = x > 0
    a, b, c, out = bm.asarray(x), bm.asarray(y), bm.asarray(z), bm.empty((n,))
    mask, half = bm.asarray(condition), bm.empty((n,), "bfloat16")
    half_n = np.empty(n, np.dtype(bm.bfloat16.dtype))
    axpy = bm.fuse(lambda p, q, r: p * q + r)

    def numpy_axpy() -> None:
        np.multiply(x, y, out=held)
        np.add(held, z, out=out_n)

    def ours_cast() -> None:
        half[...] = a

    def numpy_cast() -> None:
        half_n[...] = x

    theirs: dict[str, Call] = {}
    torch = peers.optional("torch")
    if torch is not None:
        s, t, u, o = (torch.from_numpy(v) for v in (x, y, z, np.empty_like(x)))
        m, h = torch.from_numpy(condition), torch.empty(n, dtype=torch.bfloat16)
        theirs = {
            "add": lambda: torch.add(s, t, out=o),
            "multiply_add": lambda: torch.addcmul(u, s, t, out=o),
            "exp": lambda: torch.exp(s, out=o),
            "gelu": lambda: torch._C._nn.gelu(s, out=o),
            "cast": lambda: h.copy_(s),
            "where": lambda: torch.where(m, s, t, out=o),
        }
    w = 4 * n
    ours: dict[str, tuple[float, Call, Call | None]] = {
        "add": (3 * w, lambda: bm.add(a, b, out=out), lambda: np.add(x, y, out=out_n)),
        "multiply_add": (4 * w, lambda: axpy(a, b, c, out=out), numpy_axpy),
        "exp": (2 * w, lambda: bm.exp(a, out=out), lambda: np.exp(x, out=out_n)),
        "gelu": (2 * w, lambda: bm.gelu(a, out=out), None),
        "cast": (1.5 * w, ours_cast, numpy_cast),
        "where": (
            3.25 * w,
            lambda: bm.where(mask, a, b, out=out),
            lambda: np.copyto(out_n, np.where(condition, x, y)),
        ),
    }
    return {k: (nbytes, us, numpy, theirs.get(k)) for k, (nbytes, us, numpy) in ours.items()}


@pytest.mark.parametrize("name", ["add", "multiply_add", "exp", "gelu", "cast", "where"])
@pytest.mark.parametrize("n", SIZES)
def test_elementwise(measure: Measure, n: int, name: str) -> None:
    nbytes, ours, numpy, torch = rows(n)[name]
    measure(ours, nbytes=nbytes, numpy=numpy, torch=torch)
