"""The Metal device: lifetimes, hazards, faults, threads, fork, foreign memory, batches."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import bitmetal as bm
from bitmetal import _core, softmetal

KIND = "softmetal"
pytestmark = pytest.mark.skipif(not softmetal.available(), reason="this build has no softmetal")


def settle() -> None:
    gc.collect()
    bm.device(KIND).synchronize()
    bm.memory.trim(device=KIND)


@pytest.fixture(autouse=True)
def _from_nothing_to_nothing() -> Iterator[None]:
    """The pool is empty before and after each test; conftest.py counts the objects."""
    settle()
    with bm.device(KIND):
        yield
    softmetal.clear_faults()
    settle()
    assert bm.memory.stats(KIND)["active_blocks"] == 0


def test_ten_thousand_dispatches() -> None:
    a, b = bm.ones(16), bm.empty(16)
    scale = bm.Kernel(
        "[[kernel]] void k(device const float* a [[buffer(0)]], device float* b [[buffer(1)]], "
        "uint i [[thread_position_in_grid]]) { b[i] = a[i] + 1; }",
        "k",
    )
    memory = []
    objects = []
    bm.device(KIND).synchronize()
    before = _core.stream_stats(KIND)["dispatches"]
    for i in range(10_000):
        scale(a, b, grid=16, threadgroup=16)
        a, b = b, a
        if i % 2500 == 2499:
            bm.device(KIND).synchronize()
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            objects.append(sum(softmetal.live_objects().values()))
    assert a[0].item() == 10_001
    assert _core.stream_stats(KIND)["dispatches"] == before + 10_000
    assert objects[0] == objects[-1]
    assert memory[-1] - memory[0] < 4096  # KiB


def test_barriers_stand_where_bytes_are_reused() -> None:
    barriers = _core.stream_stats(KIND)["barriers"]
    with bm.batch() as job:
        for _ in range(5):
            bm.ones((100,))
    job.wait()
    assert (
        _core.stream_stats(KIND)["barriers"] <= barriers + 4
    )  # only where the pool gave one twice
    barriers = _core.stream_stats(KIND)["barriers"]
    whole = bm.empty((2, 64))
    bm.device(KIND).synchronize()
    with bm.batch() as job:
        whole[0] = 1.0  # other bytes of one buffer
        whole[1] = 2.0
    job.wait()
    np.testing.assert_array_equal(np.asarray(whole)[:, 5], [1, 2])


@pytest.mark.parametrize("seed", range(3))
def test_dependent_work_keeps_its_order(seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((24, 24)).astype(np.float32)
    with softmetal.order("shuffled", seed=seed):
        a = bm.asarray(x)
        with bm.batch():
            b = a @ a
            c = bm.softmax(b)
            d = c.T @ a
            a[0] = 0.0  # after all that read it
        result = np.asarray(d)
    e = np.exp(x @ x - (x @ x).max(1, keepdims=True))
    np.testing.assert_allclose(result, (e / e.sum(1, keepdims=True)).T @ x, rtol=1e-3, atol=1e-4)


def test_failed_allocation() -> None:
    bm.memory.trim(device=KIND)
    softmetal.fail_allocations(2)  # also the second try, after the pool gave back what it had
    with pytest.raises(MemoryError, match="memory: the system has no"):
        bm.ones((1000, 1000))
    np.testing.assert_array_equal(bm.ones(3), [1, 1, 1])


def test_failed_command_buffer() -> None:
    fine = bm.ones(4).wait()
    softmetal.fail_command_buffers(1)
    lost = bm.ones(8)
    with pytest.raises(
        bm.DeviceError, match="softmetal: a command buffer failed: a fault was asked for"
    ):
        lost.numpy()
    with pytest.raises(bm.DeviceError):  # it stays lost
        bm.sum(lost)
    np.testing.assert_array_equal(bm.sum(fine), 4)
    lost[:] = 3.0  # until it is written again
    np.testing.assert_array_equal(lost, np.full(8, 3))
    bm.device(KIND).synchronize()  # the failure was told


def test_failure_reaches_what_depends_on_it() -> None:
    a = bm.ones(4).wait()
    softmetal.fail_command_buffers(1)
    softmetal.delay_completion(0.05)  # all is recorded before the first one fails
    with bm.batch() as first:
        b = bm.ones(4)
    with bm.batch() as second:
        c = bm.sum(b)
    with bm.batch() as third:
        d = bm.sum(a)
    third.wait()
    assert d.item() == 4
    for job in (first, second):
        with pytest.raises(bm.DeviceError):
            job.wait()
    with pytest.raises(bm.DeviceError):
        c.item()


def test_synchronize_tells_of_a_failure_once() -> None:
    softmetal.fail_command_buffers(1)
    a = bm.ones(4)
    with pytest.raises(bm.DeviceError):
        bm.device(KIND).synchronize()
    bm.device(KIND).synchronize()
    del a


def test_a_failure_ends_with_its_array() -> None:
    softmetal.fail_command_buffers(1)
    lost = bm.ones(8)
    with pytest.raises(bm.DeviceError):
        lost.wait()
    del lost
    host = np.ones(8, np.float32)
    np.testing.assert_array_equal(bm.sum(bm.asarray(host)), 8)  # over the same memory
    bm.empty(8).wait()


def test_lost_device() -> None:
    a, total = bm.ones(4), bm.empty(())
    softmetal.lose_device()
    bm.sum(a, out=total)
    with pytest.raises(bm.DeviceError, match="the device is lost"):
        total.wait()
    softmetal.lose_device(False)
    np.testing.assert_array_equal(bm.ones(4), np.ones(4))
    np.testing.assert_array_equal(a, np.ones(4))


def test_threads() -> None:
    x = np.arange(400, dtype=np.float32).reshape(20, 20)
    wrong: list[object] = []

    def work(seed: int) -> None:
        try:
            with bm.device(KIND):
                for i in range(20):
                    a = bm.asarray(x + seed + i)
                    if not np.array_equal(bm.sum(a, axis=1), np.sum(x + seed + i, axis=1)):
                        wrong.append((seed, i))
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="fork is on its way out")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_child() -> None:
    a = bm.ones(4).wait()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, str(np.asarray(a).sum()).encode() + b"\n")  # nothing to wait for
            bm.sum(a)
        except bm.DeviceError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    text = os.read(read, 1000).decode()
    os.close(read)
    os.close(write)
    assert text.startswith("4.0\nsoftmetal: the device was opened before fork()")
    assert bm.sum(a).item() == 4


@pytest.mark.parametrize("offset", [0, 1, 1000])
def test_foreign_memory_is_shown_in_place(offset: int) -> None:
    host = np.arange(200_000, dtype=np.float32)[offset:]
    a = bm.asarray(host)
    assert a.shares_memory
    assert bm.sum(a[:10]).item() == host[:10].sum()
    a[0] = 5.0
    a.wait()
    assert host[0] == 5
    readers = sys.getrefcount(host)
    del a
    settle()
    assert sys.getrefcount(host) <= readers


def test_small_foreign_memory_is_copied() -> None:
    host = np.ones(10, np.float32)
    a = bm.asarray(host)
    assert not a.shares_memory
    host[:] = 2
    np.testing.assert_array_equal(a, np.ones(10))


def test_arguments_are_read_in_the_call() -> None:
    """A NumPy argument may change as soon as the call returns."""
    host = np.ones(100_000, np.float32)
    with bm.batch():
        total = bm.sum(host)
        host[:] = 7
    assert total.item() == 100_000


def test_between_devices() -> None:
    x = np.random.default_rng(0).standard_normal((300, 200)).astype(np.float32)
    on_cpu = bm.asarray(x, device="cpu")
    on_gpu = on_cpu.to(KIND)
    assert on_gpu.device.kind == KIND
    back = bm.softmax(on_gpu).to("cpu")
    assert back.device.kind == "cpu"
    np.testing.assert_allclose(back, bm.softmax(on_cpu), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(on_gpu.T.to("cpu"), x.T)


def test_float64() -> None:
    for make in (
        lambda: bm.zeros(3, "float64"),
        lambda: bm.asarray(np.zeros(3)),
        lambda: bm.zeros(3).astype("float64"),
        lambda: bm.zeros(3, "float64", device="cpu").to(KIND),
    ):
        with pytest.raises(
            bm.CapabilityError, match="float64: device 'softmetal' has no such type"
        ):
            make()


def test_batch_is_one_command_buffer() -> None:
    bm.device(KIND).synchronize()
    before = _core.stream_stats(KIND)["command_buffers"]
    with bm.batch() as job:
        for _ in range(100):
            a = bm.ones(10)
    assert _core.stream_stats(KIND)["command_buffers"] == before + 1
    job.wait()
    assert job.done
    assert job.gpu_seconds > 0
    assert a[0].item() == 1


def command_buffers() -> int:
    return int(_core.stream_stats(KIND)["command_buffers"])


def test_work_is_handed_over_by_count() -> None:
    bm.device(KIND).synchronize()
    before = command_buffers()
    arrays = [bm.ones(10) for _ in range(100)]
    assert command_buffers() == before + 2  # after 40 and 80
    bm.device(KIND).synchronize()
    assert command_buffers() == before + 3
    del arrays


def test_work_is_handed_over_after_large_operands() -> None:
    bm.device(KIND).synchronize()
    before = command_buffers()
    a = bm.ones((100 << 20,), "uint8")
    assert command_buffers() == before
    b = bm.ones((30 << 20,), "uint8")
    assert command_buffers() == before + 1  # 130 MiB
    del a, b


def test_await() -> None:
    async def work() -> float:
        with bm.batch() as job:
            a = bm.ones(10)
        await job
        return float(a[3].item())

    assert asyncio.run(work()) == 1


def test_pool_is_reused_and_bounded() -> None:
    bm.memory.trim(device=KIND)
    first = bm.memory.stats(KIND)
    for _ in range(10):
        bm.ones((1000,)).wait()
    stats = bm.memory.stats(KIND)
    assert stats["misses"] == first["misses"] + 1
    assert stats["hits"] == first["hits"] + 9


def test_temporaries_are_the_gpus_alone() -> None:
    assert bm.memory.stats(KIND)["private_bytes"] == 0
    w = bm.ternary.quantize(np.eye(64, dtype=np.float32), per_row=True)
    np.asarray(bm.bitlinear(np.ones((2, 64), np.float32), w))
    assert bm.memory.stats(KIND)["private_bytes"] > 0
    _core.memory_pressure(True)
    assert bm.memory.stats(KIND)["private_bytes"] == 0
    np.asarray(bm.bitlinear(np.ones((2, 64), np.float32), w))  # made again


def test_memory_is_resident_while_it_is_there() -> None:
    before = _core.stream_stats(KIND)["resident_bytes"]
    a = bm.ones((1 << 18,))
    assert _core.stream_stats(KIND)["resident_bytes"] == before + (1 << 20)
    host = np.ones(1 << 18, np.float32)
    wrapped = bm.asarray(host)
    assert _core.stream_stats(KIND)["resident_bytes"] >= before + (2 << 20)
    del a, wrapped
    settle()
    assert _core.stream_stats(KIND)["resident_bytes"] == before


def test_capabilities() -> None:
    found = bm.device(KIND).capabilities
    assert {"apple7", "metal3"} <= set(found["families"])
    assert "apple8" not in found["families"]
    assert found["simd_width"] == 32
    assert found["simdgroup_matrix"] is True
    assert found["bfloat16"] is True
    assert found["tensors"] is False  # softmetal has no such method
    assert found["residency_sets"] is True
    assert found["max_threadgroup_bytes"] == 32768
    assert found["max_threads_per_threadgroup"] == 1024
    assert found["max_buffer_bytes"] > 0
    assert found["working_set_bytes"] > 0


def test_a_dead_arrays_memory_waits_for_its_work() -> None:
    """The pool may give away memory that work under way still reads: the host then waits."""
    a = bm.ones((64, 64))
    b = a @ a
    del a
    c = bm.ternary.from_codes(np.zeros((16, 64), np.int8), np.float32(1))  # written by the host
    np.testing.assert_array_equal(b, np.full((64, 64), 64))
    np.testing.assert_array_equal(c.codes(), np.zeros((16, 64)))


SMALL = [
    ("sum", lambda x: bm.sum(x, axis=1)),
    ("columns", lambda x: bm.max(x, axis=0)),
    ("all", lambda x: bm.argmax(x)),
    ("softmax", bm.softmax),
    ("rms_norm", bm.rms_norm),
    ("matmul", lambda x: x @ x.T),
    ("matvec", lambda x: x[:3] @ x.T),
    ("columns-matvec", lambda x: x[:3, :9] @ x[:9]),
    ("strided-copy", lambda x: x[::-1, ::2].copy()),
    ("astype", lambda x: x.T.astype("bfloat16")),
    ("quantize", lambda x: bm.ternary.quantize(x).codes()),
    ("quantize-rows", lambda x: bm.ternary.quantize(x, per_row=True).dequantize()),
    ("ternary-matvec", lambda x: bm.ternary.matmul(x[:5], bm.ternary.quantize(x))),
    ("ternary-matmul", lambda x: bm.ternary.matmul(x, bm.ternary.quantize(x, group_size=32))),
    ("bitlinear", lambda x: bm.bitlinear(x[:2], bm.ternary.quantize(x), norm_weight=x[0])),
    ("bitlinear-matmul", lambda x: bm.bitlinear(x, bm.ternary.quantize(x))),
]


@pytest.mark.parametrize(("name", "run"), SMALL, ids=[name for name, _ in SMALL])
def test_kernels_under_the_checker(name: str, run: object) -> None:
    x = np.random.default_rng(0).standard_normal((19, 37)).astype(np.float32)
    a = bm.asarray(x)
    with softmetal.checking():
        np.asarray(run(a))  # type: ignore[operator]
    assert softmetal.take_reports() == []


@pytest.mark.parametrize(("name", "run"), SMALL, ids=[name for name, _ in SMALL])
def test_kernels_in_any_order(name: str, run: object) -> None:
    x = np.random.default_rng(0).standard_normal((19, 37)).astype(np.float32)
    results = []
    for order, seed in (("forward", 0), ("reverse", 0), ("shuffled", 1), ("shuffled", 2)):
        with softmetal.order(order, seed):  # type: ignore[arg-type]
            results.append(np.asarray(run(bm.asarray(x))).tobytes())  # type: ignore[operator]
    assert len(set(results)) == 1
