"""Ternary products and quantization at the sizes of models, beside NumPy's float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from peers import optional

import bitmetal as bm

torch = optional("torch")
SIZES = [(2560, 6912), (4096, 4096), (4096, 14336)]  # out x in
BATCHES = [1, 8, 128]
Measure = Callable[..., None]


def weights(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((rows, columns), np.float32)


def factors(
    rows: int, columns: int, batch: int
) -> tuple[np.ndarray, bm.ternary.TernaryMatrix, np.ndarray]:
    """Give a weight, the same quantized, and activations."""
    dense = weights(rows, columns)
    x = np.random.default_rng(1).standard_normal((batch, columns), np.float32)
    return dense, bm.ternary.quantize(dense), x


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_bitlinear(measure: Measure, rows: int, columns: int, batch: int) -> None:
    dense, w, x = factors(rows, columns, batch)
    a, out = bm.asarray(x), bm.empty((batch, rows))
    theirs, y = dense.T, np.empty((batch, rows), np.float32)
    measure(
        lambda: bm.bitlinear(a, w, out=out),
        nbytes=w.nbytes + x.nbytes + y.nbytes,
        operations=2 * batch * rows * columns,
        numpy=lambda: np.matmul(x, theirs, out=y),
        torch_bf16=torch_linear(x, dense, "bfloat16"),
        torch_int8=torch_int8(x, dense),
    )


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_matmul_float_activations(measure: Measure, rows: int, columns: int, batch: int) -> None:
    dense, w, x = factors(rows, columns, batch)
    a, out = bm.asarray(x), bm.empty((batch, rows))
    theirs, y = dense.T, np.empty((batch, rows), np.float32)
    measure(
        lambda: bm.ternary.matmul(a, w, out=out),
        nbytes=w.nbytes + x.nbytes + y.nbytes,
        operations=2 * batch * rows * columns,
        numpy=lambda: np.matmul(x, theirs, out=y),
        torch=torch_linear(x, dense, "float32"),
    )


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_matmul_bfloat16_activations(measure: Measure, rows: int, columns: int, batch: int) -> None:
    dense, w, x = factors(rows, columns, batch)
    a, out = bm.asarray(x).astype("bfloat16"), bm.empty((batch, rows), dtype="bfloat16")
    measure(
        lambda: bm.ternary.matmul(a, w, out=out),
        nbytes=w.nbytes + a.nbytes + out.nbytes,
        operations=2 * batch * rows * columns,
        torch_bf16=torch_linear(x, dense, "bfloat16"),
    )


def torch_int8(x: np.ndarray, dense: np.ndarray) -> Callable[[], object] | None:
    """Torch's product of int8 matrices, without quantizing the activations or scaling the sums."""
    if torch is None or x.shape[0] <= 16:  # its own limit
        return None
    q = torch.from_numpy(np.clip(np.rint(x * 30), -127, 127).astype(np.int8))
    codes = torch.from_numpy(np.sign(dense).astype(np.int8))
    return lambda: torch._int_mm(q, codes.T)


def torch_linear(x: np.ndarray, dense: np.ndarray, kind: str) -> Callable[[], object] | None:
    """Torch's dense layer, the weight in float32 or bfloat16."""
    if torch is None:
        return None
    a, w = (torch.from_numpy(v).to(getattr(torch, kind)) for v in (x, dense))
    return lambda: torch.nn.functional.linear(a, w)


@pytest.mark.parametrize("bits", [2, 1.6])
def test_bitlinear_from_memory(measure: Measure, bits: float) -> None:
    """One token through weights that no cache holds: layers of 58.7 million weights in turn."""
    rows, columns, layers = 4096, 14336, 40
    codes = np.random.default_rng(0).integers(-1, 2, (rows, columns)).astype(np.int8)
    model = [bm.ternary.from_codes(codes, 1.0).repack(bits) for _ in range(layers)]
    a, out = bm.ones((1, columns)), bm.empty((1, rows))

    def run() -> None:
        for w in model:
            bm.bitlinear(a, w, out=out)

    measure(run, nbytes=sum(w.nbytes for w in model), operations=2 * layers * rows * columns)


def numpy_quantize(w: np.ndarray) -> tuple[np.ndarray, np.float32]:
    """The same formula and packing: four codes a byte."""
    scale = np.maximum(np.abs(w).mean(), np.float32(1e-5))
    codes = (np.clip(np.rint(w / scale), -1, 1) + 1).astype(np.uint8)
    fields = codes.reshape(4, w.shape[0] // 4, w.shape[1])
    return fields[0] | fields[1] << 2 | fields[2] << 4 | fields[3] << 6, scale


@pytest.mark.parametrize(("rows", "columns"), [(1024, 1024), *SIZES])
def test_quantize(measure: Measure, rows: int, columns: int) -> None:
    dense = weights(rows, columns)
    a = bm.asarray(dense)
    measure(
        lambda: bm.ternary.quantize(a),
        nbytes=2 * dense.nbytes + dense.size / 4,  # the weight is read twice
        numpy=lambda: numpy_quantize(dense),
    )


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_dequantize(measure: Measure, rows: int, columns: int, dtype: str) -> None:
    w = bm.ternary.quantize(weights(rows, columns))
    codes, scale = np.asarray(w.codes()), np.float32(w.scale)
    measure(
        lambda: w.dequantize(dtype),
        nbytes=rows * columns * (np.dtype(dtype).itemsize + 0.25),
        numpy=lambda: (codes * scale).astype(dtype, copy=False),
    )
