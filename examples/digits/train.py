"""Train the demo's two networks: a float one and a ternary one (BitNet b1.58), in NumPy alone.

    python examples/digits/train.py              # writes python/bitmetal/data/digits.safetensors
    python examples/digits/train.py --check      # trains again and compares the bytes
    python examples/digits/train.py --validate   # accuracy on a validation part of the training set

Both are 64-256-256-10 with an RMSNorm before each layer, ReLU between them and no biases, and are
trained alike. The ternary one is trained quantization-aware: the forward pass sees ternary weights
and int8 activations, the gradient passes through both roundings as if they were not there (the
straight-through estimator), and the optimizer moves latent weights that are thrown away in the end.

Reproducible to the bit on any machine
--------------------------------------
A matrix product or a sum may be added up in any order: the order differs between BLAS libraries,
thread counts and instruction sets, and with it the rounding errors. So every such operand is first
rounded to a binary grid coarse enough that the float64 sum is *exact*, whatever the order;
``product`` and ``total`` check this at run time. All other arithmetic is + - * / sqrt and rint,
which IEEE 754 defines to the last bit (exp and pow it does not, hence ``softmax``), and the random
numbers are the raw output of PCG64, which NumPy guarantees to keep.
"""

from __future__ import annotations

import argparse
import filecmp
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bitmetal import safetensors
from bitmetal.data import TRAINING_IMAGES, Digits, load_digits

OUTPUT = Path(__file__).parents[2] / "python" / "bitmetal" / "data" / "digits.safetensors"

WIDTHS = (64, 256, 256, 10)
EPS = 1e-5
SEED = 1
EPOCHS = 100
BATCH = 64
RATE = 4e-3  # of Adam, falling linearly to 0
SHIFT = 0.75  # augmentation: images move by up to this many pixels

# Binary digits after the point that grids keep.
ACTIVATION, GRADIENT, WEIGHT, PROBABILITY = 14, 24, 18, 30

Floats = npt.NDArray[np.float64]


def snap(x: Floats, bits: int) -> Floats:
    """Round to a multiple of ``2**-bits``."""
    return np.rint(x * 2.0**bits) * 2.0**-bits


def require_exact(largest: float, bits: int) -> None:
    """Raise if sums of up to ``largest``, of multiples of ``2**-bits``, might be rounded."""
    if not largest * 2.0**bits < 2.0**53:
        raise ArithmeticError("a sum could exceed float64's 53 bits: take a coarser grid")


def product(a: Floats, b: Floats, bits: int) -> Floats:
    """Return ``a @ b``, exact; ``bits`` are those of a's grid and b's together."""
    require_exact(np.abs(a).max() * np.abs(b).max() * a.shape[1], bits)
    return a @ b


def total(x: Floats, axis: int, bits: int) -> Floats:
    """Return the sums of ``x``, exact, with the summed axis kept as 1."""
    require_exact(np.abs(x).max() * x.shape[axis], bits)
    sums: Floats = x.sum(axis=axis, keepdims=True)
    return sums


class Random:
    """Uniform numbers and orders from the raw output of PCG64."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Floats:
        """Return numbers in [low, high)."""
        raw = self._bits.random_raw(int(np.prod(shape))) >> np.uint64(11)
        return low + (high - low) * (raw.astype(np.float64) * 2.0**-53).reshape(shape)

    def order(self, n: int) -> npt.NDArray[np.intp]:
        """Return a permutation of ``range(n)``."""
        return np.argsort(self._bits.random_raw(n), kind="stable")


def softmax(z: Floats) -> Floats:
    """Return the softmax of each row, with exp(z) taken as (1 + z/1024)**1024."""
    e = 1 + np.maximum(z - z.max(axis=1, keepdims=True), -32) / 1024
    for _ in range(10):
        e = e * e
    e = snap(e, PROBABILITY)
    return e / total(e, 1, PROBABILITY)


def shifted(images: Floats, random: Random) -> Floats:
    """Move each image by its own random part of a pixel, down or up and right or left."""
    for axis in (1, 2):
        way = snap(random.uniform(-SHIFT, SHIFT, (len(images), 1, 1)), 6)
        padded = np.pad(images, [(0, 0), *((1, 1) if a == axis else (0, 0) for a in (1, 2))])
        before, after = (np.take(padded, range(i, i + 8), axis) for i in (0, 2))
        images = images * (1 - np.abs(way)) + np.where(way > 0, before, after) * np.abs(way)
    return images


def absmean_ternary(weight: Floats) -> tuple[Floats, float]:
    """Return codes of -1, 0, 1 and the scale: ``weight`` is about ``codes * scale``."""
    scale = max(total(np.abs(weight).reshape(-1), 0, WEIGHT).item() / weight.size, 1e-5)
    return np.clip(np.rint(weight / scale), -1, 1), scale


def int8_rows(x: Floats) -> tuple[Floats, Floats]:
    """Return each row (token) as int8 codes and the factor by which to multiply them."""
    scale = 127 / np.maximum(np.abs(x).max(axis=1, keepdims=True), 1e-5)
    return np.clip(np.rint(x * scale), -128, 127), 1 / scale


class Pass(NamedTuple):
    """What the backward pass needs of one layer's forward pass."""

    inverse_rms: Floats
    unit: Floats  # the input over its RMS
    x: Floats  # what the product saw: codes, or floats on the activation grid
    x_scale: Floats | float
    w: Floats
    w_scale: float
    bits: tuple[int, int]  # the grids of x and w
    y: Floats


