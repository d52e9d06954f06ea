"""``python -m bitmetal bench``: run the benchmark suite and print one table."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

import bitmetal as bm
from bitmetal import _core

_SUITE = os.path.join(os.path.dirname(__file__), "bench_suite")
_COLUMNS = ("GB/s", "of copy", "GOP/s", "of int8", "x NumPy")


def main(select: str = "") -> int:
    """Run the suite (the rows whose names hold `select`) and print a table.

    Parameters
    ----------
    select : str
        A pytest ``-k`` expression; everything if empty.

    Returns
    -------
    int
        The exit status: 0 when every row ran.
    """
    try:
        import pytest
        import pytest_benchmark  # noqa: F401
    except ImportError as error:
        print(f"bench: {error}; install the extra: pip install 'bitmetal[bench]'", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        options = ["-q", "-p", "no:cacheprovider", "--no-header", f"--rootdir={_SUITE}"]
        options += [
            "-o",
            "python_files=bench_*.py",
            "--benchmark-columns=median",
            f"--benchmark-json={report}",
        ]
        status = pytest.main([*options, *(["-k", select] if select else []), _SUITE])
        if not os.path.exists(report) or os.path.getsize(report) == 0:
            return int(status)
        with open(report, encoding="utf-8") as file:
            print(table(json.load(file)))
    return int(status)


def table(report: dict[str, Any]) -> str:
    """Lay a pytest-benchmark report out as text, one row a benchmark."""
    threads = f"{bm.num_threads()} thread{'s' if bm.num_threads() > 1 else ''}"
    lines = [f"{bm.device('cpu').name}, {_core.cpu_isa()}, {threads}"]
    names = [row["name"].removeprefix("test_") for row in report["benchmarks"]]
    width = max((len(name) for name in names), default=0)
    lines.append(f"{'':{width}} {'median':>10} " + " ".join(f"{c:>8}" for c in _COLUMNS))
    for name, row in zip(names, report["benchmarks"], strict=True):
        figures = [_figure(column, row["extra_info"].get(column)) for column in _COLUMNS]
        median = row["stats"]["median"] * 1e6
        lines.append(f"{name:{width}} {median:7.1f} us " + " ".join(f"{f:>8}" for f in figures))
    lines.append(
        "GB/s: bytes read and written. of copy, of int8: share of the copy bandwidth and of"
    )
    lines.append(
        "the 8-bit multiply rate measured in this run. x NumPy: calls made in turn, medians."
    )
    return "\n".join(lines)


def _figure(column: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0%}" if column.startswith("of ") else f"{value:.2f}"
