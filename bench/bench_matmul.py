"""Dense products beside NumPy's."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest
from peers import optional

import bitmetal as bm

torch = optional("torch")
TYPES = {
    "float32": np.float32,
    "float64": np.float64,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
}


def torch_matmul(x: np.ndarray, w: np.ndarray, dtype: str) -> Callable[[], object] | None:
    if torch is None:
        return None
    a, b = (torch.from_numpy(v).to(getattr(torch, dtype)) for v in (x, w))
    return lambda: torch.matmul(a, b.T)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 4096, 4096), (128, 4096, 4096), (1024, 1024, 1024), (2048, 2048, 2048)]
)
def test_matmul(measure: Callable[..., None], m: int, k: int, n: int, dtype: str) -> None:
    rng = np.random.default_rng(0)
    kind = TYPES[dtype]
    x, w = rng.standard_normal((m, k)).astype(kind), rng.standard_normal((n, k)).astype(kind)
    a, b, out = bm.asarray(x), bm.asarray(w).T, bm.empty((m, n), dtype)
    # NumPy has no fast product of 16-bit floats: it is given float32.
    wide = np.promote_types(np.float32, np.float64 if kind is np.float64 else np.float32)
    x_np, w_np, y = x.astype(wide), w.astype(wide), np.empty((m, n), wide)
    measure(
        lambda: bm.matmul(a, b, out=out),
        nbytes=x.nbytes + w.nbytes + out.nbytes,
        operations=2 * m * k * n,
        numpy=lambda: np.matmul(x_np, w_np.T, out=y),
        torch=torch_matmul(x_np, w_np, dtype),
    )
