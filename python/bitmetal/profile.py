"""Where the time goes: `profile`."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import bitmetal as bm
from bitmetal import _core

__all__ = ["Event", "Profile"]

_MEASURED_BYTES = 1 << 24  # of a copy that measures a GPU


class Event(NamedTuple):
    """One operation of the cpu device, kernel of a GPU, or copy from or to its memory."""

    name: str
    device: str
    begin: float
    end: float
    bytes: int
    thread: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin


class Profile:
    """Record what takes the time inside ``with bitmetal.profile() as p:``, on every thread.

    On the cpu device that is the wall time of each operation; on a GPU the GPU's own time of each
    kernel, for which every dispatch gets a command buffer to itself, and, where the GPU has memory
    of its own, the copies to and from it. Leaving the block waits for what is under way. Profiles
    nest. Nothing is recorded outside of the block.

    Attributes
    ----------
    events : list of Event
        What was recorded, in the order of completion; there when the block is left.

    Examples
    --------
    >>> import bitmetal as bm
    >>> with bm.profile() as p:
    ...     a = bm.ones((4, 4), device="cpu")
    ...     b = bm.softmax(a)
    >>> [event.name for event in p.events]
    ['fill', 'softmax']
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __enter__(self) -> Profile:
        """Start recording."""
        self._recorder = _core.ProfileRecorder()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for what is under way, and stop."""
        self._recorder.stop()
        self.events = [Event(*row) for row in self._recorder.events()]

    def table(self) -> str:
        """Sum the events up by name, those that took longest first.

        Returns
        -------
        str
            A line for each name: calls, time, bytes of all operands, and what share of the rate at
            which the device copies memory these bytes a second are. That rate is measured by this
            call. A share above 100 % means that operands stayed in a cache.
        """
        groups: dict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in self.events:
            groups[event.device, event.name].append(event)
        limits = {device: _copy_rate(device) for device, _ in groups}
        rows = []
        for (device, name), events in groups.items():
            seconds = sum(event.seconds for event in events)
            moved = sum(event.bytes for event in events)
            rate = moved / seconds if seconds else 0.0
            rows.append((seconds, device, name, len(events), moved, rate, rate / limits[device]))
        rows.sort(reverse=True)
        width = max([len(row[2]) for row in rows], default=4)
        lines = [
            f"{'device':<10} {'name':<{width}} {'calls':>6} {'ms':>10} {'MB':>10} {'GB/s':>8} "
            f"{'of copy':>8}"
        ]
        for seconds, device, name, calls, moved, rate, share in rows:
            lines.append(
                f"{device:<10} {name:<{width}} {calls:>6} {seconds * 1e3:>10.3f} "
                f"{moved / 1e6:>10.2f} {rate / 1e9:>8.2f} {share:>8.1%}"
            )
        return "\n".join(lines)

    def trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as a trace that Chrome (``chrome://tracing``) and Perfetto show.

        Parameters
        ----------
        path : str or path
            The file, which is replaced.
        """
        devices = sorted({event.device for event in self.events})
        first = min((event.begin for event in self.events), default=0.0)
        rows: list[dict[str, object]] = [
            {"ph": "M", "name": "process_name", "pid": pid, "args": {"name": device}}
            for pid, device in enumerate(devices)
        ]
        for event in self.events:
            rows.append(
                {
                    "ph": "X",
                    "name": event.name,
                    "pid": devices.index(event.device),
                    "tid": event.thread,
                    "ts": (event.begin - first) * 1e6,
                    "dur": event.seconds * 1e6,
                    "args": {"bytes": event.bytes},
                }
            )
        Path(path).write_text(json.dumps({"traceEvents": rows}))


def _copy_rate(kind: str) -> float:
    """Measure the bytes a second, read plus written, that a device copies."""
    if kind == "cpu":
        return float(_core.cpu_limits()[0])
    a = bm.zeros((_MEASURED_BYTES,), "uint8", device=kind)
    best = float("inf")
    for _ in range(3):
        with bm.batch(kind) as job:
            a.copy()
        job.wait()
        best = min(best, job.gpu_seconds)
    return 2 * _MEASURED_BYTES / best
