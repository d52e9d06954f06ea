"""Machine limits, peers timed in turn with us, and the figures each row carries."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest

import bitmetal as bm
from bitmetal import _core

Call = Callable[[], object]


@pytest.fixture(scope="session")
def limits() -> dict[str, float]:
    """What this machine can do, measured at the start of the session."""
    copy, _, int8 = _core.cpu_limits()
    return {"copy": copy, "int8": int8}


def in_turn(ours: Call, theirs: Call, blocks: int = 4, seconds: float = 0.1) -> float:
    """How many times faster `ours` is: the ratio of medians over blocks of calls made in turn.

    A pause before each block lets the other library's threads go to sleep: OpenBLAS's spin for many
    milliseconds after a call and would take the processor from whoever comes next.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(blocks):
        for call, spent in zip((ours, theirs), times, strict=True):
            time.sleep(0.1)
            call()
            end = time.perf_counter() + seconds
            while time.perf_counter() < end or len(spent) < 2:
                start = time.perf_counter()
                call()
                spent.append(time.perf_counter() - start)
    return statistics.median(times[1]) / statistics.median(times[0])


@pytest.fixture
def measure(
    benchmark: Any, limits: dict[str, float], request: pytest.FixtureRequest
) -> Callable[..., None]:
    """Time a call; give its bytes, its operations, and NumPy's way of doing the same."""

    def run(ours: Call, *, nbytes: float, operations: float = 0, numpy: Call | None = None) -> None:
        benchmark(ours)
        if benchmark.stats is None:  # --benchmark-disable: the call was made once
            return
        seconds = benchmark.stats.stats.median
        info = benchmark.extra_info
        info["GB/s"] = nbytes / seconds / 1e9
        info["of copy"] = nbytes / seconds / limits["copy"]
        if operations:
            info["GOP/s"] = operations / seconds / 1e9
            if "bitlinear" in request.node.name and limits["int8"]:
                info["of int8"] = operations / seconds / limits["int8"]
        if numpy is not None:
            info["x NumPy"] = in_turn(ours, numpy)
        info["isa"], info["threads"] = _core.cpu_isa(), bm.num_threads()

    return run
