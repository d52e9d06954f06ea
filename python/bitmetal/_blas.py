"""Where the BLAS of the cpu device lies. It is loaded by the first matrix product, not by import."""

import importlib.util
from pathlib import Path

from bitmetal import _core


def announce() -> None:
    """Tell the extension where the scipy-openblas32 package keeps its library."""
    spec = importlib.util.find_spec("scipy_openblas32")  # finds without importing
    if spec is None or spec.origin is None:
        return
    for name in ("libscipy_openblas.so", "libscipy_openblas.dylib"):
        library = Path(spec.origin).parent / "lib" / name
        if library.exists():
            _core.set_blas_path(str(library))
            return
