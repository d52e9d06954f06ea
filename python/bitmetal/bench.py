"""``python -m bitmetal bench``: run the suite; print, save, compare or plot its figures."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bitmetal import bench_report

_SUITE = os.path.join(os.path.dirname(__file__), "bench_suite")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("select", nargs="?", default="", help="rows to run, as pytest's -k")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the figures as JSON")
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="FILE",
        help="hold the ratios to the peers against saved figures; exit status 1 where one fell",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.2,
        help="how far a ratio may fall before --compare calls it slower (default: 0.2)",
    )
    parser.add_argument(
        "--docs",
        type=Path,
        metavar="FOLDER",
        help="write FOLDER/benchmarks.md and, with matplotlib, FOLDER/roofline.svg",
    )


def main(arguments: argparse.Namespace) -> int:
    """Run the suite and report.

    Returns
    -------
    int
        The exit status: 0 when every row ran and, with ``--compare``, none became slower.
    """
    before = json.loads(arguments.compare.read_text()) if arguments.compare else None
    status, report = _run(arguments.select)
    if report is None:
        return status
    print(bench_report.text(report))
    if arguments.save:
        arguments.save.write_text(json.dumps(bench_report.figures(report), indent=1) + "\n")
    if arguments.docs:
        bench_report.write_docs(report, arguments.docs)
    if before is not None:
        slower = bench_report.slower(before, bench_report.figures(report), arguments.tolerance)
        print("\n".join(slower) or "no ratio to a peer fell by more than the tolerance")
        return int(bool(status or slower))
    return status


def _run(select: str) -> tuple[int, dict[str, Any] | None]:
    try:
        import pytest
        import pytest_benchmark  # noqa: F401
    except ImportError as error:
        print(f"bench: {error}; install the extra: pip install 'bitmetal[bench]'", file=sys.stderr)
        return 2, None
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        options = ["-q", "-p", "no:cacheprovider", "--no-header", f"--rootdir={_SUITE}"]
        options += ["-o", "python_files=bench_*.py"]
        options += ["--benchmark-columns=median", f"--benchmark-json={report}"]
        status = int(pytest.main([*options, *(["-k", select] if select else []), _SUITE]))
        if not os.path.exists(report) or os.path.getsize(report) == 0:
            return status or 5, None
        with open(report, encoding="utf-8") as file:
            return status, json.load(file)
