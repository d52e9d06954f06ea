"""Where NVIDIA's compiler lies, for the device `cuda`. Nothing is loaded at import."""

import importlib.util
from pathlib import Path

from bitmetal import _core


def announce() -> None:
    """Tell the extension where NVIDIA's package keeps NVRTC, if it is installed."""
    spec = importlib.util.find_spec("nvidia")  # finds without importing
    if spec is None or not hasattr(_core, "set_nvrtc_path"):  # a build without the device
        return
    for folder in spec.submodule_search_locations or []:
        # nvidia/cu13/lib, and nvidia/cuda_nvrtc/lib in packages for CUDA 12
        for library in sorted(Path(folder).glob("*/lib/libnvrtc.so.1[23]"), reverse=True):
            _core.set_nvrtc_path(str(library))
            return
