"""Machine limits, peers timed in turn with us, and the figures each row carries."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import peers
import pytest

import bitmetal as bm
from bitmetal import _core

Call = Callable[[], object]


LIMITS = pytest.StashKey[dict[str, float]]()


def measure_limits() -> dict[str, float]:
    """What this machine can do just now."""
    return dict(zip(("copy", "read", "int8"), _core.cpu_limits(), strict=True))


@pytest.fixture(scope="session")
def limits(pytestconfig: pytest.Config) -> None:
    """Measure the machine before the first row; the report does it once more after the last."""
    pytestconfig.stash[LIMITS] = measure_limits()


def in_turn(calls: list[Call], blocks: int = 4, seconds: float = 0.1) -> list[list[float]]:
    """Time calls in blocks made in turn; for each call the median of every block, in seconds.

    A pause before each block lets the other library's threads go to sleep: OpenBLAS's spin for many
    milliseconds after a call and would take the processor from whoever comes next.
    """
    medians: list[list[float]] = [[] for _ in calls]
    for _ in range(blocks):
        for call, median in zip(calls, medians, strict=True):
            time.sleep(0.1)
            call()
            spent: list[float] = []
            end = time.perf_counter() + seconds
            while time.perf_counter() < end or len(spent) < 2:
                start = time.perf_counter()
                call()
                spent.append(time.perf_counter() - start)
            median.append(statistics.median(spent))
    return medians


@pytest.fixture
def measure(benchmark: Any, limits: None) -> Callable[..., None]:
    """Time a call: its bytes, its operations, and how the peers named do the same.

    ``measure(ours, nbytes=…, operations=…, numpy=call, torch=call, …)``; a peer that is not
    installed is given as None.
    """

    def run(ours: Call, *, nbytes: float, operations: float = 0, **others: Call | None) -> None:
        benchmark(ours)
        theirs = {name: call for name, call in others.items() if call is not None}
        if benchmark.stats is None:  # --benchmark-disable: every call is made once
            for call in theirs.values():
                call()
            return
        seconds = benchmark.stats.stats.median
        info = benchmark.extra_info
        info["bytes"], info["operations"] = nbytes, operations
        info["GB/s"] = nbytes / seconds / 1e9
        if operations:
            info["GOP/s"] = operations / seconds / 1e9
        if theirs:
            mine, *rest = in_turn([ours, *theirs.values()])
            for name, times in zip(theirs, rest, strict=True):
                info[f"x {name}"] = statistics.median(times) / statistics.median(mine)
            info["spread"] = max(mine) / min(mine)

    return run


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Say in the report what was measured: the machine, its limits, the versions.

    Other tenants of a machine come and go: its limits are the better of two measurements.
    """
    limits = config.stash.get(LIMITS, {})
    if limits:
        limits = {name: max(limits[name], now) for name, now in measure_limits().items()}
    for row in output_json["benchmarks"]:
        info = row["extra_info"]
        if "GB/s" in info:
            info["of copy"] = info["GB/s"] * 1e9 / limits["copy"]
        if "GOP/s" in info and "bitlinear" in row["name"] and limits["int8"]:
            info["of int8"] = info["GOP/s"] * 1e9 / limits["int8"]
    output_json["bitmetal"] = {
        "version": bm.__version__,
        "device": bm.device("cpu").name,
        "isa": _core.cpu_isa(),
        "threads": bm.num_threads(),
        "compiler": _core.compiler(),
        "limits": limits,
        "peers": peers.versions(),
        "missing": sorted(peers.MISSING),
    }
