"""docs/operations.md says what the code does."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import bitmetal as bm
from table import np_dtype

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not (ROOT / "tools").is_dir(), reason="no source tree")


def test_table_is_fresh() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import operations
    finally:
        sys.path.pop(0)
    assert operations.stale() == [], "run tools/operations.py with a build that has a Metal device"


def test_promotion_table_is_the_codes() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| \*\*(\w+)\*\* \| (.*) \|$", page, re.M)
    columns = [name for name, _ in rows]
    assert len(rows) == 9
    for name, cells in rows:
        for other, expected in zip(columns, cells.split(" | "), strict=True):
            with bm.device("cpu"):
                a, b = bm.ones((1,), np_dtype(name)), bm.ones((1,), np_dtype(other))
                assert bm.maximum(a, b).dtype.name == expected, (name, other)
