"""Layouts of other systems, each against that system's own implementation."""

from __future__ import annotations

from typing import Any

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bitmetal as bm
from table import random

QUANTS = {"TQ1_0": gguf.GGMLQuantizationType.TQ1_0, "TQ2_0": gguf.GGMLQuantizationType.TQ2_0}
FORMATS = list(QUANTS)


def codes_of(shape: tuple[int, int], seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(-1, 2, shape).astype(np.int8)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("shape", [(1, 256), (5, 512), (16, 2560)])
def test_to_gguf_is_what_gguf_writes(shape: tuple[int, int], name: str) -> None:
    w = bm.ternary.quantize(random(shape, "float32"))
    np.testing.assert_array_equal(
        w.to_gguf(name), gguf.quantize(np.asarray(w.dequantize()), QUANTS[name])
    )


@pytest.mark.parametrize("name", FORMATS)
def test_block_of_zeros(name: str) -> None:
    codes = codes_of((3, 512))
    codes[1, 256:] = 0
    w = bm.ternary.from_codes(codes, np.float32(0.25))
    np.testing.assert_array_equal(
        w.to_gguf(name), gguf.quantize(np.asarray(w.dequantize()), QUANTS[name])
    )


@pytest.mark.parametrize("name", FORMATS)
def test_from_gguf_is_what_gguf_reads(name: str) -> None:
    raw = gguf.quantize(
        random((7, 768), "float32") ** 3, QUANTS[name]
    )  # a scale of its own each block
    w = bm.ternary.from_gguf(raw, name, (7, 768))
    np.testing.assert_array_equal(w.dequantize(), gguf.dequantize(raw, QUANTS[name]))
    np.testing.assert_array_equal(w.to_gguf(name), raw)
    assert w.group_size == 256


@settings(max_examples=50)
@given(
    rows=st.integers(0, 5),
    blocks=st.integers(0, 4),
    seed=st.integers(0, 1000),
    name=st.sampled_from(FORMATS),
)
def test_gguf_round_trip(rows: int, blocks: int, seed: int, name: str) -> None:
    w = bm.ternary.from_codes(codes_of((rows, 256 * blocks), seed), np.float32(0.5))
    back = bm.ternary.from_gguf(w.to_gguf(name), name, (rows, 256 * blocks))
    np.testing.assert_array_equal(back.codes(), w.codes())


def test_bad_gguf() -> None:
    raw = np.asarray(bm.ternary.from_codes(codes_of((2, 512)), np.float32(1)).to_gguf("TQ2_0"))
    for damaged in (raw[:, :-1], raw[:1], raw.reshape(-1)[:-1]):
        with pytest.raises(
            ValueError,
            match=r"from_gguf: raw has \d+ bytes, a 2 x 512 TQ2_0 matrix has 2 x 2 blocks",
        ):
            bm.ternary.from_gguf(damaged, "TQ2_0", (2, 512))
    with pytest.raises(ValueError, match=r"300 columns, expected a multiple of 256"):
        bm.ternary.from_gguf(raw, "TQ2_0", (2, 300))
    with pytest.raises(ValueError, match=r"format is 'Q4_0', expected 'TQ1_0' or 'TQ2_0'"):
        bm.ternary.from_gguf(raw, "Q4_0", (2, 512))
    with pytest.raises(TypeError, match=r"raw is int8, expected uint8"):
        bm.ternary.from_gguf(raw.view(np.int8), "TQ2_0", (2, 512))
    with pytest.raises(ValueError, match=r"shape is .* expected sizes of 0 or more"):
        bm.ternary.from_gguf(raw, "TQ2_0", (-2, 512))
    wrong = raw.copy()
    wrong[1, 70] |= 0b1100
    with pytest.raises(ValueError, match=r"code 3 in block 1 of row 1"):
        bm.ternary.from_gguf(wrong, "TQ2_0", (2, 512))
    wrong = raw.copy()
    wrong[0, 64:66] = [0, 0x7E]  # a float16 NaN
    with pytest.raises(ValueError, match=r"scale holds NaN"):
        bm.ternary.from_gguf(wrong, "TQ2_0", (2, 512))
    with pytest.raises(ValueError, match=r"8 columns, expected a multiple of 256"):
        bm.ternary.from_codes(codes_of((2, 8)), np.float32(1)).to_gguf("TQ2_0")
    with pytest.raises(
        ValueError, match=r"a scale for each 64 columns, the format has one for each 256"
    ):
        bm.ternary.quantize(random((2, 256), "float32"), 64).to_gguf("TQ2_0")
    with pytest.raises(ValueError, match=r"scale 100000 is too large for float16"):
        bm.ternary.from_codes(np.ones((2, 256), np.int8), np.float32(1e5)).to_gguf("TQ1_0")


def packed_by_formula(codes: Any) -> Any:
    """The layout as its table states it: row i in bits 2 * (i // R) of byte row i % R."""
    rows, columns = codes.shape
    height = -(-rows // 4)
    packed = np.zeros((height, columns), np.uint8)
    for i in range(rows):
        packed[i % height] |= (codes[i] + 1).astype(np.uint8) << 2 * (i // height)
    return packed


@settings(max_examples=60)
@given(rows=st.integers(0, 40), columns=st.integers(0, 50), seed=st.integers(0, 1000))
def test_hf_round_trip(rows: int, columns: int, seed: int) -> None:
    codes = codes_of((rows, columns), seed)
    w = bm.ternary.from_codes(codes, np.float32(0.75))
    np.testing.assert_array_equal(w.to_hf(), packed_by_formula(codes))
    back = bm.ternary.from_hf(w.to_hf(), w.scale, (rows, columns))
    np.testing.assert_array_equal(back.codes(), codes)
    np.testing.assert_array_equal(back.scale, w.scale)


def test_bad_hf() -> None:
    w = bm.ternary.from_codes(codes_of((8, 5)), np.float32(1))
    packed = np.asarray(w.to_hf())
    with pytest.raises(ValueError, match=r"packed has shape \(1, 5\), expected \(2, 5\)"):
        bm.ternary.from_hf(packed[:1], 1.0, (8, 5))
    with pytest.raises(ValueError, match=r"packed has shape \(2, 5\), expected \(2, 6\)"):
        bm.ternary.from_hf(packed, 1.0, (8, 6))
    with pytest.raises(ValueError, match=r"scale has shape \(2,\), expected one element"):
        bm.ternary.from_hf(packed, np.ones(2, np.float32), (8, 5))
    with pytest.raises(TypeError, match=r"packed is int8"):
        bm.ternary.from_hf(packed.view(np.int8), 1.0, (8, 5))
    with pytest.raises(ValueError, match=r"scale is 0"):
        bm.ternary.from_hf(packed, 0.0, (8, 5), inverse_scale=True)
    with pytest.raises(ValueError, match=r"shape is .* expected 2 dimensions"):
        bm.ternary.from_hf(packed, 1.0, (8, 5, 1))
    with pytest.raises(ValueError, match=r"from_hf: packed holds the code 3 at row \d, column \d"):
        bm.ternary.from_hf(np.full((2, 5), 255, np.uint8), 1.0, (8, 5))
    with pytest.raises(ValueError, match=r"the matrix has one scale a row"):
        bm.ternary.quantize(random((8, 5), "float32"), per_row=True).to_hf()


class TestTransformers:
    """`transformers.integrations.bitnet` itself: packing, and the outputs of its two layers."""

    @pytest.fixture(autouse=True)
    def _modules(self) -> None:
        self.torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
        self.bitnet = pytest.importorskip(
            "transformers.integrations.bitnet", reason="the extra 'hf' is not installed"
        )

    @pytest.mark.parametrize("shape", [(4, 5), (64, 96), (7, 10), (10, 256)])
    def test_packing(self, shape: tuple[int, int]) -> None:
        codes = codes_of(shape)
        w = bm.ternary.from_codes(codes, np.float32(1))
        theirs = self.bitnet.pack_weights(self.torch.from_numpy(codes.astype(np.float32)))
        np.testing.assert_array_equal(w.to_hf(), theirs.numpy())
        unpacked = self.bitnet.unpack_weights(
            self.torch.from_numpy(np.array(w.to_hf())), self.torch.float32
        )
        np.testing.assert_array_equal(
            unpacked.numpy()[: shape[0]], codes
        )  # they return padding rows too

    @pytest.mark.parametrize("norm", [False, True])
    def test_bitlinear_divides(self, norm: bool) -> None:
        torch = self.torch
        codes, x = codes_of((64, 96)), random((5, 96), "float32", 1)
        layer = self.bitnet.BitLinear(96, 64, bias=True, dtype=torch.float32, use_rms_norm=norm)
        w = bm.ternary.from_codes(codes, np.float32(0.125))
        bias = random((64,), "float32", 2)
        layer.weight = torch.from_numpy(np.array(w.to_hf()))
        layer.weight_scale = torch.tensor([8.0])
        layer.bias = torch.from_numpy(bias)
        with torch.no_grad():
            theirs = layer(torch.from_numpy(x)).numpy()
        loaded = bm.ternary.from_hf(w.to_hf(), np.float32(8), (64, 96), inverse_scale=True)
        weight = np.ones(96, np.float32) if norm else None
        eps = layer.rms_norm.variance_epsilon if norm else 0.0
        np.testing.assert_allclose(
            bm.bitlinear(x, loaded, bias, weight, eps), theirs, rtol=2e-5, atol=2e-5
        )

    def test_autobitlinear_multiplies(self) -> None:
        torch = self.torch
        codes, x = codes_of((64, 96)), random((5, 96), "float32", 1)
        layer = self.bitnet.AutoBitLinear(96, 64, bias=False, online_quant=False)
        layer.weight.data = torch.from_numpy(codes.astype(np.float32))
        layer.weight_scale = torch.tensor([0.125])
        with torch.no_grad():
            theirs = layer(torch.from_numpy(x)).numpy()
        w = bm.ternary.from_codes(codes, np.float32(0.125))
        loaded = bm.ternary.from_hf(w.to_hf(), np.float32(0.125), (64, 96))
        np.testing.assert_allclose(bm.bitlinear(x, loaded), theirs, rtol=2e-5, atol=2e-5)

    def test_online_weight_quantization(self) -> None:
        """Their quantizer of float weights gives our codes and scale."""
        torch = self.torch
        weight = random((32, 48), "float32")
        theirs = self.bitnet.WeightQuant.apply(torch.from_numpy(weight)).numpy()
        np.testing.assert_allclose(bm.ternary.quantize(weight).dequantize(), theirs, rtol=1e-6)
