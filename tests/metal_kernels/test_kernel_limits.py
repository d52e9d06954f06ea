"""What holds for every kernel: Metal's limits, and parameters that C++ reads as MSL does."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from kernels import METAL, list_kernels

FILES = sorted(METAL.glob("*.metal"))
THREADGROUP_MEMORY = 32768  # of every Apple GPU


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_threadgroup_memory(file: Path) -> None:
    kernels = list_kernels(file.name)
    assert kernels
    assert {name: size for name, size in kernels.items() if size > THREADGROUP_MEMORY} == {}


def test_no_name_is_used_twice() -> None:
    names = [name for file in FILES for name in list_kernels(file.name)]
    assert len(names) == len(set(names))


def test_parameters_compile_as_cpp() -> None:
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    flags = ["-std=c++20", "-Wall", "-Wextra", "-Wpadded", "-Werror", "-fsyntax-only", "-x", "c++"]
    command = [compiler, *flags, f"-I{METAL}", "-"]
    subprocess.run(command, input=b'#include "params.h"\n', check=True)
