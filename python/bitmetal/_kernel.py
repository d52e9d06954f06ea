"""The class `Kernel`, also where the build has no Metal device: there it says so."""

from __future__ import annotations

from bitmetal import _core
from bitmetal._errors import CapabilityError

__all__ = ["Kernel"]

if hasattr(_core, "Kernel"):
    Kernel = _core.Kernel
else:

    class Kernel:  # type: ignore[no-redef]
        """A kernel of your own, in the Metal Shading Language. This build has no device for it."""

        def __init__(self, *arguments: object, **options: object) -> None:
            reasons = {kind: reason for kind, _, reason in _core.availability()}
            raise CapabilityError(f"kernel: no device runs Metal kernels: {reasons['softmetal']}")
