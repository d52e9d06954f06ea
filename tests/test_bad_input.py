"""Every argument of every function, replaced by everything odd: a result or a clear exception."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import bitmetal as bm

CLEAR = (TypeError, ValueError, IndexError, OverflowError, MemoryError, BufferError)
TYPED = (bm.DeviceError, bm.CapabilityError)
# They change the process or open a context, and have tests of their own.
STATEFUL = {"set_default_device", "set_num_threads", "batch", "profile"}

W = np.random.default_rng(0).standard_normal((8, 32)).astype(np.float32)
SQUARE = W @ W.T + 8 * np.eye(8, dtype=np.float32)
SIGNS = np.sign(np.round(W)).astype(np.int8)
BYTES = np.arange(64, dtype=np.int8).reshape(8, 8)
BOOK = np.linspace(-1, 1, 256, dtype=np.float32)


def odd_values() -> list[Any]:
    """What an argument may not expect; made anew for each test, since it may be written to."""
    own = W.copy()
    return [
        *(None, True, 0, 1, -1, 3, 10**5, 2**45, -(2**63), 2**63, 2**70, 10**400),
        *(0.5, -0.0, 1e300, float("nan"), float("inf"), 1j, "", "x", "float64", "cpu", b"ab"),
        *((), [], (0,), (1, 2), (-1,), (2**40, 2**40), (2**62, 4), (1,) * 20, {}, {"a": 1}),
        *([[1, 2], [3]], [own, own], [None], object(), lambda: None, slice(None), ..., int, np),
        *(np.float32(3), np.int64(5), np.array(1.0), np.array([0, 1, 5, -1]), np.array(["a"])),
        *(np.array([None]), np.array([1j]), np.zeros((1,) * 20), np.zeros((0, 3), np.int32)),
        *(own, own.T, own[::2, ::3], own[:0], own[:, :0], own > 0, own.view(np.uint8)),
        *(own.astype(np.float16), own.astype(">f4"), np.broadcast_to(own[0], (4, 8, 32))),
        *(np.full((8, 8), np.nan, np.float32), np.full((8, 8), np.inf, np.float32)),
        *(np.ones((2, 3, 4), np.float32), bm.asarray(own), bm.asarray(own).T, bm.empty((8, 32))),
        *(bm.empty(()), bm.empty((0,)), bm.empty((8, 8), "bfloat16"), bm.zeros((8, 8), "int64")),
        *(bm.ternary.quantize(W), bm.blockwise.quantize(W, "nf4", 64), bm.device("cpu")),
    ]


def right_arguments() -> dict[str, tuple[Any, ...]]:
    """What the functions expect that want more than arrays of one shape."""
    w, q = bm.ternary.quantize(W), bm.blockwise.quantize(W, "nf4", 64)
    long = bm.ternary.quantize(W.reshape(1, 256))
    return {
        "arange": (0, 5, 1, "float32"),
        "linspace": (0, 1, 5, True, "float32"),
        **dict.fromkeys(("empty", "ones", "zeros"), ((2, 3), "float32")),
        "full": ((2, 3), 1, "float32"),
        "full_like": (W, 1, "float32"),
        **dict.fromkeys(("asarray", "empty_like", "ones_like", "zeros_like"), (W, "float32")),
        "from_dlpack": (W,),
        "bitwise_not": (SIGNS,),
        **dict.fromkeys((f"bitwise_{name}" for name in ("and", "or", "xor")), (SIGNS, SIGNS)),
        **dict.fromkeys(("left_shift", "right_shift"), (SIGNS, SIGNS)),
        "clip": (W, -1, 1),
        "gelu": (W, "tanh"),
        **dict.fromkeys(("concatenate", "stack"), ([W, W], 0)),
        "take": (W, [0, 1], 0),
        "reshape": (W, (32, 8)),
        **dict.fromkeys(("permute", "transpose"), (W, (1, 0))),
        "expand_dims": (W, 0),
        "squeeze": (W[None], 0),
        "layer_norm": (W, W[0], W[0], 1e-5),
        "rms_norm": (W, W[0], 1e-5),
        "matmul": (W, W.T),
        "bitlinear": (W, w, W[:, 0], W[0], 1e-5),
        "device": ("cpu",),
        "fuse": (abs,),
        "ternary_matmul": (W, w),
        "ternary_quantize": (W, 32),
        "ternary_from_codes": (SIGNS, 1.0, 32),
        "ternary_from_hf": (w.to_hf(), 1.0, (8, 32)),
        "ternary_from_gguf": (long.to_gguf("TQ2_0"), "TQ2_0", (1, 256)),
        "blockwise_matmul": (W, q, W[:, 0]),
        "blockwise_quantize": (W, "int8", 64, True, BOOK),
        "int8_matmul": (BYTES, BYTES),
        "int8_dequantize": (BYTES.astype(np.int32), SQUARE[0], SQUARE[0], SQUARE[0], "float32"),
        "int8_quantize_rows": (W, 1.0),
        **{f"linalg_{name}": (SQUARE,) for name in ("cholesky", "det", "inv", "slogdet")},
        **{f"linalg_{name}": (SQUARE, "L") for name in ("eigh", "eigvalsh")},
        "linalg_lstsq": (W.T, W[0], 1e-6),
        "linalg_solve": (SQUARE, SQUARE[0]),
        "linalg_solve_triangular": (SQUARE, SQUARE[0]),
        "linalg_svd": (W, True),
        **{f"TernaryMatrix.{name}": (w,) for name in ("codes", "panels", "to_hf")},
        "TernaryMatrix.dequantize": (w, "float32"),
        "TernaryMatrix.from_panels": (*w.panels(), (8, 32), 0),
        "BlockwiseArray.dequantize": (q, "float32"),
        "BlockwiseArray.from_parts": (q.codes, q.absmax, (8, 32), "nf4"),
        "TernaryMatrix.repack": (w, 1.6),
        "TernaryMatrix.to_gguf": (long, "TQ2_0"),
    }


@dataclass(frozen=True)
class Function:
    """A public function of native code, and a right call of it."""

    call: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: list[str]


def functions() -> dict[str, Function]:
    """Read the functions' own signatures, so that none is forgotten."""
    found, right = {}, right_arguments()
    classes = (bm.ternary.TernaryMatrix, bm.blockwise.BlockwiseArray)
    for owner in (bm, bm.ternary, bm.blockwise, bm.linalg, *classes):
        for name, call in vars(owner).items():
            signature = getattr(call, "__nb_signature__", [[""]])[0][0]
            if name.startswith("_") or name in STATEFUL or not signature:
                continue
            own_name = signature[4 : signature.index("(")]
            if isinstance(owner, type):
                own_name = f"{owner.__name__}.{name}"
            positional, _, keyword = signature.partition("*,")
            arguments = right.get(own_name, (W,) * positional.count("ArrayLike"))
            found[own_name] = Function(call, arguments, re.findall(r"(\w+): ", keyword))
    return found


