"""Ternary (BitNet b1.58) weights: quantize, read, write and multiply."""

from bitmetal._core import TernaryMatrix
from bitmetal._core import ternary_from_codes as from_codes
from bitmetal._core import ternary_from_gguf as from_gguf
from bitmetal._core import ternary_from_hf as from_hf
from bitmetal._core import ternary_matmul as matmul
from bitmetal._core import ternary_quantize as quantize

__all__ = ["TernaryMatrix", "from_codes", "from_gguf", "from_hf", "matmul", "quantize"]
