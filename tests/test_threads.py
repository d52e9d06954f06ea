"""The thread pool: its size, forks, and callers on several threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import bitmetal as bm
from table import random


def child(code: str, **environment: str) -> str:
    """Run code in a fresh interpreter and give what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_count() -> None:
    before = bm.num_threads()
    bm.set_num_threads(3)
    assert bm.num_threads() == 3
    bm.set_num_threads(0)
    assert bm.num_threads() >= 1
    bm.set_num_threads(before)
    for bad in (-1, 5000):
        with pytest.raises(ValueError, match="set_num_threads: count is"):
            bm.set_num_threads(bad)


SHOW = "import bitmetal as bm; print(bm.num_threads())"


def test_environment() -> None:
    assert child(SHOW, BITMETAL_NUM_THREADS="3") == "3"
    code = "import bitmetal as bm\ntry: bm.num_threads()\nexcept ValueError as e: print(e)"
    assert "BITMETAL_NUM_THREADS: 'x' is not a number from 1 to 4096" in child(
        code, BITMETAL_NUM_THREADS="x"
    )


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity masks on this system")
def test_affinity_decides_the_count() -> None:
    code = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); " + SHOW
    assert child(code, BITMETAL_NUM_THREADS="") == "1"


def test_many_threads() -> None:
    """More threads than rows, blocks or processors: the same bits as with one."""
    x, weight = random((3, 700), "float32"), random((40, 700), "float32", 1)
    w = bm.ternary.quantize(weight)
    q = bm.blockwise.quantize(weight, "nf4")
    large = random((1 << 20,), "float32", 2)
    results: list[list[np.ndarray]] = []
    before = bm.num_threads()
    try:
        for threads in (1, 64):
            bm.set_num_threads(threads)
            results.append(
                [
                    np.asarray(array)
                    for array in (
                        bm.bitlinear(x, w),
                        bm.bitlinear(np.repeat(x, 50, axis=0), w.repack(1.6)),
                        bm.ternary.matmul(x, w),
                        bm.blockwise.matmul(x, q),
                        bm.sum(large),
                        bm.exp(large),
                    )
                ]
            )
    finally:
        bm.set_num_threads(before)
    for one, many in zip(*results, strict=True):
        np.testing.assert_array_equal(many, one)


def test_idle_threads_take_no_time() -> None:
    """Threads that have worked sleep: in half a second of idleness they use less than a tenth."""
    code = """
import time, bitmetal as bm
a = bm.ones((1 << 22,))
for _ in range(20): bm.exp(a)
time.sleep(0.05)
start = time.process_time()
time.sleep(0.5)
print(time.process_time() - start)
"""
    assert float(child(code, BITMETAL_NUM_THREADS="8")) < 0.05


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
def test_threads_start_when_there_is_work_for_them() -> None:
    code = """
import os, threading, bitmetal as bm
def count(): return len(os.listdir("/proc/self/task"))
end = threading.Event()
threading.Thread(target=end.wait).start()  # with the first, ThreadSanitizer starts one of its own
before = count()
bm.ones((64,)) + bm.ones((64,))
small = count()
bm.exp(bm.ones((1 << 22,)))
print(small - before, count() - before)
end.set()
"""
    assert child(code, BITMETAL_NUM_THREADS="5", OPENBLAS_NUM_THREADS="1") == "0 4"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_fork() -> None:
    """A child computes with threads of its own, even forked in the middle of its parent's work."""
    w = bm.ternary.quantize(random((512, 1024), "float32"))
    x = random((64, 1024), "float32", 1)
    a = random((300, 300), "float32")
    expected = np.asarray(bm.bitlinear(x, w))
    product = np.asarray(bm.matmul(a, a))
    stop = threading.Event()
    busy = threading.Thread(target=lambda: [bm.bitlinear(x, w) for _ in iter(stop.is_set, True)])
    busy.start()
    try:
        for _ in range(10):
            pid = os.fork()
            if pid == 0:
                ok = np.array_equal(bm.bitlinear(x, w), expected) and np.allclose(
                    bm.matmul(a, a), product
                )
                bm.zeros((1 << 16,))
                os._exit(0 if ok else 1)
            deadline = time.monotonic() + 60
            while (done := os.waitpid(pid, os.WNOHANG)) == (0, 0):
                if time.monotonic() > deadline:
                    os.kill(pid, 9)
                    os.waitpid(pid, 0)
                    pytest.fail("the forked child hangs")
                time.sleep(0.001)
            assert done[1] == 0
    finally:
        stop.set()
        busy.join()


def test_callers_on_several_threads() -> None:
    w = bm.ternary.quantize(random((256, 512), "float32"))
    inputs = [random((33, 512), "float32", seed) for seed in range(8)]
    expected = [np.asarray(bm.bitlinear(x, w)) for x in inputs]

    def work(i: int) -> None:
        for _ in range(20):
            np.testing.assert_array_equal(bm.bitlinear(inputs[i], w), expected[i])
            assert bm.sum(bm.ones((1 << 16,))).item() == 1 << 16

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_the_gil_is_released() -> None:
    """Another Python thread counts on while a long product runs."""
    a = random((1500, 1500), "float64")
    bm.matmul(a, a)
    ticks = 0
    stop = threading.Event()

    def count() -> None:
        nonlocal ticks
        while not stop.is_set():
            ticks += 1
            time.sleep(0.0005)

    counter = threading.Thread(target=count)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # without a release the counter would stand still
    try:
        counter.start()
        start = ticks
        for _ in range(5):
            bm.matmul(a, a)
        assert ticks > start + 5
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        counter.join()
