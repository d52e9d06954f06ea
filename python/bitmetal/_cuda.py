"""Where NVIDIA's compiler lies, for the device `cuda`. Nothing is loaded at import."""

import importlib.util
from pathlib import Path

from bitmetal import _core


def announce() -> None:
    """Tell the extension where NVIDIA's package keeps NVRTC, if it is installed."""
    set_path = getattr(_core, "set_nvrtc_path", None)  # only builds that can have the device
    spec = importlib.util.find_spec("nvidia") if set_path else None  # finds without importing
    for folder in (spec.submodule_search_locations or []) if spec else []:
        # nvidia/cu13/lib, and nvidia/cuda_nvrtc/lib in packages for CUDA 12
        for library in sorted(Path(folder).glob("*/lib/libnvrtc.so.1[23]"), reverse=True):
            set_path(str(library))
            return
