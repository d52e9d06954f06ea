"""Profiles: what they record, of whom, and when."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest

import bitmetal as bm
from bitmetal import softmetal

KINDS = ["cpu", *(["softmetal"] if softmetal.available() else [])]


@pytest.mark.parametrize("kind", KINDS)
def test_events_and_table(kind: str) -> None:
    x = np.ones((64, 256), np.float32)
    with bm.device(kind):
        a = bm.asarray(x).wait()
        bm.softmax(a)
        with bm.profile() as p:
            for _ in range(3):
                b = bm.softmax(a)
            total = bm.sum(b)
        bm.softmax(a)
    assert total.item() == pytest.approx(64)
    softmaxes = [event for event in p.events if event.name.startswith("softmax")]
    assert len(softmaxes) == 3
    for event in softmaxes:
        assert event.device == kind
        assert event.bytes == 2 * x.nbytes
        assert 0 < event.seconds < 10
        assert (event.thread == 0) == (kind != "cpu")
    assert any("sum" in event.name for event in p.events)
    table = p.table().splitlines()
    assert len(table) == 1 + len({event.name for event in p.events})
    (line,) = (line for line in table if " softmax" in line)
    device, _, calls, *_ = line.split()
    assert (device, calls) == (kind, "3")
    assert line.endswith("%")


@pytest.mark.skipif("softmetal" not in KINDS, reason="this build has no softmetal")
def test_each_kernel_is_timed_also_in_a_batch() -> None:
    with bm.device("softmetal"):
        with bm.profile() as p, bm.batch() as job:
            a = bm.ones((100,))
            b = a + a
        assert [event.name.partition("_")[0] for event in p.events] == ["fill", "elementwise"]
        times = sum(event.seconds for event in p.events)
        assert times == pytest.approx(job.gpu_seconds)
        np.testing.assert_array_equal(b, np.full(100, 2))


def test_names_say_what_is_computed() -> None:
    a = bm.ones((8, 8), device="cpu")
    with bm.profile() as p:
        bm.max(a, axis=0)
        bm.cumsum(a, axis=0)
        np.exp(0)  # not ours
        a + a
        bm.fuse(lambda x: bm.exp(x * 2) + 1)(a)
    assert [event.name for event in p.events] == [
        "reduce max",
        "scan sum",
        "elementwise add",
        "elementwise multiply exp add",
    ]


def test_profiles_nest_and_see_all_threads() -> None:
    a = bm.ones((8,), device="cpu")
    with bm.profile() as outer:
        bm.exp(a)
        with bm.profile() as inner:
            thread = threading.Thread(target=lambda: bm.sqrt(a))
            thread.start()
            thread.join()
        bm.exp(a)
    assert [event.name for event in inner.events] == ["elementwise sqrt"]
    assert len(outer.events) == 3
    assert len({event.thread for event in outer.events}) == 2


def test_trace(tmp_path: Path) -> None:
    with bm.profile() as p:
        bm.ones((100,), device="cpu")
        bm.zeros((100,), device="cpu")
    p.trace(tmp_path / "trace.json")
    rows = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert rows[0]["args"] == {"name": "cpu"}
    first, second = rows[1:]
    assert first["name"] == second["name"] == "fill"
    assert first["ts"] == 0
    assert second["ts"] >= first["dur"] > 0
    assert first["args"] == {"bytes": 400}


def test_nothing_recorded() -> None:
    with bm.profile() as p:
        pass
    assert p.events == []
    assert len(p.table().splitlines()) == 1


def test_an_error_ends_it() -> None:
    p = bm.profile()

    def fail() -> None:
        with p:
            bm.ones((3,), device="cpu")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    bm.ones((3,), device="cpu")
    assert len(p.events) == 1


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_goes_on() -> None:
    with bm.profile() as p:
        child = os.fork()
        if child == 0:
            try:
                bm.ones((3,), device="cpu")
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert p.events == []
