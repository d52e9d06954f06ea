"""The package itself: stubs, start-up, the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bitmetal as bm

ROOT = Path(bm.__file__).parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=300)


def test_stubs_are_current(tmp_path: Path) -> None:
    """`_core.pyi` is what nanobind's stubgen makes of the module that is installed."""
    pytest.importorskip("nanobind", reason="the extra 'test' is not installed")
    made = tmp_path / "_core.pyi"
    patterns = Path(__file__).parent.parent / "python" / "bitmetal" / "_core.patterns"
    done = run(
        "-m", "nanobind.stubgen", "-m", "bitmetal._core", "-o", str(made), "-p", str(patterns)
    )
    assert done.returncode == 0, done.stderr
    committed = (ROOT / "_core.pyi").read_text()
    if bm.softmetal.available():
        assert made.read_text() == committed
    else:  # a build without a Metal device lacks its classes, and nothing else
        assert set(made.read_text().splitlines()) <= set(committed.splitlines())


def test_everything_public_has_a_docstring() -> None:
    for module in (bm, bm.linalg, bm.ternary, bm.memory, bm.safetensors):
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing):
                assert (thing.__doc__ or "").strip(), f"{module.__name__}.{name}"
    for cls in (bm.Array, bm.ternary.TernaryMatrix, bm.Device, bm.DType):
        for name, member in vars(cls).items():
            if not name.startswith("_"):
                assert (member.__doc__ or "").strip(), f"{cls.__name__}.{name}"


def test_import_loads_no_blas_and_little_else() -> None:
    code = (
        "import sys, numpy; before = set(sys.modules); import bitmetal; "
        "maps = open('/proc/self/maps').read() if sys.platform == 'linux' else ''; "
        "new = set(sys.modules) - before; "
        "print('/scipy_openblas32/' in maps, 'ml_dtypes' in new, 'torch' in new)"
    )
    assert run("-c", code).stdout.split() == ["False", "False", "False"]


def test_info() -> None:
    done = run("-m", "bitmetal", "info")
    assert done.returncode == 0
    for word in (bm.__version__, "metal", "cuda", "cpu", "softmetal", "default device"):
        assert word in done.stdout


def test_unknown_command() -> None:
    done = run("-m", "bitmetal", "nonsense")
    assert done.returncode == 2
    assert "invalid choice" in done.stderr
