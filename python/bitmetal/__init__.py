"""Low-bit quantization and compute primitives on the GPU and the CPU.

Arrays live on devices (`devices`, `device`); `ternary` holds BitNet weights. Everything accepts
NumPy arrays and whatever else exposes its memory, and gives arrays that NumPy reads in place.
"""

from bitmetal import _blas, blockwise, memory, pipelines, safetensors, softmetal, ternary
from bitmetal._core import (
    Array,
    Device,
    DType,
    argmax,
    asarray,
    bfloat16,
    bitlinear,
    bool_,
    device,
    devices,
    empty,
    float16,
    float32,
    float64,
    from_dlpack,
    full,
    int8,
    int32,
    int64,
    matmul,
    max,  # noqa: A004
    mean,
    min,  # noqa: A004
    num_threads,
    ones,
    permute,
    reshape,
    rms_norm,
    set_default_device,
    set_num_threads,
    softmax,
    sum,  # noqa: A004
    uint8,
    zeros,
)
from bitmetal._errors import CapabilityError, CompileError, DeviceError
from bitmetal._kernel import Kernel
from bitmetal.batch import Batch as batch  # noqa: N813

__version__ = "0.1.0"

__all__ = [
    "Array",
    "CapabilityError",
    "CompileError",
    "DType",
    "Device",
    "DeviceError",
    "Kernel",
    "argmax",
    "asarray",
    "batch",
    "bfloat16",
    "bitlinear",
    "blockwise",
    "bool_",
    "device",
    "devices",
    "empty",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "full",
    "int8",
    "int32",
    "int64",
    "matmul",
    "max",
    "mean",
    "memory",
    "min",
    "num_threads",
    "ones",
    "permute",
    "pipelines",
    "reshape",
    "rms_norm",
    "safetensors",
    "set_default_device",
    "set_num_threads",
    "softmax",
    "softmetal",
    "sum",
    "ternary",
    "uint8",
    "zeros",
]

_blas.announce()
