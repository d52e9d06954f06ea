"""Blockwise quantization and products at 4096 x 4096, beside bitsandbytes, PyTorch and NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import peers
import pytest

import bitmetal as bm

SIZE = 4096
BATCHES = [1, 4, 16, 128]
FORMATS = ["nf4", "int8", "mxfp4", "affine"]
Measure = Callable[..., None]
torch: Any = peers.optional("torch")
bnb: Any = peers.optional("bitsandbytes") if torch else None
mx: Any = peers.optional("mlx.core")


def weight() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((SIZE, SIZE), np.float32)


def peer_quantize(kind: str, dense: Any) -> Any:
    """bitsandbytes' codes and their state."""
    if kind == "nf4":
        return bnb.functional.quantize_4bit(dense, quant_type="nf4", blocksize=64)
    return bnb.functional.quantize_blockwise(dense, blocksize=64)


@pytest.mark.parametrize("kind", FORMATS)
def test_quantize(measure: Measure, kind: str) -> None:
    dense = weight()
    a = bm.asarray(dense)
    theirs = None
    if bnb and kind in ("nf4", "int8"):
        tensor = torch.from_numpy(dense)

        def theirs() -> Any:
            return peer_quantize(kind, tensor)

    nbytes = dense.nbytes + bm.blockwise.quantize(a, kind).nbytes
    measure(lambda: bm.blockwise.quantize(a, kind), nbytes=nbytes, bitsandbytes=theirs)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", FORMATS)
def test_dequantize(measure: Measure, kind: str, dtype: str) -> None:
    dense = weight()
    q = bm.blockwise.quantize(dense, kind)
    theirs = None
    if bnb and kind in ("nf4", "int8"):
        tensor = torch.from_numpy(dense).to(getattr(torch, dtype))
        codes, state = peer_quantize(kind, tensor)
        dequantize = (
            bnb.functional.dequantize_4bit if kind == "nf4" else bnb.functional.dequantize_blockwise
        )

        def theirs() -> Any:
            return dequantize(codes, state)

    nbytes = q.nbytes + SIZE * SIZE * (4 if dtype == "float32" else 2)
    measure(lambda: q.dequantize(dtype), nbytes=nbytes, bitsandbytes=theirs)


def mlx_product(x: np.ndarray, dense: np.ndarray) -> Callable[[], object] | None:
    """MLX's product with groups of 64, which takes a second at a batch of 16."""
    if mx is None or x.shape[0] > 16:
        return None
    a, weight = mx.array(x), mx.quantize(mx.array(dense), group_size=64, bits=4)
    return lambda: mx.eval(mx.quantized_matmul(a, *weight, group_size=64, bits=4))


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("kind", [*FORMATS, "nf4 nested"])
def test_matmul(measure: Measure, kind: str, batch: int) -> None:
    """float32, as PyTorch's dense product; bitsandbytes from the layout that it stores."""
    dense = weight()
    q = bm.blockwise.quantize(dense, kind.split()[0], double_quant="nested" in kind)
    x = np.random.default_rng(1).standard_normal((batch, SIZE), np.float32)
    a, out = bm.asarray(x), bm.empty((batch, SIZE))
    y = np.empty((batch, SIZE), np.float32)
    dense_torch = theirs = None
    if torch:
        xt, wt = torch.from_numpy(x), torch.from_numpy(dense)

        def dense_torch() -> Any:
            return torch.nn.functional.linear(xt, wt)

    if bnb and kind == "nf4":
        codes, state = peer_quantize(kind, wt)

        def theirs() -> Any:
            return bnb.matmul_4bit(xt, codes.t(), quant_state=state)

    measure(
        lambda: bm.blockwise.matmul(a, q, out=out),
        mlx=mlx_product(x, dense) if kind == "affine" else None,
        nbytes=q.nbytes + x.nbytes + y.nbytes,
        operations=2 * batch * SIZE * SIZE,
        numpy=lambda: np.matmul(x, dense.T, out=y),
        torch=dense_torch,
        bitsandbytes=theirs,
    )


@pytest.mark.parametrize("batch", BATCHES)
def test_matmul_bfloat16(measure: Measure, batch: int) -> None:
    """Beside bitsandbytes' layer, which repacks its weight where the machine has AVX512-BF16."""
    dense = weight()
    q = bm.blockwise.quantize(dense, "nf4")
    x = np.random.default_rng(1).standard_normal((batch, SIZE), np.float32)
    a = bm.asarray(x).astype("bfloat16")
    theirs = None
    if bnb:
        layer = bnb.nn.Linear4bit(
            SIZE, SIZE, bias=False, quant_type="nf4", compute_dtype=torch.bfloat16
        )
        layer.weight = bnb.nn.Params4bit(
            torch.from_numpy(dense),
            requires_grad=False,
            quant_type="nf4",
            compress_statistics=False,
        )
        layer = layer.to("cpu").eval()
        xt = torch.from_numpy(x).to(torch.bfloat16)

        def theirs() -> Any:
            with torch.no_grad():
                return layer(xt)

    measure(
        lambda: bm.blockwise.matmul(a, q),
        nbytes=q.nbytes + 2 * x.nbytes,
        operations=2 * batch * SIZE * SIZE,
        bitsandbytes=theirs,
    )


@pytest.mark.parametrize("batch", [1, 128])
def test_int8_matmul(measure: Measure, batch: int) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-128, 127, (rows, SIZE), np.int8, endpoint=True) for rows in (batch, SIZE))
    theirs = None
    if bnb:
        at, bt = torch.from_numpy(a), torch.from_numpy(b)

        def theirs() -> Any:
            return torch.ops.bitsandbytes.int8_linear_matmul(at, bt)

    measure(
        lambda: bm.blockwise.int8_matmul(a, b),
        nbytes=a.nbytes + b.nbytes + 4 * batch * SIZE,
        operations=2 * batch * SIZE * SIZE,
        bitsandbytes=theirs,
    )
