import re
import subprocess
import sys

import numpy as np
import pytest

from bitmetal import demo
from bitmetal.data import NETWORK, load_digits

WIDTHS = (64, 256, 256, 10)
EPS = 1e-5

ROW = re.compile(r"^(\w+) +(float32|ternary) +(0\.\d+|1\.0+) +(\d+) +([\d.]+) us +([\d.]+) us$")


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    """The committed file, read by the format's own package."""
    return pytest.importorskip("safetensors.numpy").load_file(NETWORK)


def decoded(tensors: dict[str, np.ndarray], layer: int) -> np.ndarray:
    """Weights {-1, 0, 1} by the layout's definition, one row after the other."""
    packed = tensors[f"layers.{layer}.weight"]
    rows = [
        (packed[r % len(packed)] >> (2 * (r // len(packed))) & 3).astype(int) - 1
        for r in range(WIDTHS[layer + 1])
    ]
    return np.stack(rows)


def normed(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + EPS) * weight


def ternary_outputs(tensors: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    for i in range(3):
        x = normed(np.maximum(x, 0), tensors[f"layers.{i}.rms_norm.weight"].astype(float))
        sx = 127 / np.maximum(np.abs(x).max(axis=1, keepdims=True), 1e-5)
        q = np.clip(np.round(x * sx), -128, 127)
        x = q @ decoded(tensors, i).T * tensors[f"layers.{i}.weight_scale"][0] / sx
    return x


def float_outputs(tensors: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    for i in range(3):
        x = normed(np.maximum(x, 0), tensors[f"float.layers.{i}.rms_norm.weight"].astype(float))
        x = x @ tensors[f"float.layers.{i}.weight"].astype(float).T
    return x


def accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    return float((outputs.argmax(axis=1) == labels).mean())


def test_digits_are_those_of_scikit_learn():
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    training, held_out = load_digits()
    np.testing.assert_array_equal(np.r_[training.images, held_out.images], digits.images)
    np.testing.assert_array_equal(np.r_[training.labels, held_out.labels], digits.target)


def test_digits_are_split_as_documented():
    training, held_out = load_digits()
    assert training.images.shape == (1437, 8, 8)
    assert held_out.images.shape == (360, 8, 8)
    assert held_out.images.max() == 16
    assert sorted(set(held_out.labels.tolist())) == list(range(10))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_committed_weights_are_ternary(tensors, layer):
    codes = decoded(tensors, layer)
    assert codes.shape == (WIDTHS[layer + 1], WIDTHS[layer])
    assert set(np.unique(codes).tolist()) == {-1, 0, 1}
    assert tensors[f"layers.{layer}.weight_scale"].dtype == np.float32
    assert tensors[f"layers.{layer}.weight_scale"].shape == (1,)


def test_committed_networks_meet_the_demands(tensors):
    _, held_out = load_digits()
    inputs = held_out.inputs().astype(float)
    ternary = accuracy(ternary_outputs(tensors, inputs), held_out.labels)
    floating = accuracy(float_outputs(tensors, inputs), held_out.labels)
    assert ternary >= 0.95
    assert ternary >= floating - 0.02


def test_networks_agree_with_float64(tensors):
    _, held_out = load_digits()
    inputs = held_out.inputs()
    floating, ternary = demo.load_networks()
    np.testing.assert_allclose(
        floating(inputs), float_outputs(tensors, inputs.astype(float)), rtol=1e-4, atol=1e-4
    )
    # An activation on the edge between two int8 codes may fall either way in float32, and what
    # follows differs by a code: rows are close on average, not entry by entry.
    expected = ternary_outputs(tensors, inputs.astype(float))
    error = np.square(ternary(inputs) - expected).sum() / np.square(expected).sum()
    assert error < 1e-5


def test_demo_runs_and_meets_the_demands(tensors):
    command = [sys.executable, "-m", "bitmetal", "demo"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    rows = [match.groups() for line in run.stdout.splitlines() if (match := ROW.match(line))]
    assert len(rows) >= 2, run.stdout
    _, held_out = load_digits()
    inputs = held_out.inputs().astype(float)
    for (where, kind, *first), (device, other, *second) in zip(rows[::2], rows[1::2], strict=True):
        assert (where, kind, other) == ("numpy", "float32", "ternary")
        assert device != "numpy"
        assert float(first[0]) == pytest.approx(
            accuracy(float_outputs(tensors, inputs), held_out.labels), abs=1.1 / 360
        )
        assert float(second[0]) == pytest.approx(
            accuracy(ternary_outputs(tensors, inputs), held_out.labels), abs=2.1 / 360
        )
        assert float(second[0]) >= max(0.95, float(first[0]) - 0.02)
        assert int(first[1]) == 4 * sum(np.multiply(WIDTHS[1:], WIDTHS[:-1]))
        assert int(second[1]) < int(first[1]) / 8
    assert re.search(r"read \d, label \d", run.stdout)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("LEAST_ACCURACY", 1.01, "is under 1.01"), ("LARGEST_LOSS", -1.0, "is more than -1.0 under")],
)
def test_demo_says_what_it_misses(monkeypatch, capsys, name, value, words):
    monkeypatch.setattr(demo, name, value)
    assert demo.main(["--seconds", "0"]) == 1
    assert words in capsys.readouterr().out.split("FAILED: ", 1)[1]
