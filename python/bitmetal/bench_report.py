"""What ``python -m bitmetal bench`` says: a table, also in Markdown; a plot; a comparison."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Report = Mapping[str, Any]  # as pytest-benchmark writes it, with the suite's "bitmetal" entry


def text(report: Report) -> str:
    """Lay the report out for a terminal, one row a benchmark."""
    columns = _columns(report)
    rows = list(_rows(report))
    width = max((len(name) for name, _, _ in rows), default=0)
    header = " ".join(f"{column:>8}" for column in columns)
    lines = [_machine(report), f"{'':{width}} {'median':>10} {header}"]
    for name, seconds, info in rows:
        cells = " ".join(
            f"{_figure(column, info.get(column)):>{max(8, len(column))}}" for column in columns
        )
        lines.append(f"{name:{width}} {seconds * 1e6:7.1f} us {cells}")
    return "\n".join([*lines, _explanation(report)])


def figures(report: Report) -> dict[str, Any]:
    """Keep what a later run is compared with: the ratios, and where they were measured."""
    kept = {}
    for name, seconds, info in _rows(report):
        ratios = {column: value for column, value in info.items() if column.startswith("x ")}
        kept[name] = {"us": seconds * 1e6, **ratios}
    return {"bitmetal": report["bitmetal"], "rows": kept}


def slower(before: Mapping[str, Any], now: Mapping[str, Any], tolerance: float) -> list[str]:
    """Name the rows whose ratio to a peer fell by more than `tolerance` (a share of it).

    A ratio to a peer that was timed in the same run changes little with the machine and its load,
    which a time does not.
    """
    lines = []
    for name, row in now["rows"].items():
        for column, ratio in row.items():
            past = before["rows"].get(name, {}).get(column)
            if column.startswith("x ") and past and ratio < past * (1 - tolerance):
                lines.append(f"slower: {name}: {ratio:.2f} {column}, was {past:.2f}")
    return lines


def write_docs(report: Report, folder: Path) -> None:
    """Write the table as Markdown and, where matplotlib is installed, the roofline plot."""
    lines = ["# Benchmarks", "", "Written by `python -m bitmetal bench --docs docs`.", ""]
    lines += [_machine(report) + f"; {platform.platform(terse=True)}.", ""]
    if _plot(report, folder / "roofline.svg"):
        lines += ["![operations a second against operations a byte](roofline.svg)", ""]
    columns = _columns(report)
    lines.append("| row | median | " + " | ".join(columns) + " |")
    lines.append("|---|--:|" + "--:|" * len(columns))
    for name, seconds, info in _rows(report):
        cells = " | ".join(_figure(column, info.get(column)) for column in columns)
        lines.append(f"| `{name}` | {seconds * 1e6:.1f} us | {cells} |")
    lines += ["", _explanation(report).replace("\n", " ")]
    (folder / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _rows(report: Report) -> Iterator[tuple[str, float, dict[str, Any]]]:
    for row in report["benchmarks"]:
        yield row["name"].removeprefix("test_"), row["stats"]["median"], row["extra_info"]


def _columns(report: Report) -> list[str]:
    present = {column for _, _, info in _rows(report) for column in info}
    rates = [c for c in ("GB/s", "of copy", "GOP/s", "of int8") if c in present]
    ratios = sorted((c for c in present if c.startswith("x ")), key=lambda c: (c != "x numpy", c))
    return rates + ratios


def _machine(report: Report) -> str:
    about = report["bitmetal"]
    rates = about["limits"]
    limits = [f"copies {rates['copy'] / 1e9:.0f} GB/s"] if rates else []
    if rates.get("int8"):
        limits.append(f"{rates['int8'] / 1e9:.0f} GOP/s of 8-bit multiplications and additions")
    parts = [about["device"], about["isa"], f"{about['threads']} threads", *limits]
    parts += [f"bitmetal {about['version']}", about["compiler"]]
    parts += [f"{name} {version}" for name, version in about["peers"].items()]
    return ", ".join(parts)


def _explanation(report: Report) -> str:
    lines = [
        "GB/s: bytes read and written. of copy, of int8: share of the copy bandwidth and of the",
        "8-bit multiply rate measured in this run. x NAME: times as fast as NAME, medians of",
        "calls made in turn.",
    ]
    if missing := report["bitmetal"]["missing"]:
        lines.append(f"Not installed, so not compared: {', '.join(missing)}.")
    return "\n".join(lines)


def _figure(column: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0%}" if column.startswith("of ") else f"{value:.2f}"


def _plot(report: Report, path: Path) -> bool:
    """Draw achieved rates under the machine's two roofs; False without matplotlib."""
    try:
        from matplotlib import pyplot
    except ImportError:
        print("bench: no roofline plot: matplotlib is not installed")
        return False
    points = [
        (info["operations"] / info["bytes"], info["GOP/s"], name)
        for name, _, info in _rows(report)
        if info.get("GOP/s")
    ]
    rates = report["bitmetal"]["limits"]
    figure, axes = pyplot.subplots(figsize=(9, 5.5))
    intensity = [0.25, 4096.0]
    axes.plot(intensity, [x * rates["read"] / 1e9 for x in intensity], "k--", lw=1)
    if rates.get("int8"):
        axes.axhline(rates["int8"] / 1e9, color="k", lw=1)
    for kind in sorted({name.partition("[")[0] for _, _, name in points}):
        mine = [(x, y) for x, y, name in points if name.partition("[")[0] == kind]
        axes.plot(*zip(*mine, strict=True), "o", label=kind)
    axes.set(xscale="log", yscale="log", xlabel="operations a byte", ylabel="GOP/s", xlim=intensity)
    axes.set_ylim(bottom=1)
    axes.set_title("dashed: read from memory; line: 8-bit multiply rate", fontsize=9)
    axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return True
