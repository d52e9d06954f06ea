"""Print the folder of metal-cpp in the mlx-metal distribution of this Python, or nothing.

Its wheels are for macOS only; elsewhere ``tools/fetch_metal_cpp.py`` puts one under ``.deps``.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

HEADER = "metal_cpp/Metal/Metal.hpp"


def find() -> Path | None:
    """Return the folder that holds ``Metal/Metal.hpp``."""
    sys.path.append(str(Path(__file__).resolve().parent.parent / ".deps"))
    try:
        files = importlib.metadata.files("mlx-metal") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        if str(file).endswith(HEADER) and Path(str(file.locate())).exists():
            return Path(str(file.locate())).parent.parent
    return None


print(find() or "")
