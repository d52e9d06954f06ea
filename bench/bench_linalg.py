"""Linear algebra beside NumPy's, SciPy's and PyTorch's, in float32.

Their LAPACK's threads spin, and ours from 512 x 512 on: on a machine that does anything else the
figures of that size mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from peers import optional

import bitmetal as bm

torch, scipy = optional("torch"), optional("scipy.linalg")
SHAPES = [(64, 64), (512, 512), (1000, 8, 8)]
CALLS = ("cholesky", "qr", "svd", "svdvals", "eigh", "solve", "inv")


def operands(name: str, shape: tuple[int, ...]) -> list[np.ndarray]:
    a = np.random.default_rng(0).standard_normal(shape, np.float32)
    n = shape[-1]
    if name in ("cholesky", "eigh"):
        a = a @ np.swapaxes(a, -1, -2) + n * np.eye(n, dtype=np.float32)
    return [a, np.ones((*shape[:-1], 1), np.float32)] if name == "solve" else [a]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
def test_linalg(measure: Callable[..., None], shape: tuple[int, ...], name: str) -> None:
    given = operands(name, shape)
    ours = [bm.asarray(a) for a in given]
    theirs = [torch.from_numpy(a) for a in given] if torch else []
    options = (
        {"mode": "economic"} if name == "qr" else {"lower": True} if name == "cholesky" else {}
    )
    measure(
        lambda: getattr(bm.linalg, name)(*ours),
        nbytes=sum(a.nbytes for a in given),
        numpy=lambda: getattr(np.linalg, name)(*given),
        scipy=(lambda: getattr(scipy, name)(*given, **options)) if scipy else None,
        torch=(lambda: getattr(torch.linalg, name)(*theirs)) if torch else None,
    )
