from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# NumPy's linear algebra is a reference here. Its threads wait by spinning: seconds, where something
# else runs beside the tests.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import bitmetal as bm
from bitmetal import _core, softmetal

# The same examples in every run; `--hypothesis-profile=default` looks for new ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.load_profile("same")

KINDS = [device.kind for device in bm.devices()]
TARGETS = [f"cpu-{isa}" for isa in _core.cpu_isas()] + [kind for kind in KINDS if kind != "cpu"]


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


# Compiled kernels, which stay for the process.
KEPT = {"MTLLibrary", "MTLFunction", "MTLComputePipelineState", "MTLBinaryArchive"}


@pytest.fixture(autouse=True)
def _nothing_lost(request: pytest.FixtureRequest) -> Iterator[None]:
    """Arrays and Metal objects of a test are gone after it: none leaked, none freed twice."""
    before = _alive()
    yield
    if request.node.get_closest_marker("xfail"):
        return  # pytest still holds the exception, and by that what the test had
    if _alive() != before:
        gc.collect()  # a failed test's traceback may hold some in a cycle
    after = _alive()
    assert {name: after[name] for name in after if after[name] > before.get(name, 0)} == {}


def _alive() -> dict[str, int]:
    """Arrays of each device, and softmetal's objects; buffers that the pool keeps do not count."""
    for device in bm.devices():
        device.synchronize()
    alive = {kind: bm.memory.stats(kind)["active_blocks"] for kind in KINDS}
    if "softmetal" in KINDS:
        alive |= {name: n for name, n in softmetal.live_objects().items() if name not in KEPT}
        # The device `cuda` is softmetal's, too.
        kept = sum(bm.memory.stats(kind)["cached_blocks"] for kind in KINDS if kind != "cpu")
        alive["MTLBuffer"] = alive.get("MTLBuffer", 0) - kept
    return alive
