"""Set bitmetal up in a virtual environment of its own and run something with it.

    python3 bootstrap.py demo    builds with the system's compiler, reads digits with a ternary network
    python3 bootstrap.py test    builds with clang and softmetal, runs the tests

Needs Python >= 3.10, a C++ compiler, and PyPI; nothing needs root. `test` takes the clang that it finds, or
PyPI's ziglang. Further arguments go to the demo or to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
DEPS = ROOT / ".deps"
METAL_CPP = DEPS / "mlx-metal" / "mlx" / "include" / "metal_cpp"


def run(*command: str | Path, **environment: str) -> None:
    """Run a command, or end with its exit status."""
    status = subprocess.call([str(c) for c in command], env={**os.environ, **environment}, cwd=ROOT)
    if status:
        sys.exit(status)


def environment(name: str) -> Path:
    """Make a virtual environment where there is none yet, and give its Python."""
    python = ROOT / name / "bin" / "python"
    if not python.exists():
        venv.create(ROOT / name, with_pip=True)
    return python


def demo(arguments: list[str]) -> None:
    """Install as any user would, with whatever compiler the system has."""
    python = environment(".venv")
    run(python, "-m", "pip", "install", "-q", ".")
    run(python, "-m", "bitmetal", "demo", *arguments)


def test(arguments: list[str]) -> None:
    """Install with clang, which metal-cpp needs, so that the Metal device is there too."""
    python = environment(".venv-test")
    build = {"METAL_CPP_DIR": os.environ.get("METAL_CPP_DIR") or str(metal_cpp(python))}
    if sys.platform == "linux":
        build |= compiler(python)
    run(python, "-m", "pip", "install", "-q", ".[test]", **build)
    run(python, "-m", "pytest", *arguments, **build)


def metal_cpp(python: Path) -> Path:
    """Apple's C++ headers for Metal, which MLX's wheel ships."""
    if not METAL_CPP.exists():
        only = ["--no-deps", "--only-binary=:all:", "--platform", "macosx_14_0_arm64"]
        run(python, "-m", "pip", "install", "-q", "--target", DEPS / "mlx-metal", *only, "mlx-metal>=0.29")
    return METAL_CPP


def compiler(python: Path) -> dict[str, str]:
    """Name a clang of at least 14: the system's, or the one inside ziglang."""
    if os.environ.get("CXX"):
        return {}
    for name in ("clang++", *(f"clang++-{version}" for version in range(22, 13, -1))):
        if found := shutil.which(name):
            return {"CXX": found}
    raise SystemExit("bootstrap: no clang found")


if __name__ == "__main__":
    commands = {"demo": demo, "test": test}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2:])