def try_with(function: Function, arguments: tuple[Any, ...], **keywords: Any) -> str:
    """Call with odd arguments; say what was wrong with the exception, if anything."""
    try:
        result = function.call(*arguments, **keywords)
    except (*CLEAR, *TYPED) as error:
        return "" if len(str(error)) > 9 and "std::" not in str(error) else repr(error)
    except Exception as error:
        return repr(error)
    for array in result if isinstance(result, tuple) else (result,):
        if isinstance(array, bm.Array):
            array.wait()
    return ""


@pytest.mark.parametrize("device", [d.kind for d in bm.devices() if d.kind in ("cpu", "softmetal")])
@pytest.mark.parametrize("name", functions())
@pytest.mark.filterwarnings("ignore")
def test_odd_arguments(name: str, device: str) -> None:
    with bm.device(device):
        function = functions()[name]
        with suppress(bm.CapabilityError):  # what a device cannot, it says
            function.call(*function.arguments)
        wrong = set()
        for value in odd_values():
            for i in range(len(function.arguments)):
                arguments = (*function.arguments[:i], value, *function.arguments[i + 1 :])
                wrong.add(try_with(function, arguments))
            for keyword in function.keywords:
                wrong.add(try_with(function, function.arguments, **{keyword: value}))
        for count in range(len(function.arguments) + 3):
            wrong.add(try_with(function, (W,) * count))
    assert wrong == {""}


OPERATORS = [
    call
    for name, call in vars(operator).items()
    if hasattr(bm.Array, name) and callable(call) and name not in ("__getitem__", "__setitem__")
]


@pytest.mark.parametrize("own", [W, SIGNS, W > 0], ids=["float32", "int8", "bool"])
@pytest.mark.filterwarnings("ignore")
def test_odd_operands(own: Any) -> None:
    wrong = set()
    for operate in OPERATORS:
        for value in odd_values():
            array = bm.asarray(own, copy=True)
            for operands in ((array,), (array, value), (value, array)):
                wrong.add(try_with(Function(operate, (), []), operands))
    assert wrong == {""}


@pytest.mark.filterwarnings("ignore")
def test_odd_indices() -> None:
    wrong = set()
    for value in odd_values():
        for key in (value, (value, 0), (slice(value, None), ...), (slice(None, None, value),)):
            array = bm.asarray(W, copy=True)
            wrong.add(try_with(Function(operator.getitem, (), []), (array, key)))
            wrong.add(try_with(Function(operator.setitem, (), []), (array, key, value)))
    assert wrong == {""}
