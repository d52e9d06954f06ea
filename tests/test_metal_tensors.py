"""Memory that passes between libraries as MTL::Buffer objects, softmetal's in place of Apple's.

PyTorch makes no mps tensor on Linux. So a double stands where PyTorch's tensor would, which hands
over one of softmetal's buffers as PyTorch hands over Metal's; behind it everything is real.
"""

from __future__ import annotations

import ctypes
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import bitmetal as bm
from bitmetal import _core, softmetal

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


@pytest.fixture(scope="module")
def staged() -> None:
    """The device keeps the buffer that its first copy of private memory goes through."""
    np.asarray(_core.softmetal_private_array(1))


@pytest.mark.usefixtures("staged")
def test_private_memory_of_another_library_is_used_in_place_and_copied_for_the_host() -> None:
    own = _core.softmetal_private_array(24)
    bm.multiply(bm.asarray(X.ravel(), device="softmetal"), 2, out=own)
    other = bm.from_dlpack(MetalTensor(own))
    assert other.device.kind == "softmetal"
    assert other.__dlpack_device__() == METAL
    np.testing.assert_array_equal(other, X.ravel() * 2)
    other += 1
    other[3:5] = np.float32([-7, -8])
    other.wait()
    expected = X.ravel() * 2 + 1
    expected[3:5] = -7, -8
    for array in (own, other):
        np.testing.assert_array_equal(array, expected)
        np.testing.assert_array_equal(array.to("cpu"), expected)
        assert array[4].item() == -8
        assert array[:5].tolist() == expected[:5].tolist()
        with pytest.raises(BufferError, match="the host cannot read"):
            memoryview(array)
    del own
    np.testing.assert_array_equal(
        bm.reshape(other, (4, 6)) @ bm.asarray(X.T, device="softmetal"),
        expected.reshape(4, 6) @ X.T,
    )


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


@pytest.fixture(scope="module")
def other_library() -> Any:
    """With a command queue of its own, which encodes copies; and the order between it and ours."""
    double = _core.SoftmetalNeighbour()
    return double, _core.QueueOrder("softmetal", *double.functions())


