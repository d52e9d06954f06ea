"""Memory that passes between libraries as MTL::Buffer objects, softmetal's in place of Apple's.

PyTorch makes no mps tensor on Linux. So a double stands where PyTorch's tensor would, which hands
over one of softmetal's buffers as PyTorch hands over Metal's; behind it everything is real.
"""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import bitmetal as bm
from bitmetal import softmetal

pytestmark = pytest.mark.skipif(not softmetal.available(), reason="this build has no softmetal")

METAL = (8, 0)
X = np.arange(24, dtype=np.float32).reshape(4, 6)


class MetalTensor:
    """What `torch.Tensor` is to DLPack on a Mac."""

    def __init__(self, array: bm.Array) -> None:
        self.array = array
        self.device = SimpleNamespace(type="mps")

    def detach(self) -> MetalTensor:
        return self

    def __dlpack__(self, *, max_version: tuple[int, int] | None = None) -> Any:
        return self.array.__dlpack__(max_version=max_version, dl_device=METAL)


class FromCapsule:
    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule


@pytest.mark.parametrize("versioned", [False, True])
def test_a_buffer_comes_and_goes_without_a_copy(versioned: bool) -> None:
    own = bm.asarray(X, device="softmetal", copy=True)
    version = (1, 0) if versioned else None
    capsule = own[1:, ::2].__dlpack__(max_version=version, dl_device=METAL)
    other = bm.from_dlpack(FromCapsule(capsule))
    assert other.device.kind == "softmetal"
    np.testing.assert_array_equal(other, X[1:, ::2])
    other += 100
    other.wait()
    np.testing.assert_array_equal(own[1:, ::2], X[1:, ::2] + 100)
    np.testing.assert_array_equal(own[0], X[0])
    del own
    np.testing.assert_array_equal(other, X[1:, ::2] + 100)


def test_work_under_way_on_a_buffer_is_waited_for() -> None:
    softmetal.delay_completion(0.05)
    try:
        own = bm.ones((100,), device="softmetal") * 3
        other = bm.from_dlpack(MetalTensor(own))
        np.testing.assert_array_equal(other, np.full(100, 3))
    finally:
        softmetal.delay_completion(0)


def test_the_host_still_gets_the_hosts_memory() -> None:
    own = bm.asarray(X, device="softmetal")
    assert own.__dlpack_device__() == (1, 0)
    np.testing.assert_array_equal(np.from_dlpack(own), X)


def test_what_is_no_buffer_is_refused() -> None:
    with pytest.raises(BufferError, match="the array is on DLPack device"):
        bm.asarray(X, device="cpu").__dlpack__(dl_device=METAL)


@pytest.mark.parametrize("offset", [8, 2**40, 2**63 + 8])
def test_a_view_over_the_end_is_refused(offset: int) -> None:
    whole = bm.zeros((4096,), device="softmetal")
    capsule = whole.__dlpack__(max_version=(1, 0), dl_device=METAL)
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    byte_offset = pointer(capsule, b"dltensor_versioned") + 32 + 40  # of DLManagedTensorVersioned
    ctypes.c_uint64.from_address(byte_offset).value = offset
    with pytest.raises(ValueError, match="object reaches over its Metal buffer of"):
        bm.from_dlpack(FromCapsule(capsule))


def test_tensors_and_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from bitmetal import _tensors

    waits = []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waits.append(1))
    array = _tensors.to_array(MetalTensor(bm.asarray(X, device="softmetal")))
    assert waits == [1]
    np.testing.assert_array_equal(array, X)

    monkeypatch.setattr(torch.utils.dlpack, "from_dlpack", FromCapsule)
    back = bm.from_dlpack(_tensors.to_tensor(array * 2))
    assert back.device.kind == "softmetal"
    np.testing.assert_array_equal(back, X * 2)


@pytest.fixture(scope="module")
def kernels() -> Any:
    """What serves bitsandbytes, whose import may log a traceback: of no test that holds arrays."""
    pytest.importorskip("bitsandbytes")
    from bitmetal import _bitsandbytes_kernels

    return _bitsandbytes_kernels


def test_bitsandbytes_operators_on_mps(kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from bitmetal import bitsandbytes as backend

    kernels.register(("cpu", "mps"))
    on_mps = torch._C.DispatchKeySet(torch._C.DispatchKey.MPS)
    written: list[tuple[Any, bm.Array]] = []

    def to_array(tensor: Any) -> bm.Array:
        return bm.from_dlpack(tensor.detach()).to("softmetal")

    def to_tensor(array: bm.Array) -> Any:
        assert array.device.kind == "softmetal"
        return torch.from_dlpack(array)

    def empty(shape: tuple[int, ...], like: Any) -> tuple[Any, bm.Array]:
        array = bm.empty(shape, str(like.dtype).removeprefix("torch."), device="softmetal")
        written.append((torch.from_dlpack(array), array))
        return written[-1]

    torch.manual_seed(0)
    x, w = torch.randn(3, 64), torch.randn(32, 64)
    book = torch.linspace(-1, 1, 256)
    ops = torch.ops.bitsandbytes
    codes, absmax = ops.quantize_4bit(w, 64, "nf4", torch.uint8)
    codes8, absmax8 = ops.quantize_blockwise(w, book, 256)
    rows, row_absmax, _ = ops.int8_vectorwise_quant(x.half(), 0.0)
    columns, column_absmax, _ = ops.int8_vectorwise_quant(w.half(), 0.0)
    sums = ops.int8_linear_matmul(rows, columns)
    calls = [
        (ops.quantize_4bit, (w, 64, "nf4", torch.uint8)),
        (ops.dequantize_4bit, (codes, absmax, 64, "nf4", w.shape, torch.float16)),
        (ops.gemm_4bit, (x, codes, w.shape, absmax, 64, "nf4")),
        (ops.quantize_blockwise, (w, book, 256)),
        (ops.dequantize_blockwise, (codes8, absmax8, book, 256, torch.float32)),
        (ops.int8_vectorwise_quant, (x.half(), 0.0)),
        (ops.int8_linear_matmul, (rows, columns)),
        (ops.int8_mm_dequant, (sums, row_absmax, column_absmax)),
        (ops.int8_scaled_mm, (rows, columns, row_absmax, column_absmax)),
    ]
    expected = [op.default(*arguments) for op, arguments in calls]
    monkeypatch.setattr(kernels, "to_array", to_array)
    monkeypatch.setattr(kernels, "to_tensor", to_tensor)
    monkeypatch.setattr(kernels, "empty", empty)
    backend.calls.clear()
    for (op, arguments), wanted in zip(calls, expected, strict=True):
        found = op.default.redispatch(on_mps, *arguments)
        assert backend.calls.total() == 1
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
        backend.calls.clear()
