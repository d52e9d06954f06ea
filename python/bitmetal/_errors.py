"""The library's own exceptions. The extension raises them; ValueError and the like are Python's."""


class DeviceError(RuntimeError):
    """A device is absent, was lost, or reported a fault; or arrays are on different ones."""


class CompileError(RuntimeError):
    """A kernel's source was rejected. The message is the compiler's log."""


class CapabilityError(NotImplementedError):
    """The device cannot do this (float64 on a GPU, for example)."""


for _class in (DeviceError, CompileError, CapabilityError):
    _class.__module__ = "bitmetal"
