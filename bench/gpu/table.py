"""Write the GPU table of the docs from a results file of ``run.py``.

python bench/gpu/table.py bench/gpu/results/h100.json docs/gpu.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HEAD = """# On an NVIDIA GPU

Written by `bench/gpu/table.py` from `{source}`: commit {commit}, {date}, {card}, driver {driver},
torch {torch}. A copy by torch moves {copy:.0f} GB/s, read and written together; shares are of that.
Times are medians of GPU time, of factorizations on the clock; inputs are random, and every result
was held against float64.

| operation | type | shape | ms | GB/s | share of copy | TFLOP/s | torch's time / ours |
|---|---|---|---|---|---|---|---|
"""


def line(row: dict[str, Any]) -> str:
    """One row; a wrong result is no figure."""
    cells = [row["name"], row["dtype"], row["shape"]]
    if not row["error"] <= row["bound"]:
        return "| " + " | ".join([*cells, "wrong", "", "", "", ""]) + " |\n"
    peer = f" ({row['torch_name']})" if row["torch_name"] else ""
    cells += [
        f"{row['ms']:.4f}",
        f"{row['rate']:.0f}",
        f"{row['share']:.0%}",
        f"{row['tflops']:.1f}" if row["tflops"] else "",
        f"{row['torch_ratio']:.2f}{peer}" if row["torch_ratio"] else "",
    ]
    return "| " + " | ".join(cells) + " |\n"


def main() -> None:
    """Read the one file and write the other."""
    source, target = map(Path, sys.argv[1:])
    report = json.loads(source.read_text())
    text = HEAD.format(
        source=source.as_posix(),
        commit=report["commit"],
        date=report["date"],
        card=report["card"]["name"],
        driver=report["card"]["driver_version"],
        torch=report["torch"],
        copy=report["copy_rate"],
    )
    target.write_text(text + "".join(map(line, report["rows"])))


if __name__ == "__main__":
    main()
