"""The corpus and metal/ on NVIDIA GPUs: compiled wherever NVRTC is, run where there is a GPU."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

import pytest
from cases import CASES, Case, check
from metal import Metal

CORPUS = Path(__file__).with_name("corpus")
METAL = Path(__file__).resolve().parents[3] / "metal"


@pytest.fixture(scope="module")
def nvrtc(library: Path, cache_folder: Path) -> Metal:
    """A shim that finds NVRTC: where the loader does, or in NVIDIA's package."""
    os.environ.setdefault("SOFTMETAL_CACHE_DIR", str(cache_folder / "kernels"))
    package = importlib.util.find_spec("nvidia")
    for folder in package.submodule_search_locations or [] if package else []:
        for file in sorted(Path(folder).glob("*/lib/libnvrtc.so.1[23]")):
            os.environ.setdefault("SOFTMETAL_NVRTC", str(file))
    metal = Metal(str(library))
    try:
        metal.cuda_code("kernel void probe() {}", "probe")
    except RuntimeError as error:
        pytest.skip(f"kernels are not compiled for NVIDIA GPUs: {error}")
    return metal


@pytest.fixture(scope="module")
def gpu(nvrtc: Metal) -> Metal:
    """A shim whose kernels run on the GPU."""
    try:
        nvrtc.use_gpu()
    except RuntimeError as error:
        pytest.skip(f"kernels do not run on a GPU: {error}")
    return nvrtc


@pytest.mark.parametrize("it", CASES, ids=str)
def test_the_corpus_compiles(nvrtc: Metal, it: Case):
    source = (CORPUS / f"{it.file}.metal").read_text()
    assert nvrtc.cuda_code(source, it.kernel, it.constants, it.macros) > 0


@pytest.mark.parametrize("it", CASES, ids=str)
def test_the_corpus_runs(gpu: Metal, it: Case):
    source = (CORPUS / f"{it.file}.metal").read_text()
    check(gpu.program(source, it.macros).kernel(it.kernel, it.constants), it)


def _flatten(file: Path, seen: set[Path]) -> str:
    if file in seen:
        return ""
    seen.add(file)
    return re.sub(
        r'^#include "([^"]+)"$',
        lambda match: _flatten(file.parent / match[1], seen),
        file.read_text().replace("#pragma once\n", ""),
        flags=re.MULTILINE,
    )


@pytest.mark.parametrize("family", sorted(file.stem for file in METAL.glob("*.metal")))
def test_a_kernel_of_each_template_compiles(nvrtc: Metal, family: str):
    """All instances would take minutes; the types differ in little that a compiler could refuse."""
    source = _flatten(METAL / f"{family}.metal", set())
    constants = {
        int(index): (kind, 1)
        for kind, index in re.findall(
            r"constant (\w+) \w+ \[\[function_constant\((\d+)\)\]\]", source
        )
    }
    for kernel in nvrtc.one_of_each(source):
        assert nvrtc.cuda_code(source, kernel, constants) > 0
