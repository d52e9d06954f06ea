"""Kernels for bitsandbytes' operators, under the schemas of bitsandbytes 0.50."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

import bitmetal as bm
from bitmetal import _optimizers
from bitmetal._tensors import empty, hand_over, to_array, to_tensor
from bitmetal.bitsandbytes import calls
from bitmetal.blockwise import BlockwiseArray

_FLOATS = (torch.float32, torch.float16, torch.bfloat16)
_STATE_BLOCK = 256  # elements that share a scale in 8-bit optimizer states and quantized absmax
_KERNELS: dict[str, Callable[..., Any]] = {}


def register(devices: Sequence[str]) -> list[str]:
    """Make these the operators' kernels on torch's devices of these types; give their names."""
    for name in _KERNELS:
        getattr(torch.ops.bitsandbytes, name.partition(".")[0])  # raises where it is not defined
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Warning only once for all operators")
        for name, kernel in _KERNELS.items():
            torch.library.register_kernel(f"bitsandbytes::{name}", devices, kernel)
    return list(_KERNELS)


def _kernel(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def counted(*arguments: Any, **options: Any) -> Any:
            calls[name] += 1
            with torch.no_grad():
                return function(*arguments, **options)

        _KERNELS[name] = counted
        return function

    return add


def _writes_out(name: str, kernel: Callable[..., torch.Tensor]) -> None:
    """Register a kernel for the overload that writes its result to a last argument `out`."""

    @_kernel(f"{name}.out")
    def write(*arguments: Any) -> None:
        *given, out = arguments
        out.copy_(kernel(*given))


def _floats(tensor: torch.Tensor) -> bm.Array:
    """Give a tensor's elements as an array, in float32 where they are none of our types."""
    return to_array(tensor if tensor.dtype in _FLOATS else tensor.float())


def _bytes(tensor: torch.Tensor) -> bm.Array:
    return to_array(tensor.contiguous().view(torch.uint8).reshape(-1))


def _weight(
    codes: torch.Tensor,
    absmax: torch.Tensor | BlockwiseArray,
    shape: Sequence[int],
    format: str,
    block_size: int,
    dtype: torch.dtype = torch.float32,
    code: torch.Tensor | None = None,
) -> BlockwiseArray:
    scales = absmax
    if isinstance(absmax, torch.Tensor):
        scales = to_array(absmax.float().contiguous().reshape(-1))
    return BlockwiseArray.from_parts(
        _bytes(codes),
        scales,
        tuple(shape),
        format,
        block_size=block_size,
        dtype=str(dtype).removeprefix("torch."),
        code=None if code is None else to_array(code.float().contiguous()),
    )


# ---- 8 bits by a code book


