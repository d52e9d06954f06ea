"""Compiled kernels of a Metal device."""

from __future__ import annotations

import atexit

from bitmetal import _core

__all__ = ["archive", "save", "stats"]


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
        ``archived``: of ``pipelines``, those that were found on disk. ``compile_seconds``: spent in
        the compiler. All 0 on a device that compiles nothing.
    """
    found = _core.device(device)
    if found.kind == "cpu":
        names = ("libraries", "pipelines", "hits", "archived")
        return {**dict.fromkeys(names, 0), "compile_seconds": 0.0}
    return dict(_core.pipelines_stats(found))


def archive(device: _core.Device | str | None = None) -> str:
    """Return the file that keeps compiled pipelines for later processes; "" where there is none.

    It lies in ``BITMETAL_CACHE_DIR``, else in ``~/Library/Caches/bitmetal`` on macOS and
    ``$XDG_CACHE_HOME/bitmetal`` or ``~/.cache/bitmetal`` elsewhere. An empty ``BITMETAL_CACHE_DIR``
    means no file. One that is damaged, or another system's, is written anew.

    Parameters
    ----------
    device : Device or str, optional
        The device; the default one if None.
    """
    found = _core.device(device)
    return _core.pipelines_archive(found) if found.kind != "cpu" else ""


def save() -> None:
    """Write the file now; it is also written when Python ends."""
    if hasattr(_core, "pipelines_save"):  # only in builds with a Metal device
        _core.pipelines_save()


atexit.register(save)
