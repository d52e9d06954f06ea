"""The contract of linear algebra on both sides of each size at which the GPU's kernels change.

Blocks of Cholesky factors are 64 wide, panels of QR and LU 32, pairs of blocks of Jacobi's method
32; a panel's rows are held one a thread up to 512 rows, two up to 1024, and in memory beyond.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import bitmetal as bm
from bitmetal import linalg
from table import skip_if_too_large_to_check
from test_linalg import (
    PRODUCT,
    check_cholesky,
    check_eigh,
    check_qr,
    check_svd,
    definite,
    general,
    norm,
    symmetric,
    wide,
    within,
)


def qr(kind: str, m: int, n: int) -> None:
    a = general(kind, m, n, "float32")
    check_qr(a, *linalg.qr(bm.asarray(a)))


def svd(kind: str, m: int, n: int) -> None:
    a = general(kind, m, n, "float32")
    check_svd(a, *linalg.svd(bm.asarray(a), full_matrices=True))


def eigh(kind: str, n: int) -> None:
    a = symmetric(kind, n, "float32")
    check_eigh(a, *linalg.eigh(bm.asarray(a)))


def cholesky(kind: str, n: int) -> None:
    a = definite(kind, n, "float32")
    for upper in (False, True):
        check_cholesky(a, linalg.cholesky(bm.asarray(a), upper=upper), upper)


def solve(kind: str, n: int) -> None:
    a, b = general(kind, n, n, "float32"), general("random", n, 70, "float32", 1)
    x = linalg.solve(bm.asarray(a), bm.asarray(b))
    size = norm(wide(a)) * norm(wide(x))
    within(wide(a) @ wide(x) - b, np.full((1, 1), size), PRODUCT, x)


ROWS: list[tuple[Callable[..., None], str, tuple[int, ...]]] = [
    *((cholesky, kind, (n,)) for kind in ("graded", "random") for n in (32, 33, 64, 65, 129)),
    *((qr, kind, shape) for kind in ("deficient", "graded") for shape in ((65, 64), (64, 65))),
    *((qr, "random", (m, n)) for m in (512, 513, 1024, 1025) for n in (5, 33)),
    *((svd, kind, (n, n)) for kind in ("deficient", "graded") for n in (32, 33, 64, 65)),
    *((svd, "clustered", shape) for shape in ((70, 33), (33, 70))),
    *((eigh, kind, (n,)) for kind in ("deficient", "clustered") for n in (32, 64, 65)),
    *((solve, "random", (n,)) for n in (32, 64, 65, 513)),
]


@pytest.mark.parametrize(
    ("check", "kind", "shape"),
    ROWS,
    ids=[f"{f.__name__}-{kind}-{'x'.join(map(str, shape))}" for f, kind, shape in ROWS],
)
def test_switch(check: Callable[..., None], kind: str, shape: Any, target: str) -> None:
    if target.startswith("cpu") and target != "cpu-generic":
        pytest.skip("LAPACK chooses its instruction set itself")
    skip_if_too_large_to_check(shape[0] * shape[-1])
    check(kind, *shape)
