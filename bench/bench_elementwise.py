"""Element-wise operations and casts beside NumPy's and torch's."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from rows import SIZES, Call, Measure, Row, run, torch, values

import bitmetal as bm

UNARY = [
    "negative",
    "absolute",
    "sign",
    "square",
    "reciprocal",
    "sqrt",
    "rsqrt",
    "floor",
    "ceil",
    "round",
    "trunc",
    "relu",
    "exp",
    "expm1",
    "log",
    "log1p",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "erf",
    "silu",
    "gelu",
    "gelu_tanh",
    "isnan",
    "isfinite",
    "logical_not",
]
BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "remainder",
    "power",
    "minimum",
    "maximum",
    "equal",
    "less",
    "logical_and",
]
OTHERS = ["add_scalar", "add_row", "add_column", "add_int8", "where", "clip", "multiply_add"]
HALVES = ["add_float16", "add_bfloat16", "exp_bfloat16", "gelu_float16", "gelu_bfloat16"]
DOUBLES = ["log_float64", "tanh_float64", "sin_float64", "power_float64"]
INTEGERS = ["floor_divide_int32", "power_int32"]
CASTS = [
    f"{a}_to_{b}"
    for a, b in [
        ("float32", "float16"),
        ("float32", "bfloat16"),
        ("float16", "float32"),
        ("bfloat16", "float32"),
        ("float32", "int32"),
        ("int32", "float32"),
        ("float32", "int8"),
        ("float32", "bool"),
    ]
]
NAMES = [*UNARY, *BINARY, *OTHERS, *HALVES, *DOUBLES, *INTEGERS, *CASTS]
POSITIVE = {"sqrt", "rsqrt", "log", "log1p", "power"}
BOOLEAN = {"isnan", "isfinite", "equal", "less", "logical_and", "logical_not"}
NUMPY_TYPES = {"bfloat16": np.dtype(bm.bfloat16.dtype)}


def dtype_of(name: str) -> np.dtype:
    return NUMPY_TYPES.get(name) or np.dtype(name)


def torch_call(name: str, arrays: list[np.ndarray], result: np.ndarray) -> Call | None:
    """Give torch's function of a name of ours, into a result."""
    if torch is None or any(a.dtype == NUMPY_TYPES["bfloat16"] for a in arrays):
        return None
    tensors, out = [torch.from_numpy(a) for a in arrays], torch.from_numpy(result)
    if name in ("silu", "gelu"):
        return partial(getattr(torch._C._nn, name), *tensors, out=out)
    if name == "gelu_tanh":
        return partial(torch._C._nn.gelu, *tensors, approximate="tanh", out=out)
    if name == "relu":
        return partial(torch.clamp, *tensors, min=0, out=out)
    name = {"equal": "eq", "less": "lt", "power": "pow"}.get(name, name)
    if not hasattr(torch, name):
        return None
    function = getattr(torch, name)
    try:
        function(*tensors, out=out)
    except TypeError:  # torch.isfinite writes into nothing
        return partial(function, *tensors)
    return partial(function, *tensors, out=out)


def plain(name: str, arrays: list[np.ndarray]) -> Row:
    """Measure one function of arrays."""
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    result = np.empty(shape, bool if name in BOOLEAN else arrays[0].dtype)
    ours = [bm.asarray(a) for a in arrays]
    function = getattr(bm, name.removesuffix("_tanh") if name == "gelu_tanh" else name)
    options = {"approximate": "tanh"} if name == "gelu_tanh" else {}
    theirs = getattr(np, name, None)
    return Row(
        sum(a.nbytes for a in arrays) + result.nbytes,
        partial(function, *ours, out=bm.empty(shape, result.dtype), **options),
        theirs and partial(theirs, *arrays, out=np.empty_like(result)),
        torch_call(name, arrays, np.empty_like(result)),
    )


