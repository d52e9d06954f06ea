"""The buffer pool: reuse, bounds, counters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import bitmetal as bm
from bitmetal import _core


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    before = bm.memory.stats()
    bm.memory.trim()
    yield
    bm.memory.set_limit(before["limit_bytes"])
    bm.memory.set_cache_limit(before["cache_limit_bytes"])


def test_reuse_is_counted() -> None:
    before = bm.memory.stats()
    a = bm.empty((1 << 20,), "uint8")
    address = np.asarray(a).ctypes.data
    during = bm.memory.stats()
    assert during["misses"] == before["misses"] + 1
    assert during["active_bytes"] == before["active_bytes"] + (1 << 20)
    del a
    after = bm.memory.stats()
    assert after["active_bytes"] == before["active_bytes"]
    assert after["cached_bytes"] == 1 << 20
    b = bm.empty(((1 << 20) - 5,), "uint8")  # the same bucket
    assert np.asarray(b).ctypes.data == address
    assert bm.memory.stats()["hits"] == before["hits"] + 1


def test_buckets_waste_an_eighth_at_most() -> None:
    before = bm.memory.stats()["active_bytes"]
    for bytes_ in (1, 4096, 4097, 10_000, 100_001, (1 << 20) + 1, 12_345_678):
        a = bm.empty((bytes_,), "uint8")
        used = bm.memory.stats()["active_bytes"] - before
        assert bytes_ <= used <= max(bytes_ * 9 / 8, 4096 * -(-bytes_ // 4096))
        del a


def test_trim() -> None:
    arrays = [bm.empty((n << 16,), "uint8") for n in (1, 2, 3)]
    del arrays
    assert bm.memory.stats()["cached_bytes"] == 6 << 16
    bm.memory.trim(keep=5 << 16)
    assert bm.memory.stats()["cached_bytes"] <= 5 << 16
    bm.memory.trim()
    assert bm.memory.stats()["cached_blocks"] == 0


def test_blocks_are_bounded() -> None:
    limit = bm.memory.stats()["object_limit"]
    arrays = [bm.empty((n << 16,), "uint8") for n in range(1, 7)]
    active = bm.memory.stats()["active_blocks"]
    try:
        bm.memory.set_object_limit(active - 2)  # those in use count
        del arrays[2:]
        assert bm.memory.stats()["active_blocks"] == active - 4
        assert bm.memory.stats()["cached_blocks"] == 2
        bm.memory.set_object_limit(active - 4)
        assert bm.memory.stats()["cached_blocks"] == 0
    finally:
        bm.memory.set_object_limit(limit)


def test_pressure() -> None:
    arrays = [bm.empty((1 << 16,), "uint8") for _ in range(4)]
    del arrays
    assert bm.memory.stats()["cached_bytes"] == 4 << 16
    _core.memory_pressure(False)
    assert bm.memory.stats()["cached_bytes"] == 2 << 16
    _core.memory_pressure(True)
    assert bm.memory.stats()["cached_bytes"] == 0


def test_the_least_recently_used_goes_first() -> None:
    sizes = [5 << 16, 6 << 16, 7 << 16]
    arrays = [bm.empty((n,), "uint8") for n in sizes]
    bm.memory.set_cache_limit(14 << 16)
    evicted = bm.memory.stats()["evictions"]
    while arrays:
        arrays.pop(0)
    assert bm.memory.stats()["evictions"] == evicted + 1
    hits = bm.memory.stats()["hits"]
    kept = [bm.empty((n,), "uint8") for n in sizes[1:]]
    assert bm.memory.stats()["hits"] == hits + 2
    del kept


def test_limit() -> None:
    active = bm.memory.stats()["active_bytes"]
    bm.memory.set_limit(active + (1 << 22))
    a = bm.empty((3 << 20,), "uint8")
    with pytest.raises(
        MemoryError, match=r"memory: 2097152 bytes asked for, \d+ in use, the limit is"
    ):
        bm.empty((2 << 20,), "uint8")
    del a  # cached now; it makes way
    b = bm.empty((2 << 20,), "uint8")
    stats = bm.memory.stats()
    assert stats["active_bytes"] + stats["cached_bytes"] <= active + (1 << 22)
    del b


def test_peak() -> None:
    a = bm.empty((1 << 24,), "uint8")
    peak = bm.memory.stats()["peak_bytes"]
    del a
    assert bm.memory.stats()["peak_bytes"] == peak >= 1 << 24


def test_foreign_memory_is_not_recycled() -> None:
    before = bm.memory.stats()
    bm.asarray(np.zeros(1 << 16, np.uint8))
    assert bm.memory.stats()["cached_bytes"] == before["cached_bytes"]


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"memory.set_limit: bytes is -1"):
        bm.memory.set_limit(-1)
    with pytest.raises(TypeError, match=r"memory.trim: keep is 'x'"):
        bm.memory.trim("x")