@_kernel("quantize_blockwise")
def quantize_blockwise(
    A: torch.Tensor, code: torch.Tensor, blocksize: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes like `A` and float32 absmax."""
    q = bm.blockwise.quantize(_floats(A), "int8", blocksize, code=_floats(code))
    return to_tensor(q.codes).reshape(A.shape), to_tensor(q.absmax)


@_kernel("dequantize_blockwise")
def dequantize_blockwise(
    A: torch.Tensor, absmax: torch.Tensor, code: torch.Tensor, blocksize: int, dtype: torch.dtype
) -> torch.Tensor:
    """Code times absmax, rounded once to `dtype`."""
    q = _weight(A, absmax, A.shape, "int8", blocksize, dtype, code)
    return to_tensor(q.dequantize())


_writes_out("dequantize_blockwise", dequantize_blockwise)


# ---- 4 bits


@_kernel("quantize_4bit")
def quantize_4bit(
    A: torch.Tensor, blocksize: int, quant_type: str, quant_storage: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Packed codes as ``[words, 1]`` of `quant_storage`, and float32 absmax."""
    q = bm.blockwise.quantize(_floats(A), quant_type, blocksize)
    packed = to_tensor(q.codes).reshape(-1)
    if packed.numel() % quant_storage.itemsize:
        raise ValueError(
            f"quant_storage is {quant_storage}, but the codes are {packed.numel()} bytes"
        )
    return packed.view(quant_storage).reshape(-1, 1), to_tensor(q.absmax)


@_kernel("dequantize_4bit")
def dequantize_4bit(
    A: torch.Tensor,
    absmax: torch.Tensor,
    blocksize: int,
    quant_type: str,
    shape: Sequence[int],
    dtype: torch.dtype,
) -> torch.Tensor:
    """Code times absmax, rounded once to `dtype`."""
    return to_tensor(_weight(A, absmax, shape, quant_type, blocksize, dtype).dequantize())


_writes_out("dequantize_4bit", dequantize_4bit)


def _product(
    A: torch.Tensor, weight: BlockwiseArray, bias: torch.Tensor | None = None
) -> torch.Tensor:
    out, target = empty((*A.shape[:-1], weight.shape[0]), A)
    given = None if bias is None else to_array(bias.contiguous())
    hand_over(bm.blockwise.matmul(to_array(A), weight, given, out=target))
    return out


@_kernel("gemm_4bit")
def gemm_4bit(
    A: torch.Tensor,
    B: torch.Tensor,
    shapeB: Sequence[int],
    absmax: torch.Tensor,
    blocksize: int,
    quant_type: str,
    bias: torch.Tensor | None = None,
    absmax_8bit: torch.Tensor | None = None,
    absmax_code: torch.Tensor | None = None,
    absmax_offset: torch.Tensor | None = None,
) -> torch.Tensor:
    """Multiply ``A @ dequantize(B).T + bias``; absmax may be quantized itself."""
    if absmax_8bit is None:
        return _product(A, _weight(B, absmax, shapeB, quant_type, blocksize), bias)
    blocks = absmax_8bit.numel()
    nested = _weight(
        absmax_8bit, absmax, (blocks,), "int8", _STATE_BLOCK, torch.float32, absmax_code
    )
    weight = BlockwiseArray.from_parts(
        _bytes(B),
        nested,
        tuple(shapeB),
        quant_type,
        block_size=blocksize,
        offset=0.0 if absmax_offset is None else float(absmax_offset),
    )
    return _product(A, weight, bias)


@_kernel("gemv_4bit")
def gemv_4bit(
    A: torch.Tensor,
    B: torch.Tensor,
    shapeB: Sequence[int],
    absmax: torch.Tensor,
    code: torch.Tensor,
    blocksize: int,
) -> torch.Tensor:
    """Multiply ``A @ dequantize(B).T``; with a 2-D absmax `B` is repacked."""
    quant_type = "fp4" if code[1] > 0 else "nf4"
    if absmax.ndim == 2:
        return _product(A, repacked.weight(B, absmax, shapeB, quant_type, blocksize))
    return _product(A, _weight(B, absmax, shapeB, quant_type, blocksize))


_writes_out("gemv_4bit", gemv_4bit)


class _Repacked:
    """Weights of `Linear4bit` in eval on processors with AVX512-BF16, put back in standard order.

    Each is put back once and kept; those whose storage is gone are dropped with the next one.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], tuple[StorageWeakRef, BlockwiseArray]] = {}

    def clear(self) -> None:
        """Drop all."""
        self._kept = {}

    def weight(
        self,
        packed: torch.Tensor,
        absmax: torch.Tensor,
        shape: Sequence[int],
        quant_type: str,
        block_size: int,
    ) -> BlockwiseArray:
        key = (packed.data_ptr(), packed._version, absmax.data_ptr(), absmax._version, *shape)
        if (found := self._kept.get(key)) and not found[0].expired():
            return found[1]
        self._kept = {k: v for k, v in self._kept.items() if not v[0].expired()}
        rows, columns = shape
        tiles = packed.contiguous().view(torch.uint8).reshape(rows // 32, columns // 2, 32)
        codes = torch.cat([tiles & 15, tiles >> 4], dim=-1)
        pairs = codes.reshape(rows // 32, columns // 2, 32, 2).permute(0, 2, 1, 3)
        standard = (pairs[..., 0] << 4 | pairs[..., 1]).reshape(-1)
        weight = _weight(standard, absmax.T, shape, quant_type, block_size)
        self._kept[key] = (StorageWeakRef(packed.untyped_storage()), weight)
        return weight


repacked = _Repacked()


# ---- int8 by rows


@_kernel("int8_linear_matmul")
def int8_linear_matmul(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """Multiply ``A @ B.T`` in int32, exact."""
    return to_tensor(bm.blockwise.int8_matmul(to_array(A), to_array(B)))


@_kernel("int8_linear_matmul.out")
def int8_linear_matmul_out(A: torch.Tensor, B: torch.Tensor, out: torch.Tensor) -> None:
    """Write the same to `out`."""
    hand_over(bm.blockwise.int8_matmul(to_array(A), to_array(B), out=to_array(out)))


@_kernel("int8_vectorwise_quant")
def int8_vectorwise_quant(
    A: torch.Tensor, threshold: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Codes, absmax of the rows and, for a threshold, the outlier columns."""
    codes, absmax, outliers = bm.blockwise.int8_quantize_rows(_floats(A), threshold)
    columns = to_tensor(outliers) if threshold > 0 else None
    return to_tensor(codes), to_tensor(absmax), columns


@_kernel("int8_vectorwise_dequant")
def int8_vectorwise_dequant(A: torch.Tensor, stats: torch.Tensor) -> torch.Tensor:
    """Codes times absmax of their row, over 127."""
    return A * (stats.reshape(-1, 1) / 127)


@_kernel("int8_mm_dequant")
def int8_mm_dequant(
    A: torch.Tensor,
    row_stats: torch.Tensor,
    col_stats: torch.Tensor,
    dtype: torch.dtype | None = None,
    bias: torch.Tensor | None = None,
) -> torch.Tensor:
    """Scale int32 sums: ``A * row_stats * col_stats / 127**2 + bias``."""
    result = bm.blockwise.int8_dequantize(
        to_array(A),
        to_array(row_stats.reshape(-1)),
        to_array(col_stats.reshape(-1)),
        None if bias is None else _floats(bias),
        str(dtype or torch.float16).removeprefix("torch."),
    )
    return to_tensor(result)


@_kernel("int8_scaled_mm")
def int8_scaled_mm(
    A: torch.Tensor,
    B: torch.Tensor,
    row_stats: torch.Tensor,
    col_stats: torch.Tensor,
    bias: torch.Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """Scale the int8 product ``A @ B.T``."""
    return int8_mm_dequant(int8_linear_matmul(A, B), row_stats, col_stats, dtype, bias)


@_kernel("int8_mixed_scaled_mm")
def int8_mixed_scaled_mm(
    A: torch.Tensor,
    CA: torch.Tensor,
    CB: torch.Tensor,
    SCA: torch.Tensor,
    SCB: torch.Tensor,
    outlier_cols: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Scale the int8 product, and add the outlier columns' product in the type of `A`."""
    result = int8_scaled_mm(CA, CB, SCA, SCB, bias, A.dtype)
    if outlier_cols is None or outlier_cols.numel() == 0:
        return result, A.new_empty(0)
    outliers = A[:, outlier_cols]
    weight = int8_vectorwise_dequant(CB[:, outlier_cols], SCB).to(A.dtype)
    return result.addmm(outliers, weight.T), outliers


@_kernel("int8_double_quant")
def int8_double_quant(
    A: torch.Tensor, threshold: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Codes by rows, codes by columns, absmax of the rows and of the columns, outlier columns."""
    codes, absmax, outliers = int8_vectorwise_quant(A, threshold)
    kept = A.masked_fill(A.abs() >= threshold, 0) if threshold > 0 else A
    by_column, column_absmax, _ = int8_vectorwise_quant(kept.T.contiguous())
    return codes, by_column.T.contiguous(), absmax, column_absmax, outliers


# ---- optimizers


def _step(
    g: torch.Tensor,
    p: torch.Tensor,
    states: list[torch.Tensor | None],
    gnorm_scale: float,
    skip_zeros: bool,
    settings: _optimizers.Settings,
) -> float:
    """Update `p` and `states` (float32, in place); give the squared norm of the direction."""
    before = [None if s is None else s.clone() for s in states] if skip_zeros else []
    parameter = p.float() if p.dtype != torch.float32 else p.clone()
    first, second = states
    assert first is not None
    squared = _optimizers.update(settings, g.float() * gnorm_scale, parameter, first, second)
    if skip_zeros:
        used = g != 0
        parameter = torch.where(used, parameter, p.float())
        for state, old in zip(states, before, strict=True):
            if state is not None and old is not None:
                state.copy_(torch.where(used, state, old))
    p.copy_(parameter)
    return squared


@_kernel("optimizer_update_32bit")
def optimizer_update_32bit(
    optimizer_name: str,
    g: torch.Tensor,
    p: torch.Tensor,
    state1: torch.Tensor,
    state2: torch.Tensor | None,
    unorm_vec: torch.Tensor | None,
    max_unorm: float,
    param_norm: float,
    beta1: float,
    beta2: float,
    beta3: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    step: int,
    lr: float,
    gnorm_scale: float,
    skip_zeros: bool = False,
) -> None:
    """One step with float32 states, in place."""
    settings = _optimizers.Settings(
        optimizer_name, step, lr, beta1, beta2, beta3, alpha, eps, weight_decay,
        max_unorm, param_norm,
    )  # fmt: skip
    squared = _step(g, p, [state1, state2], gnorm_scale, skip_zeros, settings)
    if unorm_vec is not None and max_unorm > 0:
        unorm_vec.fill_(squared)


@_kernel("optimizer_update_8bit_blockwise")
def optimizer_update_8bit_blockwise(
    optimizer_name: str,
    g: torch.Tensor,
    p: torch.Tensor,
    state1: torch.Tensor,
    state2: torch.Tensor | None,
    beta1: float,
    beta2: float,
    beta3: float,
    alpha: float,
    eps: float,
    step: int,
    lr: float,
    qmap1: torch.Tensor,
    qmap2: torch.Tensor | None,
    absmax1: torch.Tensor,
    absmax2: torch.Tensor | None,
    weight_decay: float,
    gnorm_scale: float,
    skip_zeros: bool = False,
) -> None:
    """One step with 8-bit states, in place."""
    settings = _optimizers.Settings(
        optimizer_name, step, lr, beta1, beta2, beta3, alpha, eps, weight_decay
    )  # fmt: skip
    slots = list(_slots(state1, absmax1, qmap1))
    first = torch.stack([_read(*slot) for slot in slots])
    second = None
    if state2 is not None and absmax2 is not None and qmap2 is not None:
        second = _read(state2, absmax2, qmap2)
    one = first if len(slots) > 1 else first[0]
    _step(g, p, [one, second], gnorm_scale, skip_zeros, settings)
    for values, slot in zip(first, slots, strict=True):
        _write(values, *slot)
    if second is not None:
        _write(second, state2, absmax2, qmap2)


def _slots(
    state: torch.Tensor, absmax: torch.Tensor, qmap: torch.Tensor
) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Give the quantized tensors of a state: two of AdEMAMix's first, whose absmax is 2-D."""
    if absmax.ndim == 2:
        return [(s, a, qmap) for s, a in zip(state, absmax, strict=True)]
    return [(state, absmax, qmap)]


def _read(state: torch.Tensor, absmax: torch.Tensor, qmap: torch.Tensor) -> torch.Tensor:
    return dequantize_blockwise(state, absmax, qmap, _STATE_BLOCK, torch.float32)


def _write(values: torch.Tensor, state: Any, absmax: Any, qmap: Any) -> None:
    codes, scales = quantize_blockwise(values, qmap, _STATE_BLOCK)
    state.copy_(codes)
    absmax.copy_(scales)
