"""Builds softmetal's C++ tests, or says aloud why it cannot."""

import importlib.metadata
import os
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADERS_HINT = (
    "set METAL_CPP_DIR, or: pip install --target .deps/mlx-metal --no-deps --only-binary=:all: "
    "--platform macosx_14_0_arm64 mlx-metal"
)


def skip_aloud(reason: str) -> None:
    """Skips, with a warning that shows without -rs; fails where SOFTMETAL_REQUIRED is set."""
    if os.environ.get("SOFTMETAL_REQUIRED"):
        pytest.fail(reason)
    warnings.warn(f"softmetal is not tested: {reason}", stacklevel=2)
    pytest.skip(reason)


def metal_cpp_dir() -> Path | None:
    candidates = [ROOT / ".deps/mlx-metal/mlx/include/metal_cpp"]
    if os.environ.get("METAL_CPP_DIR"):
        candidates.insert(0, Path(os.environ["METAL_CPP_DIR"]))
    try:
        for file in importlib.metadata.files("mlx-metal") or []:
            if str(file).endswith("metal_cpp/Metal/Metal.hpp"):
                candidates.append(Path(file.locate()).parents[1])
    except importlib.metadata.PackageNotFoundError:
        pass
    return next((path for path in candidates if (path / "Metal/Metal.hpp").exists()), None)


def clang() -> str | None:
    names = ["clang++", *(f"clang++-{version}" for version in range(30, 13, -1))]
    return os.environ.get("SOFTMETAL_CLANG") or next(filter(None, map(shutil.which, names)), None)


def build(folder: Path, *options: str) -> Path:
    """Configures and builds softmetal with its tests in `folder`."""
    compiler, headers, cmake = clang(), metal_cpp_dir(), shutil.which("cmake")
    if cmake is None:
        skip_aloud("cmake is missing")
    if compiler is None:
        skip_aloud("metal-cpp needs clang 14 or newer, and there is none")
    if headers is None:
        skip_aloud(f"the metal-cpp headers are missing: {HEADERS_HINT}")
    configure = [cmake, "-S", ROOT / "cpp/softmetal", "-B", folder, "-DSOFTMETAL_TESTS=ON"]
    configure += [f"-DCMAKE_CXX_COMPILER={compiler}", f"-DMETAL_CPP_DIR={headers}", *options]
    if shutil.which("ninja"):
        configure.append("-GNinja")
    targets = ["--target", "softmetal_tests", "softmetal_msl_tests", "softmetal_methods"]
    for command in (configure, [cmake, "--build", folder, "--parallel", "2", *targets]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.fail(f"{done.args}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
    return folder
