"""PyTorch layers and operators with ternary and blockwise weights.

Inference runs in bitmetal's kernels on tensors of the host and of Metal, under `torch.compile` too
(every operator has a fake kernel and none breaks a graph). `TernaryLinear` trains through the
straight-through estimator.
"""

from bitmetal.torch._blockwise import BlockwiseLinear
from bitmetal.torch._models import quantize_linears, replace_bitlinears
from bitmetal.torch._ternary import TernaryLinear, ternary_linear

__all__ = [
    "BlockwiseLinear",
    "TernaryLinear",
    "quantize_linears",
    "replace_bitlinears",
    "ternary_linear",
]
