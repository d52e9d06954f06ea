"""bitsandbytes' public interface, served by bitmetal's kernels on tensors of the host."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bitmetal import bitsandbytes as backend

torch = pytest.importorskip("torch")
bnb = pytest.importorskip("bitsandbytes")
functional = pytest.importorskip("bitsandbytes.functional")

SIZES = [0, 1, 3, 63, 64, 65, 127, 4097]
FLOATS = [torch.float32, torch.float16, torch.bfloat16]
NF4 = np.loadtxt(
    """-1 -0.6961928009986877 -0.5250730514526367 -0.39491748809814453 -0.28444138169288635
    -0.18477343022823334 -0.09105003625154495 0 0.07958029955625534 0.16093020141124725
    0.24611230194568634 0.33791524171829224 0.44070982933044434 0.5626170039176941
    0.7229568362236023 1""".replace("\n", " ").splitlines(),
    np.float32,
)
FP4 = np.array([0, 0.0625, 8, 12, 4, 6, 2, 3], np.float32) / 12
FP4 = np.concatenate([FP4, -FP4])  # 8 is -0
BOOKS = {"nf4": NF4, "fp4": FP4}


@pytest.fixture(autouse=True, scope="module")
def _registered() -> None:
    """Register the kernels as the entry point of an installed bitmetal does."""
    backend.register()


@pytest.fixture(autouse=True)
def _counted() -> Iterator[None]:
    from bitmetal import _bitsandbytes_kernels

    backend.calls.clear()
    yield
    _bitsandbytes_kernels.repacked.clear()


def values(*shape: int, dtype: Any = torch.float32, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def nearest(x: np.ndarray, book: np.ndarray) -> np.ndarray:
    """Index of the nearest entry, of two equally near the one of lower value."""
    order = np.argsort(book, kind="stable")
    middle = (book[order][:-1].astype(np.float64) + book[order][1:]) / 2
    return order[np.searchsorted(middle, x.astype(np.float64), side="left")].astype(np.uint8)


def blocks_of(x: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """x / absmax of its block in float32, and absmax."""
    flat = x.float().numpy().reshape(-1)
    padded = np.zeros(-(-flat.size // size) * size, np.float32)
    padded[: flat.size] = flat
    absmax = np.abs(padded.reshape(-1, size)).max(axis=1)
    divisor = np.where(absmax == 0, np.float32(1), absmax)
    return (padded.reshape(-1, size) / divisor[:, None]).reshape(-1)[: flat.size], absmax


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("quant_type", ["nf4", "fp4"])
@pytest.mark.parametrize("n", SIZES)
def test_quantize_4bit(n: int, quant_type: str, dtype: Any) -> None:
    x = values(n, dtype=dtype)
    packed, state = functional.quantize_4bit(x, blocksize=64, quant_type=quant_type)
    relative, absmax = blocks_of(x, 64)
    codes = nearest(relative, BOOKS[quant_type])
    got = packed.numpy().reshape(-1)
    got = np.stack([got >> 4, got & 15], 1).reshape(-1)[:n]
    if quant_type == "fp4":  # two codes for zero
        got, codes = np.where(got == 8, 0, got), np.where(codes == 8, 0, codes)
    np.testing.assert_array_equal(got, codes)
    np.testing.assert_array_equal(state.absmax.numpy(), absmax)
    back = functional.dequantize_4bit(packed, state)
    expected = BOOKS[quant_type][codes] * np.repeat(absmax, 64)[:n]
    assert back.dtype == dtype
    torch.testing.assert_close(
        back.reshape(-1), torch.from_numpy(expected).to(dtype), rtol=0, atol=0
    )
    assert backend.calls == {"quantize_4bit": 1, "dequantize_4bit": 1}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("block", [64, 256, 4096])
@pytest.mark.parametrize("n", SIZES)
def test_quantize_8bit(n: int, block: int, dtype: Any) -> None:
    x = values(n, dtype=dtype)
    x[:1] = 0  # code 127: the peer's own kernel gives 131
    code = functional.create_dynamic_map()
    codes, state = functional.quantize_blockwise(x, code=code, blocksize=block)
    relative, absmax = blocks_of(x, block)
    np.testing.assert_array_equal(codes.numpy(), nearest(relative, code.numpy()))
    np.testing.assert_array_equal(state.absmax.numpy(), absmax)
    back = functional.dequantize_blockwise(codes, state)
    expected = code.numpy()[codes.numpy()] * np.repeat(absmax, block)[:n]
    torch.testing.assert_close(
        back.float(), torch.from_numpy(expected).to(dtype).float(), rtol=0, atol=0
    )
    assert backend.calls == {"quantize_blockwise": 1, "dequantize_blockwise": 1}


def test_results_go_where_they_are_asked() -> None:
    x = values(4, 64)
    packed, absmax = torch.ops.bitsandbytes.quantize_4bit(x, 64, "nf4", torch.uint8)
    code = functional.create_dynamic_map()
    codes, scales = torch.ops.bitsandbytes.quantize_blockwise(x, code, 64)
    book = torch.from_numpy(NF4)
    for name, arguments in {
        "dequantize_4bit": (packed, absmax, 64, "nf4", [4, 64], torch.float32),
        "dequantize_blockwise": (codes, scales, code, 64, torch.float32),
        "gemv_4bit": (x[:1], packed, [4, 64], absmax, book, 64),
    }.items():
        operator = getattr(torch.ops.bitsandbytes, name)
        expected = operator.default(*arguments)
        out = torch.full_like(expected, torch.nan)
        operator.out(*arguments, out=out)
        torch.testing.assert_close(out, expected, rtol=0, atol=0)
        assert backend.calls[f"{name}.out"] == 1


def test_shapes_that_the_peer_gets_wrong() -> None:
    x = values(8, 80)
    packed, state = functional.quantize_4bit(x, blocksize=64, quant_type="nf4")
    relative, absmax = blocks_of(x, 64)
    expected = (NF4[nearest(relative, NF4)] * np.repeat(absmax, 64)).reshape(8, 80)
    np.testing.assert_array_equal(functional.dequantize_4bit(packed, state).numpy(), expected)
    packed, state = functional.quantize_4bit(x[0], blocksize=64, quant_type="nf4")
    assert functional.dequantize_4bit(packed, state).shape == (80,)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("quant_type", ["nf4", "fp4"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("batch", [(1,), (3, 5), ()])
def test_linear4bit(batch: tuple[int, ...], dtype: Any, quant_type: str, nested: bool) -> None:
    layer = bnb.nn.Linear4bit(
        128, 96, compute_dtype=dtype, quant_type=quant_type, compress_statistics=nested
    )
    weight = values(96, 128, seed=1)
    layer.load_state_dict({"weight": weight, "bias": values(96, seed=2)})
    layer = layer.to("cpu").train()  # train: eval repacks where the processor has AVX512-BF16
    x = values(*batch, 128, dtype=dtype, seed=3)
    with torch.no_grad():
        y = layer(x)
    assert backend.calls["gemm_4bit"] == 1
    dense = functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state).double()
    expected = torch.nn.functional.linear(x.double(), dense, layer.bias.double())
    assert y.shape == (*batch, 96)
    tolerance = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}[dtype]
    torch.testing.assert_close(y.double(), expected, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("quant_type", ["nf4", "fp4"])
def test_repacked_weights(quant_type: str) -> None:
    """The layout of `Linear4bit.eval()`, made by bitsandbytes itself."""
    weight = values(96, 128, dtype=torch.bfloat16)
    packed, state = functional.quantize_4bit(weight, blocksize=64, quant_type=quant_type)
    dense = functional.dequantize_4bit(packed, state).float()
    repacked, state = functional._convert_weight_packed_for_cpu(packed, state)
    x = values(7, 128, dtype=torch.bfloat16, seed=1)
    for _ in range(2):  # the second time from what was kept
        y = functional.gemv_4bit(x, repacked, state=state)
        expected = x.double() @ dense.double().T
        torch.testing.assert_close(y.double(), expected, rtol=2e-2, atol=0.2)
    assert backend.calls["gemv_4bit"] == 2


def test_quant_state_round_trip() -> None:
    x = values(32, 64)
    packed, state = functional.quantize_4bit(x, quant_type="nf4", compress_statistics=True)
    saved = state.as_dict(packed=True)
    loaded = functional.QuantState.from_dict(saved, torch.device("cpu"))
    ours = functional.dequantize_4bit(packed, state)
    torch.testing.assert_close(functional.dequantize_4bit(packed, loaded), ours, rtol=0, atol=0)


@pytest.mark.parametrize("columns", [64, 1025])
def test_int8_product_is_exact(columns: int) -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(-128, 128, (5, columns), dtype=np.int8)
    b = np.full((7, columns), -128, np.int8)
    expected = a.astype(np.int32) @ b.astype(np.int32).T
    got = functional.int8_linear_matmul(torch.from_numpy(a), torch.from_numpy(b))
    np.testing.assert_array_equal(got.numpy(), expected)
    out = torch.empty(5, 7, dtype=torch.int32)
    functional.int8_linear_matmul(torch.from_numpy(a), torch.from_numpy(b), out=out)
    np.testing.assert_array_equal(out.numpy(), expected)
    assert sum(backend.calls.values()) == 2


@pytest.mark.parametrize("threshold", [0.0, 3.0])
def test_int8_rows(threshold: float) -> None:
    x = values(6, 40, dtype=torch.float16)
    x[2, 5] = 7
    codes, absmax, outliers = functional.int8_vectorwise_quant(x, threshold=threshold)
    kept = x.float().numpy().copy()
    columns = np.flatnonzero((np.abs(kept) >= threshold).any(0)) if threshold else []
    if threshold:
        kept[np.abs(kept) >= threshold] = 0
        np.testing.assert_array_equal(outliers.numpy(), columns)
    else:
        assert outliers is None
    np.testing.assert_array_equal(absmax.numpy(), np.abs(kept).max(1))
    expected = np.rint(kept * (np.float32(127) / np.abs(kept).max(1, keepdims=True)))
    expected[:, columns] = 0
    np.testing.assert_array_equal(codes.numpy(), expected.astype(np.int8))
    by_row, by_column, _, column_absmax, _ = functional.int8_double_quant(x, threshold=threshold)
    np.testing.assert_array_equal(by_row.numpy(), codes.numpy())
    np.testing.assert_array_equal(column_absmax.numpy(), np.abs(kept).max(0))
    assert by_column.shape == x.shape


@pytest.mark.parametrize("threshold", [0.0, 6.0])
def test_linear8bit(threshold: float) -> None:
    layer = bnb.nn.Linear8bitLt(64, 48, has_fp16_weights=False, threshold=threshold)
    layer.load_state_dict({"weight": values(48, 64, seed=1), "bias": values(48, seed=2)})
    layer = layer.to("cpu").eval()
    x = values(9, 64, dtype=torch.float16, seed=3)
    x[1, 7] = 9
    with torch.no_grad():
        y = layer(x)
    exact = x.double() @ values(48, 64, seed=1).double().T + values(48, seed=2).double()
    assert float((y.double() - exact).norm() / exact.norm()) < 0.02
    assert any("scaled_mm" in name or "linear_matmul" in name for name in backend.calls)


OPTIMIZERS = {
    "Adam": {},
    "AdamW": {"weight_decay": 0.1},
    "AdEMAMix": {},
    "Lion": {"weight_decay": 0.1},
    "SGD": {"momentum": 0.9, "lr": 0.01},
    "RMSprop": {"lr": 0.001},
    "Adagrad": {"lr": 0.01},
    "LARS": {"momentum": 0.9, "lr": 0.01},
    "LAMB": {},
}


@pytest.mark.parametrize("bits", [32, 8])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_reduce_a_loss(name: str, bits: int) -> None:
    make = getattr(bnb.optim, name + ("8bit" if bits == 8 else ""), None)
    if make is None:
        pytest.skip(f"bitsandbytes has no {name}8bit")
    parameter = torch.nn.Parameter(values(64, 80))
    goal = values(64, 80, seed=1)
    options = {"lr": 0.01, "min_8bit_size": 1} | OPTIMIZERS[name]
    optimizer = make([parameter], **options)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = ((parameter - goal) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    served = "optimizer_update_8bit_blockwise" if bits == 8 else "optimizer_update_32bit"
    assert backend.calls[served] == 20


def test_adam_is_torchs() -> None:
    ours, theirs = (torch.nn.Parameter(values(33, 17)) for _ in range(2))
    pairs = [
        (ours, bnb.optim.AdamW([ours], lr=0.01, weight_decay=0.1)),
        (theirs, torch.optim.AdamW([theirs], lr=0.01, weight_decay=0.1)),
    ]
    for step in range(5):
        for parameter, optimizer in pairs:
            parameter.grad = values(33, 17, seed=step)
            optimizer.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def operator_cases() -> dict[str, tuple[Any, ...]]:
    """Arguments for every operator that is served; results of one serve as inputs of another."""
    ops = torch.ops.bitsandbytes
    x, code, book = values(4, 64), functional.create_dynamic_map(), torch.from_numpy(NF4)
    half = x.half()
    packed, absmax = ops.quantize_4bit(x, 64, "nf4", torch.uint8)
    codes, scales = ops.quantize_blockwise(x, code, 64)
    rows, stats, _ = ops.int8_vectorwise_quant(half)
    sums = ops.int8_linear_matmul(rows, rows)
    dense = (packed, absmax, 64, "nf4", (4, 64), torch.bfloat16)
    vector = (x[:1], packed, (4, 64), absmax, book, 64)
    state = torch.full((4, 64), 127, dtype=torch.uint8)
    steps = (0.9, 0.99, 0.0, 0.0, 1e-8)
    cases: dict[str, tuple[Any, ...]] = {
        "quantize_blockwise": (x, code, 64),
        "dequantize_blockwise": (codes, scales, code, 64, torch.float16),
        "quantize_4bit": (x, 64, "nf4", torch.uint8),
        "dequantize_4bit": dense,
        "gemm_4bit": (x, packed, (4, 64), absmax, 64, "nf4"),
        "gemv_4bit": vector,
        "int8_linear_matmul": (rows, rows),
        "int8_vectorwise_quant": (half,),
        "int8_vectorwise_dequant": (rows, stats),
        "int8_mm_dequant": (sums, stats, stats),
        "int8_scaled_mm": (rows, rows, stats, stats),
        "int8_mixed_scaled_mm": (half, rows, rows, stats, stats, torch.tensor([1, 5])),
        "int8_double_quant": (half, 2.0),
        "optimizer_update_32bit": (
            "adam", x, x + 1, x * 0, x * 0, None, 0.0, 0.0, *steps, 0.0, 1, 0.01, 1.0,
        ),
        "optimizer_update_8bit_blockwise": (
            "adam", x, x + 1, state, state.clone(), *steps, 1, 0.01, code, code,
            torch.zeros(1), torch.zeros(1), 0.0, 1.0,
        ),
    }  # fmt: skip
    for name in ("dequantize_blockwise", "dequantize_4bit", "gemv_4bit", "int8_linear_matmul"):
        result = getattr(ops, name).default(*cases[name])
        cases[f"{name}.out"] = (*cases[name], torch.empty_like(result))
    return cases


# bitsandbytes' fake kernels that opcheck does not accept: one refuses any `out`, as it compares its
# sizes with a list, and the other's result has as many columns as there are outliers.
UNFIT_FAKES = {"dequantize_4bit.out", "int8_mixed_scaled_mm"}


def overload_named(name: str) -> Any:
    """Operator, or operator.overload."""
    operator, _, overload = name.partition(".")
    return getattr(getattr(torch.ops.bitsandbytes, operator), overload or "default")


def test_every_operator_passes_opcheck() -> None:
    from bitmetal import _bitsandbytes_kernels

    cases = operator_cases()
    assert set(cases) == set(_bitsandbytes_kernels._KERNELS)
    for name, arguments in cases.items():
        backend.calls.clear()
        checks = ("test_schema",) if name in UNFIT_FAKES else ("test_schema", "test_faketensor")
        torch.library.opcheck(overload_named(name), arguments, test_utils=checks)
        assert backend.calls[name] > 0


def in_a_process(program: str, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "always", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return result.stdout + result.stderr


def test_it_can_be_switched_off() -> None:
    program = (
        "import bitmetal.bitsandbytes as b, bitsandbytes as bnb, torch; b.register();"
        "bnb.functional.quantize_4bit(torch.ones(64)); print('calls', sum(b.calls.values()))"
    )
    assert "calls 0" in in_a_process(program, BITMETAL_BITSANDBYTES="off")


def test_verbose_says_what_was_served() -> None:
    program = (
        "import bitmetal.bitsandbytes as b, bitsandbytes as bnb, torch; b.register();"
        "bnb.functional.quantize_4bit(torch.ones(64))"
    )
    said = in_a_process(program, BITMETAL_BITSANDBYTES="verbose")
    assert "bitmetal: serves quantize_blockwise" in said
    assert "bitmetal: quantize_4bit: 1 calls" in said


@pytest.mark.parametrize("wrong", ["mode", "schema"])
def test_trouble_is_one_warning_and_their_kernels_stay(wrong: str) -> None:
    program = "import bitmetal.bitsandbytes as b, bitsandbytes as bnb, torch\n"
    if wrong == "schema":
        program += "import bitmetal._bitsandbytes_kernels as k; k._KERNELS['no_such_op'] = print\n"
    program += (
        "b.calls.clear(); b.register()\n"
        "bnb.functional.quantize_4bit(torch.ones(64)); print('calls', sum(b.calls.values()))"
    )
    mode = {"BITMETAL_BITSANDBYTES": "loud"} if wrong == "mode" else {}
    said = in_a_process(program, **mode)
    # Where bitmetal is installed, its entry point has met the wrong mode before.
    assert said.count("bitmetal: bitsandbytes keeps its own kernels") in (1, 2)