@pytest.fixture
def neighbour(other_library: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """PyTorch, as far as its tensors' memory and its queue go."""
    torch = pytest.importorskip("torch")
    from bitmetal import _tensors

    double, order = other_library
    monkeypatch.setattr(_tensors, "_order", lambda: order)
    monkeypatch.setattr(torch.utils.dlpack, "from_dlpack", FromCapsule)
    yield double
    double.finish()


def on_softmetal(values: Any) -> bm.Array:
    return bm.asarray(values, device="softmetal", copy=True)


def test_the_queues_wait_for_each_other_and_the_host_for_neither(neighbour: Any) -> None:
    from bitmetal import _tensors

    source, given, final = on_softmetal(X), on_softmetal(X * 0), on_softmetal(X * 0)
    neighbour.close()
    neighbour.copy(source, given)
    product = _tensors.to_array(MetalTensor(given)) * 2
    result = bm.from_dlpack(_tensors.to_tensor(product))
    neighbour.copy(result, final)
    for array in (given, final):  # nothing has run
        np.testing.assert_array_equal(array, X * 0)
    neighbour.finish()
    np.testing.assert_array_equal(final, X * 2)
    np.testing.assert_array_equal(result, X * 2)


def test_tensors_that_operators_write_to(neighbour: Any) -> None:
    """Their memory may still be read by what PyTorch did with it before it was free."""
    from bitmetal import _tensors

    memory, before, after = (on_softmetal(X + i) for i in range(3))
    neighbour.close()
    neighbour.copy(memory, before)
    target = _tensors.to_array(MetalTensor(memory))
    _tensors.hand_over(bm.multiply(target, 3, out=target))
    neighbour.copy(memory, after)
    neighbour.finish()
    np.testing.assert_array_equal(before, X)
    np.testing.assert_array_equal(after, X * 3)


def test_the_host_waits_for_the_neighbour(neighbour: Any) -> None:
    from bitmetal import _tensors

    source, given = on_softmetal(X), on_softmetal(X * 0)
    neighbour.close()
    neighbour.copy(source, given)
    array = _tensors.to_array(MetalTensor(given))
    opens = threading.Timer(0.05, neighbour.open)
    opens.start()
    np.testing.assert_array_equal(array, X)
    opens.join()


def test_a_failure_of_ours_does_not_stop_the_neighbour(neighbour: Any) -> None:
    from bitmetal import _tensors

    source, final = on_softmetal(X), on_softmetal(X * 0)
    array = _tensors.to_array(MetalTensor(source))
    bm.device("softmetal").synchronize()
    softmetal.fail_command_buffers(1)
    try:
        product = array * 2
        _tensors.to_tensor(product)
        with pytest.raises(bm.DeviceError, match="a fault was asked for"):
            product.wait()
    finally:
        softmetal.clear_faults()
    neighbour.copy(source, final)
    neighbour.finish()
    np.testing.assert_array_equal(final, X)


def test_pytorchs_functions_are_found() -> None:
    pytest.importorskip("torch")
    from bitmetal import _tensors

    addresses = _tensors._torch_functions()
    assert all(addresses)
    assert len(set(addresses)) == 3


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_device_that_shares_no_buffers_has_no_order(device: str) -> None:
    if device not in [d.kind for d in bm.devices()]:
        pytest.skip(f"no {device}")
    with pytest.raises(bm.CapabilityError, match=f"device '{device}' shares no buffers"):
        _core.QueueOrder(device, 0, 0, 0)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_function_that_is_not_there_is_refused(other_library: Any, missing: int) -> None:
    addresses = [*other_library[0].functions()]
    addresses[missing] = 0
    name = ("dispatch_queue", "command_buffer", "commit")[missing]
    with pytest.raises(ValueError, match=f"{name} is 0, expected a function's address"):
        _core.QueueOrder("softmetal", *addresses)


def test_the_neighbour_copies_arrays_of_softmetal_alone(other_library: Any) -> None:
    here, there = bm.asarray(X, device="cpu"), on_softmetal(X)
    with pytest.raises(ValueError, match="source has 96 bytes on 'cpu'"):
        other_library[0].copy(here, there)
    with pytest.raises(ValueError, match="target has 4 bytes on 'softmetal', expected 96"):
        other_library[0].copy(there, on_softmetal(X[0, 0]))


class Softly:
    """`bitmetal._tensors`, which gives tensors of the host arrays on softmetal: copies of them."""

    def __init__(self) -> None:
        self.lent: list[tuple[Any, bm.Array]] = []

    def to_array(self, tensor: Any) -> bm.Array:
        array = bm.from_dlpack(tensor.detach()).to("softmetal")
        self.lent.append((tensor, array))
        return array

    @staticmethod
    def to_tensor(array: bm.Array) -> Any:
        import torch

        assert array.device.kind == "softmetal"
        return torch.from_dlpack(array)

    @staticmethod
    def empty(shape: tuple[int, ...], like: Any) -> tuple[Any, bm.Array]:
        array = bm.empty(shape, str(like.dtype).removeprefix("torch."), device="softmetal")
        return Softly.to_tensor(array), array

    @staticmethod
    def hand_over(array: bm.Array) -> None:
        array.wait()

    def stand_in(self, monkeypatch: pytest.MonkeyPatch, *modules: Any) -> None:
        for module in modules:
            for name in ("to_array", "to_tensor", "empty", "hand_over"):
                monkeypatch.setattr(module, name, getattr(self, name), raising=False)


@pytest.fixture(scope="module")
def kernels() -> Any:
    """What serves bitsandbytes, whose import may log a traceback: of no test that holds arrays."""
    pytest.importorskip("bitsandbytes")
    from bitmetal import _bitsandbytes_kernels

    return _bitsandbytes_kernels


def test_bitsandbytes_operators_on_mps(kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the key of mps: the results, and the tensors changed in place, are those of cpu.

    With the sizes and types of the fake kernels, for mps: so `torch.library.opcheck` has it, which
    takes the key from the tensors.
    """
    torch = pytest.importorskip("torch")
    from torch._subclasses.fake_tensor import FakeTensorMode

    from bitmetal import bitsandbytes as backend
    from test_bitsandbytes import UNFIT_FAKES, operator_cases, overload_named

    kernels.register(("cpu", "mps"))
    on_mps = torch._C.DispatchKeySet(torch._C.DispatchKey.MPS)
    double = Softly()

    def of_tensors(change: Any, values: Any) -> Any:
        return torch.utils._pytree.tree_map_only(torch.Tensor, change, values)

    def tensors(values: Any) -> list[Any]:
        return [v for v in torch.utils._pytree.tree_leaves(values) if isinstance(v, torch.Tensor)]

    def on_mps_like(t: Any) -> Any:
        return torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device="mps")

    def described(tensor: Any) -> Any:
        return tensor.shape, tensor.dtype, tensor.stride()

    calls = []
    for name, here in operator_cases().items():
        there, operator = of_tensors(torch.clone, here), overload_named(name)
        with FakeTensorMode():
            given, fake = of_tensors(on_mps_like, here), None
            if name not in UNFIT_FAKES | {"int8_double_quant"}:  # whose sizes depend on values
                fake = operator(*given)
        calls.append((name, there, operator(*here), here, fake))
    double.stand_in(monkeypatch, kernels)
    for name, there, wanted, here, fake in calls:
        backend.calls.clear()
        found = overload_named(name).redispatch(on_mps, *there)
        assert backend.calls[name] == 1
        if name == "int8_linear_matmul.out":
            for tensor, array in double.lent:
                tensor.copy_(torch.from_dlpack(array))
        double.lent.clear()
        torch.testing.assert_close(
            tensors((found, there)), tensors((wanted, here)), rtol=1e-5, atol=1e-5
        )
        if fake is not None:
            assert of_tensors(described, found) == of_tensors(described, fake)
            assert of_tensors(lambda t: t.device.type, fake) == of_tensors(lambda _: "mps", fake)


def test_layers_on_softmetal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layers' own code, forwards and backwards, with softmetal's arrays in place of the cpu's.

    Their operators have a kernel for the key of mps; it is the function that runs here.
    """
    torch = pytest.importorskip("torch")
    import bitmetal.torch as bt
    from bitmetal.torch import _blockwise, _common, _models, _ternary

    names = [
        "bitlinear", "ternary_training", "ternary_dequantize", "ternary_fake_quantize",
        "blockwise_linear", "blockwise_dequantize",
    ]  # fmt: skip
    for name in names:
        assert torch._C._dispatch_has_kernel_for_dispatch_key(f"bitmetal::{name}", "MPS")

    def results(format: str, double_quant: bool, train: bool) -> list[Any]:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(64, 48), torch.nn.Linear(48, 32))
        x = torch.randn(3, 64, requires_grad=True)
        if train:
            model[0] = bt.TernaryLinear.from_linear(model[0])
        bt.quantize_linears(
            model, format, double_quant=double_quant, block_size=16 if format == "nf4" else None
        )
        y = model(x)
        (y * y).sum().backward()
        return [y.detach(), x.grad, *(p.grad for p in model.parameters() if p.grad is not None)]

    kinds = [
        ("ternary", False, False),
        ("ternary", False, True),
        ("nf4", True, False),
        ("int8", False, False),
    ]
    expected = [results(*kind) for kind in kinds]
    double = Softly()
    double.stand_in(monkeypatch, _blockwise, _common, _models, _ternary)
    for kind, wanted in zip(kinds, expected, strict=True):
        double.lent.clear()
        torch.testing.assert_close(results(*kind), wanted, rtol=1e-4, atol=1e-4)
        assert double.lent
    double.lent.clear()
