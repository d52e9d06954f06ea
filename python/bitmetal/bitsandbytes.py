"""bitsandbytes' operations on tensors of the host and of Metal, by bitmetal's kernels.

``import bitsandbytes`` finds it through the entry point group ``bitsandbytes.backends``. The
environment variable ``BITMETAL_BITSANDBYTES`` decides: ``off`` leaves bitsandbytes alone,
``verbose`` says on stderr which operations were served from here.
"""

from __future__ import annotations

import atexit
import os
import sys
import warnings
from collections import Counter

calls: Counter[str] = Counter()
"""How often each operation was served from here in this process."""


def register() -> None:
    """Register the kernels; called by ``import bitsandbytes``.

    Never raises: where anything is amiss, one warning says so and bitsandbytes' own kernels stay.
    """
    mode = os.environ.get("BITMETAL_BITSANDBYTES", "on")
    if mode == "off":
        return
    try:
        if mode not in ("on", "verbose"):
            raise ValueError(
                f"BITMETAL_BITSANDBYTES is {mode!r}, expected 'on', 'off' or 'verbose'"
            )
        import bitmetal
        from bitmetal import _bitsandbytes_kernels

        metal = any(device.kind == "metal" for device in bitmetal.devices())
        devices = ("cpu", "mps") if metal else ("cpu",)
        names = _bitsandbytes_kernels.register(devices)
    except Exception as error:
        warnings.warn(
            f"bitmetal: bitsandbytes keeps its own kernels: {error}", RuntimeWarning, stacklevel=2
        )
        return
    if mode == "verbose":
        print(f"bitmetal: serves {', '.join(names)} on {' and '.join(devices)}", file=sys.stderr)
        atexit.register(_report)


def _report() -> None:
    for name, count in sorted(calls.items()):
        print(f"bitmetal: {name}: {count} calls", file=sys.stderr)
