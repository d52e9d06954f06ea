"""Compiled kernels: the archive on disk, and metallibs made with the library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bitmetal as bm

DEVICES = [device.kind for device in bm.devices() if device.kind in ("metal", "softmetal")]
ROOT = Path(__file__).resolve().parents[1]

PROGRAM = """
import json, os, sys
import bitmetal as bm
source = '''
constant int n [[function_constant(0)]];
[[kernel]] void k(device float* y [[buffer(0)]]) {{ y[0] = n + {added}; }}
'''
with bm.device(sys.argv[1]):
    y = bm.zeros(1)
    bm.Kernel(source, "k", {{"n": {n}}})(y, grid=1, threadgroup=1)
    print(json.dumps([y.item(), bm.pipelines.archive(), bm.pipelines.stats()]))
"""


def run(folder: Path | str, n: int = 1, added: int = 0) -> tuple[float, str, dict[str, float]]:
    """A process of its own that uses two pipelines: a fill, and a kernel that gives n + added."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(n=n, added=added), DEVICES[0]],
        env={**os.environ, "BITMETAL_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    value, archive, stats = json.loads(done.stdout)
    return value, archive, stats


@pytest.mark.skipif(not DEVICES, reason="this build has no Metal device")
class TestArchive:
    def test_a_second_process_finds_what_the_first_one_compiled(self, tmp_path: Path) -> None:
        value, archive, stats = run(tmp_path)
        assert value == 1
        assert Path(archive).parent == tmp_path
        assert (stats["pipelines"], stats["archived"]) == (2, 0)
        assert [p.name for p in tmp_path.iterdir()] == [Path(archive).name]
        assert run(tmp_path)[2]["archived"] == 2

    def test_another_constant_or_source_is_another_pipeline(self, tmp_path: Path) -> None:
        run(tmp_path)
        value, _, stats = run(tmp_path, n=7)
        assert (value, stats["archived"]) == (7, 1)
        value, _, stats = run(tmp_path, added=5)
        assert (value, stats["archived"]) == (6, 1)
        assert run(tmp_path, n=7)[2]["archived"] == 2

    @pytest.mark.parametrize("damage", [b"", b"nonsense", None])
    def test_a_damaged_file_is_written_anew(self, tmp_path: Path, damage: bytes | None) -> None:
        archive = Path(run(tmp_path)[1])
        whole = archive.read_bytes()
        archive.write_bytes(whole[:-4] + b"..!\n" if damage is None else damage)
        value, _, stats = run(tmp_path)
        assert (value, stats["archived"]) == (1, 0)
        assert archive.read_bytes() == whole

    def test_none_where_there_is_no_folder(self, tmp_path: Path) -> None:
        value, archive, _ = run("")
        assert (value, archive) == (1, "")
        (tmp_path / "file").touch()
        value, archive, _ = run(tmp_path / "file" / "folder")
        assert (value, archive) == (1, "")


# Stands for Apple's xcrun: "compiles" to the source with its includes in place, which is what
# softmetal takes for a metallib.
XCRUN = """#!{python}
import re, sys
from pathlib import Path
arguments = sys.argv[1:]
assert arguments[:2] == ["-sdk", "macosx"], arguments
if arguments[2:] == ["--find", "metal"]:
    sys.exit({missing})
output = Path(arguments[arguments.index("-o") + 1])
if arguments[2] == "metallib":
    output.write_bytes(Path(arguments[3]).read_bytes())
    sys.exit()
assert arguments[2] == "metal" and "-std=metal3.1" in arguments and "-fno-fast-math" in arguments
(folder,) = [Path(a[2:]) for a in arguments if a.startswith("-I")]
seen = set()
def flat(file):
    if file in seen:
        return ""
    seen.add(file)
    text = file.read_text().replace("#pragma once\\n", "")
    return re.sub(r'^#include "(.+)"$', lambda m: flat(folder / m[1]), text, flags=re.M)
output.write_text(flat(Path(arguments[arguments.index("-c") + 1])))
"""

PROJECT = """
cmake_minimum_required(VERSION 3.24)
project(probe LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
file(GLOB kernel_files {root}/metal/*.h {root}/metal/*.metal)
include({root}/cmake/metallib.cmake)
set(embedded ${{CMAKE_CURRENT_BINARY_DIR}}/embedded.cpp)
add_custom_command(
  OUTPUT ${{embedded}}
  COMMAND ${{CMAKE_COMMAND}} -DOUTPUT=${{embedded}} -DFOLDER={root}/metal
          "-DLIBRARIES=${{metallib_list}}" -P {root}/cmake/embed_kernels.cmake
  DEPENDS ${{metallibs}} VERBATIM)
add_executable(probe {folder}/probe.cpp ${{embedded}})
target_include_directories(probe PRIVATE {root}/cpp)
"""

PROBE = """
#include <cstdio>
#include "gpu/kernel_sources.h"
int main() {
  for (const char* name : {"copy", "reduce", "softmax", "none"}) {
    const auto bytes = bitmetal::gpu::metallib_of(name);
    const bool whole = bytes.find("#include \\"") == bytes.npos;
    const bool kernels = whole && bytes.find("[[kernel]]") != bytes.npos;
    std::printf("%s %zu %d\\n", name, bytes.size(), kernels);
  }
}
"""


def cmake(*arguments: str | Path) -> str:
    program = shutil.which("cmake") or shutil.which("cmake", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("cmake is missing")
    # Without a sanitizer's runtime, under which cmake itself may crash.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("has_compiler", [True, False])
def test_metallibs_are_made_where_apples_compiler_is(tmp_path: Path, has_compiler: bool) -> None:
    xcrun = tmp_path / "xcrun"
    xcrun.write_text(XCRUN.format(python=sys.executable, missing=int(not has_compiler)))
    xcrun.chmod(0o755)
    (tmp_path / "probe.cpp").write_text(PROBE)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT.format(root=ROOT, folder=tmp_path))
    log = cmake("-S", tmp_path, "-B", tmp_path / "build", f"-DBITMETAL_XCRUN={xcrun}")
    assert ("compiled into the library" if has_compiler else "compiled at first use") in log
    cmake("--build", tmp_path / "build")
    rows = subprocess.check_output([tmp_path / "build" / "probe"], text=True).split()
    sizes, kernels = rows[1::3], rows[2::3]
    if has_compiler:
        assert all(int(size) > 1000 for size in sizes[:3])
        assert kernels == ["1", "1", "1", "0"]
    else:
        assert sizes == ["0"] * 4
