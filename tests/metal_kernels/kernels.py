"""Runs the kernels in metal/ on softmetal's CPU executor, with NumPy arrays for buffers."""

import ctypes
import functools
import hashlib
import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
METAL = ROOT / "metal"

DTYPES = {
    "f32": np.dtype(np.float32),
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "i8": np.dtype(np.int8),
    "u8": np.dtype(np.uint8),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
}
# Half a unit in the last place of each type, and float's own errors on the way.
ROUNDING = {"f32": 1e-6, "f16": 2**-11 + 1e-6, "bf16": 2**-8 + 1e-6}

ORDERS = {"forward": 0, "reverse": 1, "shuffled": 2}

# Bits for `constants`, as in params.h.
ALONG_A, ALONG_B, VECTOR_A, VECTOR_B, BIAS, WEIGHT, VECTOR_X, NORMALIZE = (1 << i for i in range(8))

FLAT, HAS_A, HAS_B, VECTORS, HELD = (1 << i for i in range(15, 20))


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def _flatten(file: Path, seen: set[Path]) -> str:
    """The file with its quoted includes in their place, each once."""
    if file in seen:
        return ""
    seen.add(file)
    return re.sub(
        r'^#include "([^"]+)"$',
        lambda match: _flatten(file.parent / match[1], seen),
        file.read_text().replace("#pragma once\n", ""),
        flags=re.MULTILINE,
    )


@functools.cache
def source(name: str) -> bytes:
    return _flatten(METAL / name, set()).encode()


@functools.cache
def _library() -> ctypes.CDLL:
    """The executor and the runner as one shared library, built where the sources have changed."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler to build the executor with")
    base = ROOT / "cpp" / "softmetal"
    sources = sorted([*(base / "exec").glob("*.cpp"), *(base / "msl").glob("*.cpp")])
    runner = Path(__file__).with_name("runner.cpp")
    digest = hashlib.sha256()
    for file in [runner, *sorted(base.glob("exec/*")), *sorted(base.glob("msl/**/*"))]:
        if file.is_file():
            digest.update(file.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"bitmetal-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    library = folder / f"runner-{digest.hexdigest()[:16]}.so"
    if not library.exists():
        fresh = library.with_suffix(f".{os.getpid()}")
        flags = ["-std=c++20", "-O2", "-fPIC", "-shared", "-pthread"]
        folders = [
            f'-DSOFTMETAL_MSL_DIR="{base / "msl"}"',
            f"-I{ROOT / 'cpp'}",
            f"-I{base}",
            f"-I{base / 'exec'}",
        ]
        command = [compiler, *flags, *folders, str(runner), *map(str, sources), "-ldl"]
        result = subprocess.run(
            [*command, "-o", str(fresh)], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        fresh.replace(library)
    return ctypes.CDLL(str(library))


def set_options(order: str = "forward", *, seed: int = 1, check: bool = False) -> None:
    _library().set_options(ORDERS[order], ctypes.c_uint64(seed), int(check))


def take_reports() -> str:
    text = ctypes.create_string_buffer(1 << 16)
    _library().take_reports(text, ctypes.c_size_t(len(text)))
    return text.value.decode()


def list_kernels(file: str) -> dict[str, int]:
    """The kernels of a file and the bytes of threadgroup memory that each declares."""
    log = ctypes.create_string_buffer(1 << 20)
    failed = _library().list_kernels(source(file), log, ctypes.c_size_t(len(log)))
    assert not failed, log.value.decode()
    return {name: int(size) for name, size in map(str.split, log.value.decode().splitlines())}


def run(
    file: str,
    kernel: str,
    buffers: Sequence[np.ndarray | bytes | None],
    *,
    groups: Sequence[int],
    threads: Sequence[int] = (256,),
    constants: int = 0,
) -> None:
    """Run a kernel over `groups` threadgroups of `threads`; arrays are written in place."""
    keep: list[np.ndarray] = []
    data = (ctypes.c_void_p * len(buffers))()
    sizes = (ctypes.c_size_t * len(buffers))()
    for i, buffer in enumerate(buffers):
        if isinstance(buffer, bytes):
            bound = np.frombuffer(buffer, np.uint8).copy()
        elif buffer is None:
            bound = np.zeros(16, np.uint8)
        else:
            assert buffer.flags.c_contiguous or buffer.base is not None
            bound = buffer
        if constants & VECTORS:
            bound = _aligned(bound)
        keep.append(bound)
        data[i] = bound.ctypes.data
        sizes[i] = bound.nbytes if bound.flags.c_contiguous else bound.base.nbytes
    grid = (ctypes.c_uint64 * 3)(*groups, *[1] * (3 - len(groups)))
    group = (ctypes.c_uint32 * 3)(*threads, *[1] * (3 - len(threads)))
    log = ctypes.create_string_buffer(1 << 14)
    failed = _library().run_kernel(
        source(file),
        kernel.encode(),
        ctypes.c_uint32(constants),
        len(buffers),
        data,
        sizes,
        grid,
        group,
        log,
        ctypes.c_size_t(len(log)),
    )
    assert not failed, f"{kernel}: {log.value.decode()}"
    for buffer, bound in zip(buffers, keep, strict=True):
        if isinstance(buffer, np.ndarray) and bound is not buffer:
            buffer[...] = bound


def _aligned(a: np.ndarray) -> np.ndarray:
    """A copy at the start of a cache line: four elements are loaded at once."""
    memory = np.empty(a.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy = memory[start : start + a.nbytes].view(a.dtype).reshape(a.shape)
    copy[...] = a
    return copy


def uint_bytes(value: int) -> bytes:
    return struct.pack("<I", value)


def random(shape: Sequence[int], dtype: str, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    if DTYPES[dtype].kind in "iu":
        limits = np.iinfo(DTYPES[dtype])
        low, high = max(limits.min, -(2**31)), min(limits.max, 2**31)
        return generator.integers(low, high, shape, endpoint=dtype != "i64").astype(DTYPES[dtype])
    if dtype == "bool":
        return generator.integers(0, 2, shape).astype(np.bool_)
    return (scale * generator.standard_normal(shape)).astype(DTYPES[dtype])


def f64(a: np.ndarray) -> np.ndarray:
    return a.astype(np.float64)
