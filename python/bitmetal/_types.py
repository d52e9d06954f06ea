"""Names for what the functions accept."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from bitmetal._core import Array, Device, DType


class SupportsDLPack(Protocol):
    """An object whose memory can be shared by DLPack."""

    def __dlpack__(self, *, stream: Any = ...) -> object: ...


# Anything with the buffer protocol, __array_interface__ or __dlpack__, a number, or nested
# sequences of numbers: which cannot be spelled more tightly than this.
ArrayLike: TypeAlias = "Array | SupportsDLPack | Any"
DTypeLike: TypeAlias = "DType | str | type | Any"
DeviceLike: TypeAlias = "Device | str"
ShapeLike: TypeAlias = "int | Sequence[int]"
Index: TypeAlias = (
    "int | slice | EllipsisType | tuple[int | slice | EllipsisType | None, ...] | None"
)
