"""Devices, how one is chosen, and instruction sets."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

import bitmetal as bm
from bitmetal import _core


def test_list() -> None:
    kinds = [device.kind for device in bm.devices()]
    assert "cpu" in kinds
    assert kinds[0] != "softmetal"
    cpu = bm.device("cpu")
    assert cpu.unified_memory
    assert cpu.name
    assert repr(cpu) == f"Device('cpu', '{cpu.name}')"
    assert {kind for kind, _, _ in _core.availability()} == {"metal", "cuda", "cpu", "softmetal"}


def test_capabilities() -> None:
    found = bm.device("cpu").capabilities
    assert found["memory_bytes"] == bm.memory.stats("cpu")["limit_bytes"]
    assert found["instruction_sets"] == _core.cpu_isas()


def test_absent_device_says_why() -> None:
    for kind, available, reason in _core.availability():
        if not available:
            assert reason
            with pytest.raises(bm.DeviceError, match=f"device: '{kind}' is not available: "):
                bm.device(kind)


def test_scopes_belong_to_their_thread() -> None:
    cpu = bm.device("cpu")
    with bm.device("cpu") as inner:
        assert bm.device() is inner is cpu
        seen = []
        thread = threading.Thread(target=lambda: seen.append(bm.device()))
        thread.start()
        thread.join()
        assert seen == [bm.devices()[0]]
    bm.set_default_device("cpu")
    assert bm.zeros(3).device is cpu


def test_instruction_sets() -> None:
    names = _core.cpu_isas()
    assert names[0] == "generic"
    assert _core.cpu_isa() in names
    with pytest.raises(ValueError, match="'mmx' is not supported here, expected one of 'generic'"):
        _core.set_cpu_isa("mmx")


def test_instruction_set_by_environment() -> None:
    code = "from bitmetal import _core; print(_core.cpu_isa())"
    for isa in _core.cpu_isas():
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "BITMETAL_CPU_ISA": isa},
            capture_output=True,
            text=True,
        )
        assert done.stdout.strip() == isa
    done = subprocess.run(
        [sys.executable, "-c", "import bitmetal\n" + code],
        env={**os.environ, "BITMETAL_CPU_ISA": "mmx"},
        capture_output=True,
        text=True,
    )
    assert "ValueError" in done.stderr
    assert "mmx" in done.stderr