@dataclass
class Layer:
    """RMSNorm and a linear layer without bias."""

    weight: Floats  # [out, in]
    norm: Floats  # [in]
    ternary: bool

    @property
    def parameters(self) -> tuple[Floats, Floats]:
        """The arrays that training changes in place."""
        return self.weight, self.norm

    def forward(self, x: Floats) -> Pass:
        """Apply the layer to rows on the activation grid."""
        inverse_rms = 1 / np.sqrt(total(x * x, 1, 2 * ACTIVATION) / x.shape[1] + EPS)
        unit = x * inverse_rms
        normed = unit * self.norm
        if self.ternary:
            w, w_scale = absmean_ternary(self.weight)
            x, x_scale = int8_rows(normed)
            bits = (0, 0)
        else:
            w, w_scale = self.weight, 1.0
            x, x_scale = snap(normed, ACTIVATION), np.ones((1, 1))
            bits = (ACTIVATION, WEIGHT)
        y = product(x, w.T, sum(bits)) * (x_scale * w_scale)
        return Pass(inverse_rms, unit, x, x_scale, w, w_scale, bits, y)

    def backward(self, seen: Pass, dy: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the gradients of the input, the weight and the norm."""
        x_bits, w_bits = seen.bits
        d_weight = product(snap(dy * seen.x_scale, GRADIENT).T, seen.x, GRADIENT + x_bits)
        d_normed = product(snap(dy, GRADIENT), seen.w, GRADIENT + w_bits) * seen.w_scale
        d_norm = total(snap(d_normed * seen.unit, GRADIENT), 0, GRADIENT)[0]
        d_unit = d_normed * self.norm
        along = total(snap(d_unit * seen.unit, GRADIENT), 1, GRADIENT) / len(self.norm)
        return seen.inverse_rms * (d_unit - seen.unit * along), d_weight, d_norm


class Adam:
    """Adam, with every result rounded to the weight grid."""

    def __init__(self, parameters: list[Floats]) -> None:
        self._parameters = parameters
        self._mean = [np.zeros_like(p) for p in parameters]
        self._square = [np.zeros_like(p) for p in parameters]
        self._decay = [1.0, 1.0]

    def step(self, gradients: list[Floats], rate: float) -> None:
        """Change the parameters in place."""
        self._decay = [self._decay[0] * 0.9, self._decay[1] * 0.99]
        for i, (parameter, gradient) in enumerate(zip(self._parameters, gradients, strict=True)):
            self._mean[i] = 0.9 * self._mean[i] + 0.1 * gradient
            self._square[i] = 0.99 * self._square[i] + 0.01 * (gradient * gradient)
            mean = self._mean[i] / (1 - self._decay[0])
            square = self._square[i] / (1 - self._decay[1])
            parameter[:] = snap(parameter - rate * (mean / (np.sqrt(square) + 1e-8)), WEIGHT)


def forward(layers: list[Layer], x: Floats) -> list[Pass]:
    """Run the network, the ReLU between layers included."""
    passes: list[Pass] = []
    for layer in layers:
        x = snap(np.maximum(passes[-1].y, 0) if passes else x, ACTIVATION)
        passes.append(layer.forward(x))
    return passes


def train(digits: Digits, *, ternary: bool) -> list[Layer]:
    """Train a network by cross entropy."""
    random = Random(SEED)
    layers = []
    for n_in, n_out in pairwise(WIDTHS):
        bound = np.sqrt(3 / n_in)  # keeps the variance of what passes through at 1
        weight = snap(random.uniform(-bound, bound, (n_out, n_in)), WEIGHT)
        layers.append(Layer(weight, np.ones(n_in), ternary))
    adam = Adam([parameter for layer in layers for parameter in layer.parameters])
    images = digits.images / 16
    targets = np.eye(WIDTHS[-1])[digits.labels]
    steps, batches = 0, len(images) // BATCH
    for _ in range(EPOCHS):
        order = random.order(len(images))
        inputs = shifted(images, random).reshape(len(images), -1)
        for batch in order[: batches * BATCH].reshape(batches, BATCH):
            passes = forward(layers, inputs[batch])
            dy = softmax(passes[-1].y) - targets[batch]
            gradients: list[Floats] = []
            for layer, seen in zip(reversed(layers), reversed(passes), strict=True):
                if seen is not passes[-1]:
                    dy = dy * (seen.y > 0)
                dy, d_weight, d_norm = layer.backward(seen, dy)
                gradients = [d_weight / BATCH, d_norm / BATCH, *gradients]
            adam.step(gradients, RATE * (1 - steps / (EPOCHS * batches)))
            steps += 1
    return layers


def accuracy(layers: list[Layer], digits: Digits) -> float:
    """Return the share of digits whose largest output is that of their label."""
    outputs = forward(layers, digits.inputs().astype(np.float64))[-1].y
    return float((outputs.argmax(axis=1) == digits.labels).mean())


def hf_pack(codes: Floats) -> npt.NDArray[np.uint8]:
    """Pack codes in Hugging Face's BitNet layout: row r in bits ``2 * (r // R)`` of row ``r % R``.

    ``R`` is a quarter of the rows, rounded up; rows that are missing have code -1, stored as 0.
    """
    rows = -(-len(codes) // 4)
    stored = np.zeros((4 * rows, codes.shape[1]), np.uint8)
    stored[: len(codes)] = codes + 1
    packed = np.zeros((rows, codes.shape[1]), np.uint8)
    for i, quarter in enumerate(stored.reshape(4, rows, -1)):
        packed |= quarter << np.uint8(2 * i)
    return packed


def write(path: Path, ternary: list[Layer], floating: list[Layer]) -> None:
    """Write both networks to one safetensors file."""
    tensors: dict[str, npt.NDArray[np.generic]] = {}
    for i, layer in enumerate(ternary):
        codes, scale = absmean_ternary(layer.weight)
        tensors[f"layers.{i}.weight"] = hf_pack(codes)
        tensors[f"layers.{i}.weight_scale"] = np.array([scale], np.float32)
        tensors[f"layers.{i}.rms_norm.weight"] = layer.norm.astype(np.float32)
    for i, layer in enumerate(floating):
        tensors[f"float.layers.{i}.weight"] = layer.weight.astype(np.float16)
        tensors[f"float.layers.{i}.rms_norm.weight"] = layer.norm.astype(np.float32)
    # The names and values of transformers' BitNetQuantConfig where it has them.
    about = {
        "format": "pt",
        "quant_method": "bitnet",
        "linear_class": "autobitlinear",
        "quantization_mode": "offline",
        "weight_scale": "mean|W|, multiplies",
        "rms_norm_eps": str(EPS),
        "activation": "relu",
        "widths": ",".join(map(str, WIDTHS)),
        "trained_by": "examples/digits/train.py",
    }
    safetensors.save(tensors, path, about)


def main() -> int:
    """Train, then write or compare."""
    parser = argparse.ArgumentParser(description="train the demo's networks")
    parser.add_argument("--check", action="store_true", help="compare with the committed file")
    parser.add_argument("--validate", action="store_true", help="hold a validation part out")
    options = parser.parse_args()
    training, held_out = load_digits()
    tested, name = held_out, "held-out"
    if options.validate:
        # What settings above were chosen by: the held-out images never were.
        n = TRAINING_IMAGES * 4 // 5
        tested, name = Digits(training.images[n:], training.labels[n:]), "validation"
        training = Digits(training.images[:n], training.labels[:n])
    floating, ternary = train(training, ternary=False), train(training, ternary=True)
    for kind, layers in ("float", floating), ("ternary", ternary):
        print(f"{kind:8}{name} accuracy {accuracy(layers, tested):.4f}")
    if options.validate:
        return 0
    if options.check:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder, OUTPUT.name), ternary, floating)
            same = filecmp.cmp(Path(folder, OUTPUT.name), OUTPUT, shallow=False)
        print(f"{OUTPUT.name}: {'the same bytes' if same else 'DIFFERS'}")
        return 0 if same else 1
    write(OUTPUT, ternary, floating)
    print(f"{OUTPUT.name}: {OUTPUT.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
