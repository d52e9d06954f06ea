"""Compiled kernels of a Metal device."""

from __future__ import annotations

from bitmetal import _core

__all__ = ["stats"]


def stats(device: _core.Device | str | None = None) -> dict[str, float]:
    """Count what was compiled.

    Parameters
    ----------
    device : Device or str, optional
        The device; the default one if None.

    Returns
    -------
    dict
        ``libraries`` and ``pipelines``: compiled. ``hits``: pipelines that were there already.
        ``compile_seconds``: spent in the compiler. All 0 on a device that compiles nothing.
    """
    found = _core.device(device)
    if found.kind not in ("metal", "softmetal"):
        return {"libraries": 0, "pipelines": 0, "hits": 0, "compile_seconds": 0.0}
    return dict(_core.pipelines_stats(found))
