"""Build the macOS arm64 wheel on another system with PyPI's ziglang, then check its Mach-O files.

The wheel proves that the real target compiles and links (docs/portability.md). It is not for
release: it is compiled against the building Python's own pyconfig.h.

    python3 tools/macos/crossbuild.py --werror
    build/macos/venv/bin/python -m pytest tools/macos/test_check_macho.py
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MINIMUM_OS = "14.0"
# Another zig may understand other options; 0.17.1 is the one that cxx was written for.
ZIG = "ziglang==0.17.1"
BUILD = ["scikit-build-core>=0.11", "nanobind>=2.9", "cmake", "ninja"]
CHECKS = ["lief>=1", "pytest"]


def run(*command: str | Path, **environment: str) -> str:
    """Run a command in the repository, and return its output without the last line's end."""
    result = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True
    )
    if result.returncode:
        sys.exit(result.stdout + f"failed: {' '.join(map(str, command))}")
    return result.stdout.strip()


def install_tools(work: Path) -> Path:
    """Return the Python of a virtual environment that holds the compiler and the build system."""
    python = work / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(work / "venv", with_pip=True)
    run(python, "-m", "pip", "install", "--quiet", ZIG, *BUILD, *CHECKS)
    return python


def fetch_metal_cpp(python: Path) -> Path:
    """Return the folder of the metal-cpp headers, from the macOS wheel of mlx-metal."""
    folder = ROOT / ".deps" / "mlx-metal"  # where bootstrap.py puts it, too
    headers = folder / "mlx" / "include" / "metal_cpp"
    if not (headers / "Metal" / "Metal.hpp").exists():
        platform = ["--only-binary=:all:", "--platform", "macosx_14_0_arm64"]
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *platform,
            "mlx-metal>=0.29")  # fmt: skip
    return headers


def build_wheel(python: Path, work: Path, output: Path, warnings_are_errors: bool) -> Path:
    """Build the wheel with scikit-build-core told that it runs on macOS."""
    version = f"{sys.version_info.major}{sys.version_info.minor}{sys.abiflags}"
    zig = run(python, "-c", "import ziglang; print(ziglang.__path__[0])")
    settings = {
        "build-dir": str(work / "build"),
        # Stripping would break the signature that the linker made.
        "install.strip": "false",
        "cmake.define.CMAKE_TOOLCHAIN_FILE": str(HERE / "toolchain.cmake"),
        "cmake.define.METAL_CPP_DIR": str(fetch_metal_cpp(python)),
        "cmake.define.BITMETAL_WERROR": "ON" if warnings_are_errors else "OFF",
    }
    for old in output.glob("*.whl"):
        old.unlink()
    run(
        python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", output, *(f"--config-settings={k}={v}" for k, v in settings.items()), ROOT,
        ZIG=str(Path(zig, "zig")),
        ZIG_GLOBAL_CACHE_DIR=str(work / "zig-cache"),  # its libc++, built at the first link
        MACOSX_DEPLOYMENT_TARGET=MINIMUM_OS,
        SETUPTOOLS_EXT_SUFFIX=f".cpython-{version}-darwin.so",
        _PYTHON_HOST_PLATFORM=f"macosx-{MINIMUM_OS}-arm64",
    )  # fmt: skip
    (wheel,) = output.glob("*.whl")
    return wheel


def main() -> None:
    """Build and check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "macos",
                        help="the tools and the build, kept for the next time")  # fmt: skip
    parser.add_argument("--output", type=Path, default=ROOT / "dist-macos")
    parser.add_argument("--werror", action="store_true", help="turn warnings into errors")
    options = parser.parse_args()

    work, output = options.work.resolve(), options.output.resolve()
    python = install_tools(work)
    wheel = build_wheel(python, work, output, options.werror)
    # CMake leaves the Metal device out where it lacks something; here that is a fault.
    needs = ["--needs", "Accelerate", "--needs", "Metal"]
    print(run(python, HERE / "check_macho.py", "--minimum-os", MINIMUM_OS, *needs, wheel))


if __name__ == "__main__":
    main()
