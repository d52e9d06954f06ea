"""The benchmark command's report: its table, its documents, its comparison of two runs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from bitmetal import bench_report

REPORT: dict[str, Any] = {
    "benchmarks": [
        {
            "name": "test_product[1]",
            "stats": {"median": 2e-6},
            "extra_info": {
                "bytes": 1000,
                "operations": 4000,
                "GB/s": 0.5,
                "of copy": 0.25,
                "GOP/s": 2.0,
                "x numpy": 4.0,
                "x torch": 1.5,
            },
        },
        {"name": "test_alone", "stats": {"median": 1e-6}, "extra_info": {"GB/s": 1.0}},
    ],
    "bitmetal": {
        "version": "1",
        "device": "a processor",
        "isa": "generic",
        "threads": 2,
        "compiler": "a compiler",
        "limits": {"copy": 4e10, "read": 5e10, "int8": 2e12},
        "peers": {"numpy": "2"},
        "missing": ["torch"],
    },
}


def test_the_table_has_a_row_for_each_benchmark_and_names_missing_peers() -> None:
    first, header, *rows, _, _, _, missing = bench_report.text(REPORT).splitlines()
    assert "a processor, generic, 2 threads, copies 40 GB/s, 2000 GOP/s" in first
    assert header.split() == ["median", "GB/s", "of", "copy", "GOP/s", "x", "numpy", "x", "torch"]
    assert rows[0].split() == ["product[1]", "2.0", "us", "0.50", "25%", "2.00", "4.00", "1.50"]
    assert rows[1].split() == ["alone", "1.0", "us", "1.00"]
    assert "torch" in missing


def test_a_ratio_that_fell_is_named() -> None:
    before = bench_report.figures(REPORT)
    later = copy.deepcopy(REPORT)
    later["benchmarks"][0]["stats"]["median"] = 1  # a slower machine: not what is compared
    later["benchmarks"][0]["extra_info"]["x numpy"] = 3.0
    after = bench_report.figures(later)
    assert bench_report.slower(before, before, 0.2) == []
    assert bench_report.slower(before, after, 0.3) == []
    assert bench_report.slower(before, after, 0.2) == ["slower: product[1]: 3.00 x numpy, was 4.00"]


def test_the_documents_hold_the_same_figures(tmp_path: Path) -> None:
    bench_report.write_docs(REPORT, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| `product[1]` | 2.0 us | 0.50 | 25% | 2.00 | 4.00 | 1.50 |" in page
    assert "| `alone` | 1.0 us | 1.00 |  |  |  |  |" in page


def test_the_plot_is_drawn_where_matplotlib_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    bench_report.write_docs(REPORT, tmp_path)
    assert "product" in (tmp_path / "roofline.svg").read_text(encoding="utf-8")
    assert "(roofline.svg)" in (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
