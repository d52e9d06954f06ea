"""Set bitmetal up in a virtual environment of its own and run something with it.

    python3 bootstrap.py demo    builds with the system's compiler; a ternary network reads digits
    python3 bootstrap.py test    builds with clang and softmetal, runs the tests

Needs Python >= 3.10, a C++ compiler, and PyPI; nothing needs root. `test` takes the clang that it
finds, or PyPI's ziglang. Further arguments go to the demo or to pytest.
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
    variables = {"METAL_CPP_DIR": metal_cpp(python)}
    if sys.platform == "linux" and not os.environ.get("CXX"):
        if clang := system_clang():
            variables["CXX"] = clang
        else:
            variables["ZIG"] = ziglang(python)
            variables["CMAKE_ARGS"] = f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'cmake' / 'zig.cmake'}"
    run(python, "-m", "pip", "install", "-q", ".[test]", **variables)
    if arguments:
        return run(python, "-m", "pytest", *arguments, **variables)
    # Two processes: most of the time goes into compiling kernels, one after the other in each.
    table = sorted(str(path) for path in (ROOT / "tests").glob("test_*.py"))
    run(python, "-m", "pytest", "-n", "2", "--dist", "loadfile", *table, **variables)
    run(python, "-m", "pytest", "tests/softmetal", "tests/msl_check", **variables)


def metal_cpp(python: Path) -> str:
    """Apple's C++ headers for Metal, which MLX's wheel ships."""
    if given := os.environ.get("METAL_CPP_DIR"):
        return given
    if not METAL_CPP.exists():
        only = ["--no-deps", "--only-binary=:all:", "--platform", "macosx_14_0_arm64"]
        folder = DEPS / "mlx-metal"
        run(python, "-m", "pip", "install", "-q", "--target", folder, *only, "mlx-metal>=0.29")
    return str(METAL_CPP)


def system_clang() -> str | None:
    """Find the newest clang++ of at least version 14."""
    for name in [f"clang++-{version}" for version in range(30, 13, -1)] + ["clang++"]:
        found = shutil.which(name)
        if found and major_version(found) >= 14:
            return found
    return None


def major_version(compiler: str) -> int:
    """Ask a compiler for its version; 0 where it does not say."""
    answer = subprocess.run([compiler, "-dumpversion"], capture_output=True, text=True, check=False)
    major = answer.stdout.strip().partition(".")[0]
    return int(major) if major.isdigit() else 0


def ziglang(python: Path) -> str:
    """Install the clang that PyPI has, and give its path."""
    run(python, "-m", "pip", "install", "-q", "ziglang>=0.14")
    where = "import ziglang, os; print(os.path.join(os.path.dirname(ziglang.__file__), 'zig'))"
    return subprocess.check_output([str(python), "-c", where], text=True).strip()


if __name__ == "__main__":
    commands = {"demo": demo, "test": test}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2:])
