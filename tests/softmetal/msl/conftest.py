"""Builds the executor and its shim with a C++ compiler of this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from metal import Metal

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parents[2] / "cpp" / "softmetal"


def skip_aloud(reason: str) -> None:
    if os.environ.get("SOFTMETAL_REQUIRED"):
        pytest.fail(reason)
    pytest.skip(f"MSL on the CPU is not tested: {reason}")


def build(folder: Path) -> Path:
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        skip_aloud("there is no C++ compiler")
    sources = [
        *sorted(SOURCES.glob("exec/*.cpp")),
        *sorted(SOURCES.glob("msl/*.cpp")),
        HERE / "shim.cpp",
    ]
    digest = hashlib.sha256(compiler.encode())
    for file in [*sources, *sorted(SOURCES.glob("exec/*.h")), *sorted(SOURCES.glob("msl/**/*.h"))]:
        digest.update(file.read_bytes())
    library = folder / f"shim-{digest.hexdigest()[:16]}.so"
    if library.exists():
        return library

    with tempfile.TemporaryDirectory(dir=folder) as scratch:

        def compile_one(source: Path) -> str:
            output = f"{scratch}/{source.stem}.o"
            command = [compiler, "-std=c++20", "-O1", "-fPIC", "-fvisibility=hidden"]
            command += [f'-DSOFTMETAL_MSL_DIR="{SOURCES / "msl"}"', "-c", str(source), "-o", output]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return output

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(compile_one, sources))
        fresh = f"{scratch}/shim.so"
        subprocess.run(
            [compiler, "-shared", *objects, "-o", fresh, "-ldl", "-lpthread"], check=True
        )
        os.replace(fresh, library)
    return library


@pytest.fixture(scope="session")
def cache_folder() -> Path:
    """Where this suite's libraries and kernels stay between runs."""
    folder = Path(tempfile.gettempdir()) / f"softmetal-msl-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def library(cache_folder: Path) -> Path:
    return build(cache_folder)


@pytest.fixture(scope="session")
def _metal(library: Path, cache_folder: Path) -> Metal:
    os.environ.setdefault("SOFTMETAL_CACHE_DIR", str(cache_folder / "kernels"))
    metal = Metal(str(library))
    try:
        metal.program("kernel void probe() {}")
    except Exception as error:
        if "none will do" in str(error):
            skip_aloud(str(error))
        raise
    return metal


@pytest.fixture
def metal(_metal: Metal) -> Metal:
    _metal.options()
    _metal.reports()
    return _metal
