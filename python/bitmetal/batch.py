"""Many operations in one command buffer: `batch`."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from types import TracebackType

from bitmetal import _core
from bitmetal._core import Device

__all__ = ["Batch"]


class Batch:
    """Operations that are handed to a device together.

    Inside ``with bitmetal.batch() as job:`` nothing is committed until the block is left, unless
    the host looks at a result: that needs it now. Results are ordinary arrays, which wait where
    they are read; ``job.wait()`` and ``await job`` wait for all of them. On the cpu device
    operations are done when they return, and a batch changes nothing.

    Parameters
    ----------
    device : Device or str, optional
        The device; the default one if None.

    Examples
    --------
    >>> import bitmetal as bm
    >>> with bm.batch() as job:
    ...     a = bm.ones((4, 4))
    ...     b = a @ a
    >>> job.wait()
    >>> b[0, 0].item()
    4.0
    """

    def __init__(self, device: Device | str | None = None) -> None:
        self._device = _core.device(device)
        self._first = self._last = 0

    def __enter__(self) -> Batch:
        """Start the batch."""
        self._first = _core.batch_begin(self._device)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit what was recorded, also when the block failed: its arrays may be in use."""
        self._last = _core.batch_end(self._device)

    def wait(self) -> None:
        """Wait until the operations are done.

        Raises
        ------
        DeviceError
            If the device failed to run them.
        """
        _core.batch_wait(self._device, self._first, self._last)

    def __await__(self) -> Generator[object, None, None]:
        """Wait without blocking the event loop; raises as `wait`."""
        return asyncio.to_thread(self.wait).__await__()

    @property
    def done(self) -> bool:
        """Whether the operations are done, well or not."""
        return bool(_core.batch_done(self._device, self._last))

    @property
    def gpu_seconds(self) -> float:
        """How long the device worked on it, as far as it is done; 0 on the cpu device."""
        return float(_core.batch_seconds(self._device, self._first, self._last))
