"""Debugging kernels on softmetal: thread orders, the checker, faults, live objects.

Settings hold for the process. Each function first waits for what is under way, so that a setting
never changes in the middle of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from bitmetal import _core
from bitmetal._errors import DeviceError

__all__ = [
    "available",
    "checking",
    "clear_faults",
    "delay_completion",
    "fail_allocations",
    "fail_command_buffers",
    "live_objects",
    "lose_device",
    "order",
    "profile",
    "profiles",
    "set_check",
    "set_order",
    "set_profile",
    "set_threads",
    "take_reports",
]

Order = Literal["forward", "reverse", "shuffled"]
_ORDERS: tuple[Order, ...] = ("forward", "reverse", "shuffled")


def available() -> bool:
    """Return whether this build has softmetal."""
    return hasattr(_core, "softmetal_set_check")


def _settle() -> None:
    if not available():
        _core.device("softmetal")  # raises, and says why
    with suppress(DeviceError):  # whoever waits for the failed work hears of it
        _core.device("softmetal").synchronize()


def set_check(on: bool) -> None:
    """Switch the checker on or off.

    It finds races, accesses out of bounds and reads of threadgroup memory that was never written. A
    finding fails the command buffer: whoever waits gets a `DeviceError` with its text.

    The bounds of an argument are those of the array that was given.
    """
    _settle()
    _core.softmetal_set_check(on)


@contextmanager
def checking() -> Iterator[None]:
    """Switch the checker on for a block."""
    _settle()
    before = _core.softmetal_check()
    set_check(True)
    try:
        yield
    finally:
        set_check(before)


def take_reports() -> list[str]:
    """Return what the checker found since the last call, oldest first."""
    _settle()
    return list(_core.softmetal_take_reports())


def set_order(name: Order, seed: int = 0) -> None:
    """Set the order in which a kernel's threads, and independent dispatches, run.

    A correct kernel gives the same result in each; one that misses a barrier often does not. Equal
    seeds give equal orders.
    """
    if name not in _ORDERS:
        raise ValueError(f"softmetal.set_order: name is {name!r}, expected one of {_ORDERS}")
    _settle()
    _core.softmetal_set_order(_ORDERS.index(name), seed)


@contextmanager
def order(name: Order, seed: int = 0) -> Iterator[None]:
    """Set the order for a block."""
    _settle()
    before, seed_before = _core.softmetal_order()
    set_order(name, seed)
    try:
        yield
    finally:
        set_order(_ORDERS[before], seed_before)


def set_threads(count: int) -> None:
    """Set how many of the machine's threads run kernels; 0 for one a processor."""
    _settle()
    _core.softmetal_set_threads(count)


def fail_allocations(count: int = 1, *, skip: int = 0) -> None:
    """Let `count` allocations fail, after `skip` that succeed."""
    _settle()
    _core.softmetal_fail_allocations(skip, count)


def fail_command_buffers(count: int = 1, *, skip: int = 0, code: int = 1) -> None:
    """Let `count` command buffers fail with an ``MTLCommandBufferError``, after `skip` others."""
    _settle()
    _core.softmetal_fail_command_buffers(skip, count, code)


def lose_device(lost: bool = True) -> None:
    """Let every command buffer and allocation fail, as when an external GPU is unplugged."""
    _settle()
    _core.softmetal_lose_device(lost)


def delay_completion(seconds: float) -> None:
    """Let each command buffer take this much longer."""
    _settle()
    _core.softmetal_delay_completion(round(seconds * 1e6))


def clear_faults() -> None:
    """End all faults and delays."""
    _settle()
    _core.softmetal_clear_faults()


def live_objects() -> dict[str, int]:
    """Count the Metal objects that are alive, by class."""
    _settle()
    return dict(_core.softmetal_live_objects())


def profiles() -> list[str]:
    """Return the Apple GPUs whose limits softmetal can show.

    "apple7" is M1, "apple8" M2, "apple9" M3; "apple3" (A9) allows 512 threads and 16 KiB of memory
    for a threadgroup, and "paravirtual" is the GPU of a virtual machine.
    """
    return list(_core.softmetal_profiles())


def set_profile(name: str) -> None:
    """Show the name, the families and the limits of an Apple GPU.

    Kernels and arrays that exceed the limits fail as they do there. The environment variable
    ``SOFTMETAL_PROFILE`` does the same.

    Raises
    ------
    ValueError
        If `name` is none of `profiles`.
    DeviceError
        If the device has been used already: a GPU does not change.
    """
    if not available():
        _core.device("softmetal")  # raises, and says why
    if _core.softmetal_live_objects().get("MTLDevice"):
        raise DeviceError(
            "softmetal.set_profile: the device has been used already; set it before, or in "
            "SOFTMETAL_PROFILE"
        )
    if not _core.softmetal_set_profile(name):
        raise ValueError(f"softmetal.set_profile: name is {name!r}, expected one of {profiles()}")


def profile() -> str:
    """Return the one that it shows."""
    return str(_core.softmetal_profile())
