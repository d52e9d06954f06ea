"""``python -m bitmetal demo``: a ternary network reads handwritten digits it has never seen.

Everything printed is measured in this run. The exit status is 1 if a device misses the demands.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import bitmetal as bm
from bitmetal import safetensors
from bitmetal.data import NETWORK, Digits, load_digits

Floats = npt.NDArray[np.float32]
Network = Callable[[Floats], Floats]

LEAST_ACCURACY = 0.95
LARGEST_LOSS = 0.02
"""What a ternary network may give up beside the float one."""

_INK = " .:-=+*#%@"


class FloatNetwork:
    """The float network in NumPy float32: what the ternary one is measured against."""

    def __init__(self, tensors: dict[str, bm.Array], widths: Sequence[int], eps: float) -> None:
        self._eps = np.float32(eps)
        self._layers = []
        for i in range(len(widths) - 1):
            weight = np.asarray(tensors[f"float.layers.{i}.weight"]).astype(np.float32)
            norm = np.asarray(tensors[f"float.layers.{i}.rms_norm.weight"])
            self._layers.append((weight, norm))

    @property
    def nbytes(self) -> int:
        """Bytes of the weight matrices."""
        return sum(weight.nbytes for weight, _ in self._layers)

    def __call__(self, x: Floats) -> Floats:
        """Return the outputs ``[n, 10]`` for inputs ``[n, 64]``."""
        for i, (weight, norm) in enumerate(self._layers):
            x = np.maximum(x, 0) if i else x
            rms = np.sqrt(np.mean(x * x, axis=1, keepdims=True) + self._eps)
            x = (x / rms * norm) @ weight.T
        return x


class TernaryNetwork:
    """The ternary network on the current device: packed weights, int8 activations."""

    def __init__(self, tensors: dict[str, bm.Array], widths: Sequence[int], eps: float) -> None:
        self._eps = eps
        self._layers = []
        for i, shape in enumerate(zip(widths[1:], widths[:-1], strict=True)):
            packed, scale = tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.weight_scale"]
            norm = tensors[f"layers.{i}.rms_norm.weight"]
            self._layers.append((bm.ternary.from_hf(packed, scale, shape), norm))

    @property
    def nbytes(self) -> int:
        """Bytes of the weight matrices, as this device holds them."""
        return sum(weight.nbytes for weight, _ in self._layers)

    def __call__(self, x: Floats) -> Floats:
        """Return the outputs ``[n, 10]`` for inputs ``[n, 64]``."""
        for i, (weight, norm) in enumerate(self._layers):
            x = np.maximum(x, 0) if i else x
            x = bm.bitlinear(bm.asarray(x), weight, norm_weight=norm, eps=self._eps).numpy()
        return x


def load_networks() -> tuple[FloatNetwork, TernaryNetwork]:
    """Load both networks, the ternary one onto the current device."""
    about = safetensors.metadata(NETWORK)
    widths, eps = [int(w) for w in about["widths"].split(",")], float(about["rms_norm_eps"])
    tensors = safetensors.load(NETWORK)
    return FloatNetwork(tensors, widths, eps), TernaryNetwork(tensors, widths, eps)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    device: str
    network: str
    accuracy: float
    nbytes: int
    seconds_all: float
    seconds_one: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m bitmetal demo", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=0.5, help="time to measure each device and batch for"
    )
    options = parser.parse_args(arguments)

    _, held_out = load_digits()
    print("A ternary network (BitNet b1.58: weights -1, 0, 1) reads handwritten digits.")
    print(f"It has seen none of these {len(held_out.labels)} images before.\n")

    failures = []
    devices = bm.devices()
    for i, device in enumerate(devices):
        with bm.device(device):
            floating, ternary = load_networks()
            if i == 0:
                print(_pictures(held_out, ternary(held_out.inputs()).argmax(axis=1)) + "\n")
                print(_header(held_out))
            rows = compare(device.kind, floating, ternary, held_out, options.seconds)
        print("\n".join(map(_line, rows)), flush=True)
        failures += demands(*rows)

    print("\nTimes are medians, from NumPy inputs to NumPy outputs, the two networks taking turns.")
    print("\n".join(f"{device.kind} is {device.name}." for device in devices))
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


def compare(
    device: str, floating: FloatNetwork, ternary: TernaryNetwork, held_out: Digits, seconds: float
) -> tuple[Row, Row]:
    """Measure the float network in NumPy and the ternary one on the current device."""
    inputs = held_out.inputs()
    networks = (floating, ternary)
    right = [(net(inputs).argmax(axis=1) == held_out.labels).mean() for net in networks]
    all_images = _times(networks, inputs, seconds)
    one_image = _times(networks, inputs[:1], seconds)
    names = (("numpy", "float32"), (device, "ternary"))
    first, second = (
        Row(*names[i], float(right[i]), networks[i].nbytes, all_images[i], one_image[i])
        for i in range(2)
    )
    return first, second


def demands(floating: Row, ternary: Row) -> list[str]:
    """Return what the ternary network misses, in words."""
    missed = []
    if ternary.accuracy < LEAST_ACCURACY:
        missed.append(
            f"{ternary.device}: accuracy {ternary.accuracy:.4f} is under {LEAST_ACCURACY}"
        )
    if floating.accuracy - ternary.accuracy > LARGEST_LOSS:
        missed.append(
            f"{ternary.device}: accuracy {ternary.accuracy:.4f} is more than {LARGEST_LOSS} "
            f"under the float network's {floating.accuracy:.4f}"
        )
    return missed


def _times(networks: Sequence[Network], inputs: Floats, seconds: float) -> list[float]:
    """Return each network's median time; taking turns, all meet the same state of the machine."""
    times: list[list[float]] = [[] for _ in networks]
    for network in networks:
        network(inputs)  # not measured: caches fill, threads start, kernels compile
    end = time.perf_counter() + seconds
    while len(times[0]) < 3 or time.perf_counter() < end:
        for network, own in zip(networks, times, strict=True):
            start = time.perf_counter()
            network(inputs)
            own.append(time.perf_counter() - start)
    return [statistics.median(own) for own in times]


def _pictures(digits: Digits, predicted: npt.NDArray[np.intp]) -> str:
    """Draw three digits that were read right and the first that was not, if any."""
    wrong = np.flatnonzero(predicted != digits.labels)
    right = np.flatnonzero(predicted == digits.labels)
    blocks = []
    for i in [*right[:3], *wrong[:1]]:
        rows = digits.images[i].tolist()
        lines = ["".join(_INK[ink * 9 // 16] * 2 for ink in row) for row in rows]
        said = f"read {predicted[i]}, label {digits.labels[i]}" + ": wrong" * (i in wrong)
        blocks.append([f"{line:20}" for line in [*lines, "", said]])
    return "\n".join(("  " + "".join(line)).rstrip() for line in zip(*blocks, strict=True))


def _header(digits: Digits) -> str:
    columns = ("accuracy", "weight bytes", f"{len(digits.labels)} images", "1 image")
    line = f"{'device':10}{'network':9}" + "".join(f"{column:>14}" for column in columns)
    return line + "\n" + "-" * len(line)


def _line(row: Row) -> str:
    cells = (
        f"{row.accuracy:.4f}",
        f"{row.nbytes}",
        f"{row.seconds_all * 1e6:.1f} us",
        f"{row.seconds_one * 1e6:.1f} us",
    )
    return f"{row.device:10}{row.network:9}" + "".join(f"{cell:>14}" for cell in cells)
