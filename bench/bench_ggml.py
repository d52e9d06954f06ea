"""Products of quantized weights beside ggml's, for as many bits a weight."""

from __future__ import annotations

from collections.abc import Callable

import ggml_peer
import numpy as np
import pytest

import bitmetal as bm

SIZE = 4096
BATCHES = [1, 128]
Measure = Callable[..., None]


def operands(batch: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((SIZE, SIZE), np.float32), rng.standard_normal(
        (batch, SIZE), np.float32
    )


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("kind", "bits"), [("TQ2_0", 2), ("TQ1_0", 1.6)])
def test_bitlinear_beside_ggml(measure: Measure, kind: str, bits: float, batch: int) -> None:
    dense, x = operands(batch)
    codes = np.sign(np.trunc(dense)).astype(np.int8)
    w = bm.ternary.from_codes(codes, 1.0).repack(bits)
    a, out = bm.asarray(x), bm.empty((batch, SIZE))
    measure(
        lambda: bm.bitlinear(a, w, out=out),
        nbytes=w.nbytes,
        operations=2 * batch * SIZE * SIZE,
        **ggml_peer.products(kind, codes, x),
    )


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("kind", "bits"), [("Q4_0", 4), ("Q8_0", 8)])
def test_affine_beside_ggml(measure: Measure, kind: str, bits: int, batch: int) -> None:
    """Both have a scale for 32 weights; ggml rounds the activations to int8, bitmetal does not."""
    dense, x = operands(batch)
    w = bm.blockwise.quantize(dense, "affine", bits=bits, block_size=32)
    a = bm.asarray(x)
    measure(
        lambda: bm.blockwise.matmul(a, w),
        nbytes=w.nbytes,
        operations=2 * batch * SIZE * SIZE,
        **ggml_peer.products(kind, dense, x),
    )
