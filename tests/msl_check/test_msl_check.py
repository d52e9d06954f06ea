"""The strict check accepts right MSL and refuses wrong MSL, each snippet for its own reason.

A corpus file holds snippets under lines `//--- name`. In a wrong one, the comment `// error: TEXT`
stands on each line where a message that contains TEXT is expected; no other message may appear.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("clang.cindex", reason="the strict check needs libclang from PyPI")

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from msl_check import check  # noqa: E402

HERE = Path(__file__).parent
KERNELS = sorted((ROOT / "metal").glob("*.metal"))
HEADER = "#include <metal_stdlib>\nusing namespace metal;\n"
EXPECTED = re.compile(r"// error: (.*)$")


def snippets(folder: str) -> list[pytest.param]:
    found = []
    for file in sorted((HERE / folder).glob("*.metal")):
        parts = re.split(r"^//--- (\w+)\n", file.read_text(), flags=re.MULTILINE)
        for name, body in zip(parts[1::2], parts[2::2], strict=True):
            found.append(pytest.param(file, HEADER + body, id=f"{file.stem}-{name}"))
    return found


@pytest.mark.parametrize(("file", "text"), snippets("right"))
def test_right_snippet_passes(file: Path, text: str) -> None:
    assert check(file, text=text) == []


@pytest.mark.parametrize(("file", "text"), snippets("wrong"))
def test_wrong_snippet_fails_for_its_reason(file: Path, text: str) -> None:
    expected = {
        number: match[1]
        for number, line in enumerate(text.splitlines(), start=1)
        if (match := EXPECTED.search(line))
    }
    assert expected, "the snippet names no error"
    findings = check(file, text=text)
    assert {finding.line for finding in findings} == expected.keys(), findings
    for finding in findings:
        assert expected[finding.line] in finding.text


def test_the_corpus_is_not_thinned() -> None:
    assert len(snippets("right")) >= 28
    assert len(snippets("wrong")) >= 35


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda path: path.name)
def test_kernel_passes(kernel: Path) -> None:
    assert [str(finding) for finding in check(kernel)] == []


def test_command_prints_the_place_and_fails(tmp_path: Path) -> None:
    header = tmp_path / "bad.h"
    header.write_text("float first(float* p) { return p[0]; }\n")
    source = tmp_path / "bad.metal"
    source.write_text('#include "bad.h"\nkernel int f() { return 0; }\n')
    command = [sys.executable, str(ROOT / "tools" / "msl_check"), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        f"{header}:1:20: error: pointer type must have explicit address space qualifier",
        f"{source}:2:12: error: kernel must have void return type",
    ]
