"""PyTorch layers and operators."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import bitmetal as bm

torch = pytest.importorskip("torch")
bt = pytest.importorskip("bitmetal.torch")
_tensors = pytest.importorskip("bitmetal._tensors")

FORMATS: dict[str, dict[str, Any]] = {
    "nf4": {},
    "fp4": {"block_size": 32},
    "int8": {"double_quant": True},
    "mxfp4": {},
    "nvfp4": {},
    "affine": {"bits": 3, "block_size": 32},
}
TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}


def values(*shape: int, dtype: Any = torch.float32, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def linear(columns: int = 64, rows: int = 48, bias: bool = True) -> Any:
    torch.manual_seed(0)
    return torch.nn.Linear(columns, rows, bias)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("batch", [(), (1,), (3, 5), (0,)])
def test_ternary_linear_is_bitlinear(batch: tuple[int, ...], dtype: Any) -> None:
    dense = linear()
    x = values(*batch, 64, dtype=dtype)
    expected = bm.bitlinear(
        bm.from_dlpack(x),
        bm.ternary.quantize(dense.weight.detach()),
        bm.from_dlpack(dense.bias.detach().to(dtype)),
    )
    layer = bt.TernaryLinear.from_linear(dense)
    for packed in (False, True):
        y = (layer.pack() if packed else layer)(x)
        assert y.dtype == dtype
        torch.testing.assert_close(y.detach(), torch.from_dlpack(expected), rtol=0, atol=0)
    assert layer.weight is None


def test_ternary_training_is_straight_through() -> None:
    dense = linear()
    layer = bt.TernaryLinear.from_linear(dense)
    x = values(6, 64).requires_grad_()
    layer(x).square().sum().backward()

    weight = torch.from_dlpack(bm.ternary.quantize(dense.weight.detach()).dequantize())
    largest = x.detach().abs().amax(-1, keepdim=True)
    rounded = (x.detach() * 127 / largest).round() * largest / 127
    gradient = 2 * torch.nn.functional.linear(rounded, weight, dense.bias.detach())
    torch.testing.assert_close(x.grad, gradient @ weight, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(layer.weight.grad, gradient.T @ rounded, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(layer.bias.grad, gradient.sum(0), rtol=1e-4, atol=1e-4)


def test_ternary_linear_learns() -> None:
    torch.manual_seed(1)
    x = values(128, 16)
    goal = (x @ values(16, 4, seed=2)).argmax(-1)
    model = torch.nn.Sequential(bt.TernaryLinear(16, 64), torch.nn.ReLU(), bt.TernaryLinear(64, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), goal).backward()
        optimizer.step()
    assert float((model(x).argmax(-1) == goal).float().mean()) > 0.9


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", FORMATS)
def test_blockwise_linear(name: str, dtype: Any) -> None:
    dense = linear()
    layer = bt.BlockwiseLinear.from_linear(dense, name, **FORMATS[name])
    weight = bm.blockwise.quantize(dense.weight.detach(), name, **FORMATS[name])
    torch.testing.assert_close(
        layer.dequantize(), torch.from_dlpack(weight.dequantize(np.float32)), rtol=1e-6, atol=1e-7
    )
    x = values(3, 5, 64, dtype=dtype).requires_grad_()
    y = layer(x)
    exact = torch.nn.functional.linear(x.double(), layer.dequantize().double(), dense.bias.double())
    torch.testing.assert_close(y.double(), exact, rtol=TOLERANCE[dtype], atol=10 * TOLERANCE[dtype])
    y.sum().backward()
    torch.testing.assert_close(
        x.grad[0, 0], layer.dequantize(dtype).sum(0), rtol=0.05, atol=10 * TOLERANCE[dtype]
    )
    torch.testing.assert_close(layer.bias.grad, torch.full((48,), 15.0))


def test_any_book_and_any_quantized_absmax() -> None:
    dense = linear().weight.detach()
    book = np.linspace(-1, 1, 256, dtype=np.float32)
    by_book = bm.blockwise.quantize(dense, "int8", 32, code=book)
    nf4 = bm.blockwise.quantize(dense, "nf4", 32)
    absmax = bm.blockwise.quantize(nf4.absmax, "int8", 64, code=book)
    nested = bm.blockwise.BlockwiseArray.from_parts(
        nf4.codes, absmax, (48, 64), "nf4", block_size=32, offset=0.5
    )
    for weight in (by_book, nested):
        layer = bt.BlockwiseLinear(weight)
        np.testing.assert_array_equal(layer.dequantize().numpy(), weight.dequantize())


@pytest.mark.parametrize("name", ["ternary", "packed", *FORMATS])
def test_state_dict_round_trip(name: str) -> None:
    def make(seed: int) -> Any:
        torch.manual_seed(seed)
        dense = torch.nn.Linear(64, 48)
        if name in FORMATS:
            return bt.BlockwiseLinear.from_linear(dense, name, **FORMATS[name])
        layer = bt.TernaryLinear.from_linear(dense)
        return layer.pack() if name == "packed" else layer

    first, second = make(0), make(1)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    x = values(4, 64)
    torch.testing.assert_close(first(x), second(x), rtol=0, atol=0)
    if name == "packed":  # into a layer that was not packed yet
        third = bt.TernaryLinear(64, 48)
        third.load_state_dict(first.state_dict())
        torch.testing.assert_close(first(x), third(x), rtol=0, atol=0)


def test_operators_pass_opcheck() -> None:
    x, weight = values(3, 64).requires_grad_(), values(48, 64).requires_grad_()
    bias = values(48).requires_grad_()
    torch.library.opcheck(torch.ops.bitmetal.ternary_fake_quantize, (weight.detach(),))
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(torch.ops.bitmetal.ternary_training, (x, weight, bias), test_utils=tests)
    packed = bt.TernaryLinear.from_linear(linear()).pack()
    torch.library.opcheck(
        torch.ops.bitmetal.bitlinear,
        (x.detach(), packed.codes, packed.scales, None, [48, 64], 0),
    )
    layer = bt.BlockwiseLinear.from_linear(linear(), "nf4")
    parts = (layer.codes, layer.scales, None, None, None)
    layout = ([48, 64], "nf4", 64, 4, 0.0)
    torch.library.opcheck(
        torch.ops.bitmetal.blockwise_linear, (x, bias, *parts, *layout), test_utils=tests
    )
    torch.library.opcheck(torch.ops.bitmetal.blockwise_dequantize, (*parts, *layout, torch.float16))


def test_compiles_without_graph_breaks() -> None:
    model = torch.nn.Sequential(
        bt.TernaryLinear(64, 48),
        bt.TernaryLinear.from_linear(linear(48, 32)).pack(),
        bt.BlockwiseLinear.from_linear(linear(32, 16), "int8", double_quant=True),
    )
    explained = torch._dynamo.explain(model)(values(4, 64))
    assert (explained.graph_count, explained.graph_break_count) == (1, 0)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    x = values(4, 64).requires_grad_()
    expected, got = model(x), compiled(x)
    torch.testing.assert_close(got, expected, rtol=0, atol=0)
    got.sum().backward()
    assert x.grad is not None


def test_linears_are_replaced_in_place() -> None:
    def make() -> Any:
        torch.manual_seed(0)
        inner = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU())
        parts = {"inner": inner, "out": torch.nn.Linear(64, 32), "lm_head": torch.nn.Linear(32, 8)}
        return torch.nn.ModuleDict(parts)

    for name, kind in (("nf4", bt.BlockwiseLinear), ("ternary", bt.TernaryLinear)):
        model = make()
        assert bt.quantize_linears(model, name) == ["inner.0", "out"]
        assert type(model["inner"][0]) is type(model["out"]) is kind
        assert type(model["lm_head"]) is torch.nn.Linear


@pytest.mark.parametrize("bias", [False, True])
def test_hugging_face_layers_are_replaced(bias: bool) -> None:
    bitnet = pytest.importorskip("transformers.integrations.bitnet")
    theirs = bitnet.BitLinear(64, 48, bias, dtype=torch.float32)
    codes = np.random.default_rng(0).integers(-1, 2, (48, 64)).astype(np.int8)
    theirs.weight.copy_(bitnet.pack_weights(torch.from_numpy(codes).float()))
    theirs.weight_scale.fill_(4.0)
    if bias:
        theirs.bias.copy_(values(48))
    model = torch.nn.Sequential(theirs)
    x = values(5, 64)
    expected = model(x)
    assert bt.replace_bitlinears(model) == ["0"]
    assert type(model[0]) is bt.TernaryLinear
    torch.testing.assert_close(model(x).detach(), expected, rtol=1e-5, atol=1e-5)


BAD = [
    (lambda: bt.BlockwiseLinear(bm.blockwise.quantize(np.ones(64, np.float32))), "2 dimensions"),
    (lambda: bt.TernaryLinear.from_linear(linear())(values(3, 63)), "has 64 inputs"),
    (lambda: bt.quantize_linears(torch.nn.Sequential(linear()), "nf5"), "nf5"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_tensor_elsewhere_is_refused() -> None:
    with pytest.raises(bm.DeviceError, match="tensor is on meta, expected cpu or mps"):
        _tensors.to_array(torch.empty(3, device="meta"))
