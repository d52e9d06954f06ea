"""Puts clang's diagnostics and the lint's findings together."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import clang.cindex as cindex

from msl_check.diagnostics import is_fault
from msl_check.lint import lint
from msl_check.source import with_includes

_PRELUDE = Path(__file__).parent / "prelude"

_ARGUMENTS = [
    *("-x", "clcpp", "-cl-std=clc++2021", "--target=x86_64-linux-gnu", "-fsyntax-only"),
    # OpenCL's own header and extensions would bring names that MSL lacks, double among them.
    *("-cl-no-stdinc", "-nostdinc", "-ferror-limit=0", "-Werror=return-type"),
    *("-isystem", str(_PRELUDE), "-include", str(_PRELUDE / "msl_language.h")),
    "-Xclang",
]
# Without generic pointers, a pointer that names no address space is a private one and every
# conversion between spaces is an error. With them, it is a generic one and can be told apart.
_STRICT = "-cl-ext=-all,+cl_khr_fp16"
_GENERIC = _STRICT + ",+__opencl_c_generic_address_space"


@dataclass(frozen=True, order=True)
class Finding:
    """A fault and its place, printed as compilers print theirs."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: error: {self.text}"


def check(
    path: Path,
    *,
    text: str | None = None,
    include: Iterable[Path] = (),
    define: Iterable[str] = (),
) -> list[Finding]:
    """Return the faults of an MSL file in order of place; `text` replaces what the file holds."""
    folders = list(include)
    content = path.read_text() if text is None else text
    files = {str(file): text for file, text in with_includes(path, content, folders)}
    options = [*(f"-I{folder}" for folder in folders), *(f"-D{macro}" for macro in define)]

    def parse(extensions: str) -> cindex.TranslationUnit:
        return cindex.Index.create().parse(
            str(path), [*_ARGUMENTS, extensions, *options], list(files.items())
        )

    findings = set()
    strict = parse(_STRICT)
    for diagnostic in strict.diagnostics:
        if is_fault(diagnostic):
            findings.add(_finding(_place(diagnostic, files), diagnostic.spelling, path))
    generic = parse(_GENERIC)
    for location, message in lint(generic.cursor, files.keys()):
        findings.add(_finding(location, message, path))
    return sorted(findings)


def _place(diagnostic: cindex.Diagnostic, files: Collection[str]) -> cindex.SourceLocation:
    """Find where the checked sources caused an error; a template of the prelude may raise it."""
    notes = [n for n in diagnostic.children if not n.spelling.startswith("in file included")]
    places = [diagnostic.location, *(note.location for note in notes)]
    own = (place for place in places if place.file and place.file.name in files)
    return next(own, diagnostic.location)


def _finding(location: cindex.SourceLocation, text: str, path: Path) -> Finding:
    file = location.file.name if location.file else str(path)
    return Finding(file, location.line, location.column, text)
