"""Plant faults in the wheel that crossbuild.py made: check_macho.py must name each.

It is not in the quick suite, which has no such wheel; crossbuild.py says how to run it.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
DIST = HERE.parent.parent / "dist-macos"


@pytest.fixture(scope="module")
def module() -> tuple[str, bytes]:
    """Return the name and the content of the wheel's extension module."""
    (path,) = DIST.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".so"))
        return name, wheel.read(name)


def check(folder: Path, name: str, content: bytes, *options: str) -> tuple[int, str]:
    """Return the exit status and the report for a wheel of one file."""
    with zipfile.ZipFile(folder / "a.whl", "w") as wheel:
        wheel.writestr(name, content)
    command = [sys.executable, str(HERE / "check_macho.py"), str(folder / "a.whl"), *options]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return result.returncode, result.stdout


def test_the_module_as_built(tmp_path: Path, module: tuple[str, bytes]) -> None:
    """It passes, and takes what it should from Apple's frameworks."""
    status, report = check(tmp_path, *module)
    assert status == 0, report
    assert "from Accelerate" in report
    assert "from Metal" in report


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b"_PyFloat_FromDouble\0", b"_PyFloat_FromDoubla\0", "_PyFloat_FromDoubla is in no"),
        (b"Versions/A/Accelerate\0", b"Versions/B/Accelerate\0", "_cblas_sgemm comes from"),
        (b"/usr/lib/libSystem.B.dylib\0", b"/usr/lib/libSystem.C.dylib\0", "loads '/usr/lib/libS"),
        (b"_core", b"_cora", "page 0 differs from its hash"),
        (b"\xcf\xfa\xed\xfe\x0c", b"\xcf\xfa\xed\xfe\x07", "is for X86_64"),
    ],
)
def test_planted(
    tmp_path: Path, module: tuple[str, bytes], old: bytes, new: bytes, fault: str
) -> None:
    """Bytes are replaced by as many others; the fault is named."""
    name, content = module
    assert old in content
    status, report = check(tmp_path, name, content.replace(old, new))
    assert status == 1
    assert fault in report


def test_another_name(tmp_path: Path, module: tuple[str, bytes]) -> None:
    """Python would not find the entry point of a module under another name."""
    status, report = check(tmp_path, "bitmetal/_other.so", module[1])
    assert status == 1
    assert "does not export _PyInit__other" in report


def test_another_minimum(tmp_path: Path, module: tuple[str, bytes]) -> None:
    """A module for a later macOS than asked for is a fault."""
    status, report = check(tmp_path, *module, "--minimum-os", "13.0")
    assert status == 1
    assert "is for macOS 14.0 and later, not 13.0" in report


def test_a_library_that_it_does_without(tmp_path: Path, module: tuple[str, bytes]) -> None:
    """A build that silently left a part out takes nothing from that part's library."""
    status, report = check(tmp_path, *module, "--needs", "Metal", "--needs", "MetalFX")
    assert status == 1
    assert report.endswith("takes nothing from MetalFX\n")


def test_a_library_of_another_system(tmp_path: Path) -> None:
    """So is a file that is not Mach-O."""
    status, report = check(tmp_path, "bitmetal/_core.so", b"\x7fELF" + bytes(4096))
    assert status == 1
    assert "is not a Mach-O file of one architecture" in report
