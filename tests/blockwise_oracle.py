"""The blockwise formats in plain NumPy, from the text of their contracts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]

NF4 = [
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
    -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
    0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
]  # fmt: skip
FP4 = [m / 12 for m in (0, 0.0625, 8, 12, 4, 6, 2, 3)]
E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
E8M0 = ml_dtypes.float8_e8m0fnu
E4M3 = ml_dtypes.float8_e4m3fn


@cache
def dynamic_map() -> Values:
    """0, 1 and, for i = 0..6, +-10^(i-6) times the midpoints of linspace(0.1, 1, 2^i + 1)."""
    values = [np.float32(0), np.float32(1)]
    for i in range(7):
        steps = np.arange(2**i + 1)
        step = np.float64((np.float32(1) - np.float32(0.1)) / np.float32(2**i))
        rising, falling = np.float32(0.1) + step * steps, 1 - step * steps[::-1]  # as torch does
        ends = np.where(steps < (2**i + 1) // 2, rising, falling).astype(np.float32)
        middle = (ends[:-1] + ends[1:]) / np.float32(2) * np.float32(10.0 ** (i - 6))
        values += [*middle, *-middle]
    return np.sort(np.array(values, np.float32))


CODES = {
    "nf4": np.array(NF4, np.float32),
    "fp4": np.array(FP4 + [-m for m in FP4], np.float32),
    "mxfp4": np.array(E2M1 + [-m for m in E2M1], np.float32),
    "nvfp4": np.array(E2M1 + [-m for m in E2M1], np.float32),
}


@dataclass(frozen=True)
class Quantized:
    """What a kind stores."""

    shape: tuple[int, ...]
    kind: str
    block_size: int
    indices: Values  # one code an element
    codes: Values  # packed
    scales: Values
    biases: Values | None
    book: Values | None

    def effective_scales(self) -> Values:
        """Scales in float32."""
        if self.kind == "mxfp4":
            return self.scales.view(E8M0).astype(np.float32)
        if self.kind == "nvfp4":
            return self.scales.view(E4M3).astype(np.float32)
        return self.scales.astype(np.float32)


def blocks_of(x: Values, block_size: int) -> list[Values]:
    flat = np.ascontiguousarray(x).reshape(-1).astype(np.float32)
    return [flat[i : i + block_size] for i in range(0, flat.size, block_size)]


def absmax_of(block: Values) -> np.float32:
    return np.abs(block).max()  # NaN wins


def nearest(y: Values, book: Values, even: bool) -> Values:
    """The code of the nearest entry. A tie: the lower value, or with `even` the even code."""
    y = np.clip(y, -9, 9)  # farther out the distances are no longer told apart
    distance = np.abs(y.astype(np.float64)[:, None] - book.astype(np.float64)[None, :])
    tied = distance == distance.min(axis=1, keepdims=True)
    codes = np.arange(book.size)
    if even:  # sign and magnitude: a negative value stays negative
        sign = np.where(y < 0, 8, 0)
        magnitude = np.abs(y.astype(np.float64))
        distance = np.abs(magnitude[:, None] - book[None, :8].astype(np.float64))
        tied = distance == distance.min(axis=1, keepdims=True)
        choice = np.where(tied, codes[None, :8] % 2, 2).argmin(axis=1)
        return sign + choice
    value = np.where(tied, book[None, :].astype(np.float64), np.inf)
    return value.argmin(axis=1)  # the first code of equals


def pack_nibbles(indices: Values, high_first: bool, zero: int) -> Values:
    padded = np.append(indices, [zero] * (indices.size % 2)).astype(np.uint8)
    high, low = (padded[0::2], padded[1::2]) if high_first else (padded[1::2], padded[0::2])
    return high << 4 | low


def pack_stream(indices: Values, bits: int) -> Values:
    """Lowest bits first."""
    stream = (indices.astype(np.uint8)[:, None] >> np.arange(bits) & 1).astype(np.uint8)
    return np.packbits(stream.reshape(-1), bitorder="little")


def scale_of(kind: str, block: Values, dtype: np.dtype[Any], bits: int) -> tuple[Any, Any, Any]:
    """What is stored, what divides (None for zeros throughout), and the bias."""
    absmax = absmax_of(block)
    with np.errstate(all="ignore"):
        finite = bool(np.isfinite(absmax))
        if kind == "mxfp4":
            if not finite:
                return np.uint8(255), None, None
            if absmax == 0:
                return np.uint8(0), None, None
            exponent = max(int(np.frexp(absmax)[1]) - 1 - 2, -127)
            return np.uint8(exponent + 127), np.float32(np.ldexp(1.0, exponent)), None
        if kind == "nvfp4":
            if not finite:
                return np.uint8(0x7F), None, None
            scale = np.minimum(absmax / np.float32(6), np.float32(448)).astype(E4M3)
            wide = scale.astype(np.float32)
            return scale.view(np.uint8), (wide if wide else None), None
        if kind == "affine":
            return affine_scale(block, dtype, bits)
        return absmax, (absmax if finite and absmax > 0 else None), None


def affine_scale(block: Values, dtype: np.dtype[Any], bits: int) -> tuple[Any, Any, Any]:
    """MLX's choice: the end of the range of larger magnitude is met exactly, and so is 0."""
    steps = np.float32(2**bits - 1)
    low, high = block.min(), block.max()
    scale = max((high - low) / steps, np.float32(1e-7))
    if np.abs(low) > np.abs(high):
        edge = low
    else:
        edge, scale = high, -scale
    multiple = np.rint(edge / scale)
    bias = np.float32(0)
    if multiple != 0:
        scale, bias = edge / multiple, edge
    scale, bias = scale.astype(dtype), bias.astype(dtype)
    return scale, scale.astype(np.float32), bias


