"""Blockwise 2- to 8-bit tensors, and int8 by rows: quantize, dequantize, multiply."""

from bitmetal._core import (
    BlockwiseArray,
    int8_dequantize,
    int8_matmul,
    int8_quantize_rows,
)
from bitmetal._core import blockwise_matmul as matmul
from bitmetal._core import blockwise_quantize as quantize

__all__ = [
    "BlockwiseArray",
    "int8_dequantize",
    "int8_matmul",
    "int8_quantize_rows",
    "matmul",
    "quantize",
]
