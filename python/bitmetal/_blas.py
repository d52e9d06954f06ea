"""Where the BLAS of the cpu device lies. The first matrix product loads it, not import."""

import importlib.util
import os

from bitmetal import _core


def announce() -> None:
    """Tell the extension where the scipy-openblas32 package keeps its library."""
    spec = importlib.util.find_spec("scipy_openblas32")  # finds without importing
    if spec is None or spec.origin is None:
        return
    for name in ("libscipy_openblas.so", "libscipy_openblas.dylib"):
        library = os.path.join(os.path.dirname(spec.origin), "lib", name)
        if os.path.exists(library):
            _core.set_blas_path(library)
            return
