"""The libraries that rows are timed beside: each optional, a missing one named in the report."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from types import ModuleType

import bitmetal as bm

MISSING: set[str] = set()
# What a peer is called in the table, and the package to install for it.
PACKAGES = {
    "torch": "torch",
    "scipy.linalg": "scipy",
    "bitsandbytes": "bitsandbytes",
    "mlx.core": "mlx[cpu]",
    "ggml": "pywhispercpp",
}


def optional(module: str) -> ModuleType | None:
    """Import a peer, with as many threads as bitmetal has, or note that it is missing."""
    os.environ["BITMETAL_BITSANDBYTES"] = "off"  # else its operators would be served by us
    try:
        peer = importlib.import_module(module)
    except ImportError:
        MISSING.add(PACKAGES[module])
        return None
    if module == "torch":
        peer.set_num_threads(bm.num_threads())
    return peer


def versions() -> dict[str, str]:
    """Versions of NumPy and of every peer that is installed."""
    found = {}
    for package in ("numpy", *(name.partition("[")[0] for name in PACKAGES.values())):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