def cast(name: str, n: int) -> Row:
    """Measure a conversion of n elements."""
    source, target = (dtype_of(t) for t in name.split("_to_"))
    x, result = (100 * values(n)).astype(source), np.empty(n, target)
    a, out = bm.asarray(x), bm.empty((n,), name.split("_to_")[1])

    def ours() -> None:
        out[...] = a

    def numpy() -> None:
        result[...] = x

    theirs = None
    if torch is not None:
        s, t = (torch.empty(n, dtype=getattr(torch, k)) for k in name.split("_to_"))
        theirs = partial(t.copy_, s)
    return Row(x.nbytes + result.nbytes, ours, numpy, theirs)


def clip(x: np.ndarray) -> Row:
    """Clip to two numbers."""
    out = np.empty_like(x)
    theirs = None
    if torch is not None:
        theirs = partial(
            torch.clamp, torch.from_numpy(x), -1, 1, out=torch.from_numpy(np.empty_like(x))
        )
    return Row(
        2 * x.nbytes,
        partial(bm.clip, bm.asarray(x), -1, 1, out=bm.empty(x.shape)),
        partial(np.clip, x, -1, 1, out=out),
        theirs,
    )


def where(x: np.ndarray, y: np.ndarray) -> Row:
    """Choose by a mask."""
    condition, out = x > 0, np.empty_like(x)

    def numpy() -> None:
        np.copyto(out, y)
        np.copyto(out, x, where=condition)

    theirs = None
    if torch is not None:
        c, s, t, o = (torch.from_numpy(v) for v in (condition, x, y, np.empty_like(x)))
        theirs = partial(torch.where, c, s, t, out=o)
    ours = [bm.asarray(v) for v in (condition, x, y)]
    return Row(13 * x.size, partial(bm.where, *ours, out=bm.empty(x.shape)), numpy, theirs)


def multiply_add(x: np.ndarray, y: np.ndarray) -> Row:
    """Fuse two operations."""
    z, out = x + y, np.empty_like(x)
    fused = bm.fuse(lambda p, q, r: p * q + r)

    def numpy() -> None:
        np.multiply(x, y, out=out)
        np.add(out, z, out=out)

    theirs = None
    if torch is not None:
        s, t, u, o = (torch.from_numpy(v) for v in (x, y, z, np.empty_like(x)))
        theirs = partial(torch.addcmul, u, s, t, out=o)
    ours = [bm.asarray(v) for v in (x, y, z)]
    return Row(4 * x.nbytes, partial(fused, *ours, out=bm.empty(x.shape)), numpy, theirs)


def row(name: str, n: int) -> Row:
    """Give the calls of a name of `NAMES` for n elements."""
    if name in CASTS:
        return cast(name, n)
    operation, _, kind = name.rpartition("_")
    x, y = values(n), values(n, 1)
    if name in (*HALVES, *DOUBLES, *INTEGERS, "add_int8"):
        if operation in POSITIVE or kind == "int32":
            x, y = np.abs(x) + 1e-3, np.abs(y)
        if kind == "int32":
            x, y = 1000 * x, 3 * y + 1
        arrays = [v.astype(dtype_of(kind)) for v in (x, y)]
        return plain(operation, arrays[: 1 + (operation in BINARY)])
    if name in POSITIVE:
        x = np.abs(x) + 1e-3
    if name in UNARY:
        return plain(name, [x])
    if name in BINARY:
        return plain(name, [x, y])
    if name == "where":
        return where(x, y)
    if name == "clip":
        return clip(x)
    if name == "multiply_add":
        return multiply_add(x, y)
    wide = x.reshape(-1, 1000) if n % 1000 == 0 else x.reshape(max(1, n // 4096), -1)
    other = {"scalar": np.float32(2), "row": wide[0], "column": wide[:, :1]}[kind]
    return plain("add", [wide, np.array(other)])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", SIZES)
def test_elementwise(measure: Measure, n: int, name: str) -> None:
    run(measure, row(name, n))
