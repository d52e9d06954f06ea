"""Element-wise kernels under the checker: every place once, in and out of step with memory."""

import struct
from collections.abc import Iterator

import numpy as np
import pytest
from kernels import ceil_div, random, run, set_options, take_reports

FLAT, HAS_A, HAS_B = 1 << 15, 1 << 16, 1 << 17


@pytest.fixture(autouse=True)
def checked() -> Iterator[None]:
    set_options("shuffled", check=True)
    take_reports()
    yield
    set_options()
    assert take_reports() == ""


def params(out: np.ndarray, *inputs: np.ndarray) -> bytes:
    arrays = [out, *inputs]
    strides = np.zeros((13, 16), np.int64)
    for k, a in enumerate(arrays):
        strides[k, : out.ndim] = [stride // a.itemsize for stride in a.strides]
    shape = list(out.shape) + [0] * (16 - out.ndim)
    head = struct.pack("<17Q13q", out.size, *shape, *[0] * 13)
    return head + strides.tobytes() + struct.pack("<II", out.ndim, 0)


@pytest.mark.parametrize("size", [1, 4, 1023])
@pytest.mark.parametrize("bits", [8, 32])
def test_where_flat(bits: int, size: int) -> None:
    kind = {8: np.uint8, 32: np.uint32}[bits]
    condition = random((size,), "bool").view(np.uint8)
    a, b = (np.arange(size).astype(kind) * k for k in (3, 5))
    out = np.full(size, 77, kind)
    buffers = [condition, a, b, out, params(out, condition, a, b), bytes(24)]
    constants = FLAT | HAS_A | HAS_B
    groups = (ceil_div(size, 256 * 4),)
    run(
        "elementwise.metal",
        f"elementwise_where_{bits}",
        buffers,
        groups=groups,
        constants=constants,
    )
    np.testing.assert_array_equal(out, np.where(condition, a, b))


def test_where_strided() -> None:
    a = random((7, 5, 3), "f32").view(np.uint32)
    condition = np.broadcast_to(np.array([1, 0, 2], np.uint8), a.shape)
    out = np.zeros((3, 5, 7), np.uint32).transpose(2, 1, 0)
    p = params(out, condition, a, a)
    buffers = [np.array([1, 0, 2], np.uint8), a, a, out.T, p, struct.pack("<3Q", 0, 0, 9)]
    run("elementwise.metal", "elementwise_where_32", buffers, groups=(1,), constants=HAS_A)
    np.testing.assert_array_equal(out, np.where(condition, a, 9))
