"""ggml's products of quantized matrices, by ctypes in the libraries that a package brings."""

from __future__ import annotations

import ctypes
import importlib.metadata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from peers import MISSING, PACKAGES

import bitmetal as bm

# Of ggml.h. Q4_0 and Q8_0 are computed from their files' layout: what llama.cpp repacks for its
# own tiles when it loads a model cannot be asked for from here.
TYPES = {"Q4_0": 2, "Q8_0": 8, "TQ1_0": 34, "TQ2_0": 35}
F32 = 0


class InitParams(ctypes.Structure):
    _fields_ = (
        ("mem_size", ctypes.c_size_t),
        ("mem_buffer", ctypes.c_void_p),
        ("no_alloc", ctypes.c_bool),
    )


class Plan(ctypes.Structure):
    _fields_ = (
        ("work_size", ctypes.c_size_t),
        ("work_data", ctypes.c_void_p),
        ("n_threads", ctypes.c_int),
        ("rest", ctypes.c_char * 128),  # of this version and of longer ones
    )


class Libraries:
    def __init__(self, folder: Path) -> None:
        def load(name: str) -> ctypes.CDLL:
            (path, *_) = sorted(folder.glob(f"libggml-{name}*"))
            return ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)

        base, self.cpu = load("base"), load("cpu")
        pointer, integer = ctypes.c_void_p, ctypes.c_int64
        self.init = _function(base.ggml_init, pointer, InitParams)
        self.free = _function(base.ggml_free, None, pointer)
        self.tensor = _function(
            base.ggml_new_tensor_2d, pointer, pointer, ctypes.c_int, integer, integer
        )
        self.data = _function(base.ggml_get_data, pointer, pointer)
        self.mul_mat = _function(base.ggml_mul_mat, pointer, pointer, pointer, pointer)
        self.new_graph = _function(base.ggml_new_graph, pointer, pointer)
        self.expand = _function(base.ggml_build_forward_expand, None, pointer, pointer)
        self.quantize = _function(
            base.ggml_quantize_chunk,
            ctypes.c_size_t,
            *(ctypes.c_int, pointer, pointer, integer, integer, integer, pointer),
        )
        self.plan = _function(self.cpu.ggml_graph_plan, Plan, pointer, ctypes.c_int, pointer)
        self.compute = _function(self.cpu.ggml_graph_compute, ctypes.c_int, pointer, pointer)
        self.cpu.ggml_cpu_init()

    def instructions(self) -> str:
        """What the build uses, which is what its packager chose and not what the machine has."""
        sets = ("avx2", "avx_vnni", "avx512", "avx512_vnni", "neon", "dotprod", "matmul_int8")
        return " ".join(s for s in sets if getattr(self.cpu, f"ggml_cpu_has_{s}")())


def _function(function: Any, result: type | None, *arguments: type) -> Callable[..., Any]:
    function.restype, function.argtypes = result, arguments
    return function


def _folders() -> Iterator[Path]:
    for package in ("llama-cpp-python", "pywhispercpp"):
        try:
            files = importlib.metadata.files(package) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        yield from {Path(str(f.locate())).parent for f in files if "libggml-cpu" in f.name}


def find() -> Libraries | None:
    for folder in sorted(_folders()):
        if any(folder.glob("libggml-base*")):
            try:
                return Libraries(folder)
            except OSError:
                continue
    MISSING.add(PACKAGES["ggml"])
    return None


class Product:
    """y = x w^T for a weight quantized as `kind`; x and y are float32."""

    def __init__(self, ggml: Libraries, kind: str, w: np.ndarray, x: np.ndarray) -> None:
        self.ggml = ggml
        rows, columns = w.shape
        size = 2 * w.size + x.nbytes + len(x) * rows * 4 + (1 << 22)
        self.context = ggml.init(InitParams(size, None, False))
        a = ggml.tensor(self.context, TYPES[kind], columns, rows)
        b = ggml.tensor(self.context, F32, columns, len(x))
        w, x = np.ascontiguousarray(w, np.float32), np.ascontiguousarray(x, np.float32)
        ggml.quantize(TYPES[kind], w.ctypes.data, ggml.data(a), 0, rows, columns, None)
        ctypes.memmove(ggml.data(b), x.ctypes.data, x.nbytes)
        y = ggml.mul_mat(self.context, a, b)
        self.graph = ggml.new_graph(self.context)
        ggml.expand(self.graph, y)
        self.plan = ggml.plan(self.graph, bm.num_threads(), None)
        self.work = np.empty(self.plan.work_size + 64, np.uint8)
        self.plan.work_data = self.work.ctypes.data
        out = (ctypes.c_float * (len(x) * rows)).from_address(ggml.data(y))
        self.y = np.frombuffer(out, np.float32).reshape(len(x), rows)

    def __call__(self) -> None:
        self.ggml.compute(self.graph, ctypes.byref(self.plan))

    def __del__(self) -> None:
        self.ggml.free(self.context)


def products(kind: str, w: np.ndarray, x: np.ndarray) -> dict[str, Callable[[], None]]:
    """The call to measure, named by what it uses; the weight of a ternary kind is -1, 0, 1."""
    if LIBRARIES is None:
        return {}
    call = Product(LIBRARIES, kind, w, x)
    call()
    right = x @ w.astype(np.float32).T  # ggml rounds both: this tells wrong calls from right ones
    assert np.abs(call.y - right).mean() < 0.2 * np.abs(right).mean(), kind
    return {"_".join(("ggml", *LIBRARIES.instructions().split()[-1:])): call}


LIBRARIES = find()
