from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

# NumPy's linear algebra is a reference here. Its threads wait by spinning: seconds, where something
# else runs beside the tests.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import bitmetal as bm
from bitmetal import _core

TARGETS = [f"cpu-{isa}" for isa in _core.cpu_isas()] + [
    device.kind for device in bm.devices() if device.kind != "cpu"
]


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each device in turn, and on the cpu each instruction set of this machine."""
    kind, _, isa = request.param.partition("-")
    if kind != "cpu" and "float64" in request.node.name:  # Metal has none, and the library says so
        request.applymarker(pytest.mark.xfail(raises=bm.CapabilityError, strict=True))
    before = _core.cpu_isa()
    if isa:
        _core.set_cpu_isa(isa)
    with bm.device(kind):
        yield request.param
    _core.set_cpu_isa(before)


@pytest.fixture(autouse=True)
def _nothing_lost() -> Iterator[None]:
    """Arrays of a test are gone after it: none leaked, none freed twice."""
    before = _active()
    yield
    if _active() > before:
        gc.collect()  # a failed test's traceback may hold some in a cycle
    assert _active() <= before


def _active() -> int:
    return bm.memory.stats("cpu")["active_blocks"]