def quantize(
    x: Values,
    kind: str,
    block_size: int,
    book: Values | None = None,
    bits: int = 4,
) -> Quantized:
    """Element by element."""
    if kind == "int8":
        book = dynamic_map() if book is None else book
    elif kind != "affine":
        book = CODES[kind]
    even = kind in ("mxfp4", "nvfp4")
    scales, biases, indices = [], [], []
    for block in blocks_of(x, block_size):
        stored, divisor, bias = scale_of(kind, block, x.dtype, bits)
        scales.append(stored)
        biases.append(bias)
        if kind == "affine":
            q = np.rint((block - bias.astype(np.float32)) / divisor)
            indices.append(np.clip(q, 0, 2**bits - 1))
        else:
            y = np.zeros_like(block) if divisor is None else block / divisor
            indices.append(nearest(y, book, even))
    flat = np.concatenate([*indices, np.empty(0, np.uint8)]).astype(np.uint8)
    if kind == "affine":
        codes = pack_stream(flat, bits)
    elif kind == "int8":
        codes = flat
    else:
        zero = int(nearest(np.zeros(1, np.float32), book, even)[0])
        codes = pack_nibbles(flat, not even, zero)
    stored_type = x.dtype if kind == "affine" else np.uint8 if even else np.float32
    return Quantized(
        x.shape,
        kind,
        block_size,
        flat,
        codes,
        np.array(scales, stored_type),
        np.array(biases, stored_type) if kind == "affine" else None,
        book,
    )


def dense(q: Quantized) -> Values:
    """The values, in float32."""
    scale = np.repeat(q.effective_scales(), q.block_size)[: q.indices.size]
    with np.errstate(all="ignore"):
        if q.biases is not None:
            bias = np.repeat(q.biases.astype(np.float32), q.block_size)[: q.indices.size]
            flat = q.indices.astype(np.float32) * scale + bias
        else:
            flat = q.book[q.indices] * scale
    return flat.reshape(q.shape)
