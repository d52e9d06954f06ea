"""Read and write safetensors files.

The format's own package has no NumPy front end for bf16; this one maps the file into memory and
gives :class:`bitmetal.Array` views of it, so that weights of any size open without a copy.
"""

from __future__ import annotations

import json
import math
import mmap
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

import bitmetal as bm

__all__ = ["load", "metadata", "save"]

_MAX_HEADER = 100_000_000
"""The format's limit, which keeps a hostile length from becoming an allocation."""

_METADATA = "__metadata__"

_DTYPES = {  # in the order in which the tensors of a file lie
    "I64": "int64",
    "F64": "float64",
    "F32": "float32",
    "I32": "int32",
    "BF16": "bfloat16",
    "F16": "float16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class _Tensor(NamedTuple):
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


class _Header(NamedTuple):
    tensors: list[_Tensor]
    metadata: dict[str, str]
    data: int  # where the tensors' bytes start in the file


def load(path: str | os.PathLike[str]) -> dict[str, bm.Array]:
    """Map a safetensors file into memory and return its tensors.

    Parameters
    ----------
    path
        The file. It must not be changed in place while an array of it lives; :func:`save`
        replaces a file instead, which is safe.

    Returns
    -------
    dict
        Name to array, in the order of the data in the file. The arrays are read-only views of the
        file; a tensor that the file does not align to its item size is copied.

    Raises
    ------
    ValueError
        The file is malformed, or holds a dtype that ``Array`` has not. The message names the file
        and, where there is one, the tensor.
    """
    with open(path, "rb") as file:
        header = _read_header(file, os.fspath(path))
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    arrays = {}
    for name, dtype, shape, begin, _ in header.tensors:
        view = np.ndarray(shape, dtype, buffer=mapped, offset=header.data + begin)
        arrays[name] = bm.asarray(view)
    return arrays


def metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the metadata of a safetensors file; empty where it has none.

    Raises
    ------
    ValueError
        As :func:`load`.
    """
    with open(path, "rb") as file:
        return _read_header(file, os.fspath(path)).metadata


def save(
    tensors: Mapping[str, npt.ArrayLike],
    path: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors to a safetensors file.

    Equal tensors and metadata give equal bytes, laid out as the format's own package does. The file
    is replaced in one step: arrays mapped from an older one of that name stay intact.

    Parameters
    ----------
    tensors
        Name to array; anything that ``np.asarray`` takes.
    path
        Where to write.
    metadata
        Strings to keep with the tensors.

    Raises
    ------
    ValueError
        A dtype that the format or the library has not, or the name ``__metadata__``.
    """
    # Wide items first keeps every tensor aligned without gaps, which the format forbids.
    arrays = {name: _little_endian(np.asarray(tensor)) for name, tensor in tensors.items()}
    order = sorted(arrays, key=lambda name: (_rank(name, arrays[name]), name))
    header: dict[str, Any] = {}
    if metadata:
        header[_METADATA] = dict(sorted(metadata.items()))
    end = 0
    for name in order:
        begin, end = end, end + arrays[name].nbytes
        header[name] = {
            "dtype": _NAMES[arrays[name].dtype.name],
            "shape": list(arrays[name].shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)

    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.urandom(8).hex()}")
    try:
        with open(temporary, "xb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in order:
                file.write(arrays[name].tobytes())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _rank(name: str, array: npt.NDArray[Any]) -> int:
    """Return the position of an array's dtype in the order of the file."""
    if name == _METADATA:
        raise ValueError(f"safetensors: {_METADATA!r} cannot be the name of a tensor")
    if array.dtype.name not in _NAMES:
        raise ValueError(f"safetensors: tensor {name!r} has dtype {array.dtype}, which has no code")
    return list(_DTYPES.values()).index(array.dtype.name)


def _little_endian(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    big = array.dtype.str.startswith(">")
    return array.astype(array.dtype.newbyteorder("<")) if big else array


def _read_header(file: BinaryIO, path: str) -> _Header:
    """Read and check everything but the tensors' bytes."""

    def bad(what: str) -> ValueError:
        return ValueError(f"safetensors: {path}: {what}")

    size = os.fstat(file.fileno()).st_size
    if size < 8:
        raise bad(f"{size} bytes is too short for a header")
    length = int.from_bytes(file.read(8), "little")
    if length > _MAX_HEADER:
        raise bad(f"the header has {length} bytes, more than the {_MAX_HEADER} allowed")
    if length > size - 8:
        raise bad(f"truncated: the header has {length} bytes, the file {size - 8} after its length")

    raw = file.read(length)
    if not raw.startswith(b"{"):
        raise bad("the header does not start with '{'")
    twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys: dict[str, Any] = {}
        for key, value in pairs:
            if key in keys:
                twice.append(key)
            keys[key] = value
        return keys

    try:
        header = json.loads(raw.decode(), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise bad(f"the header is not JSON: {error}") from None
    if twice:
        raise bad(f"duplicate key {twice[0]!r} in the header")

    texts = header.pop(_METADATA, {})
    if not (isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values())):
        raise bad(f"{_METADATA} is not a map of strings")
    tensors = [_read_tensor(name, info, bad) for name, info in header.items()]
    tensors.sort(key=lambda tensor: (tensor.begin, tensor.end))
    end = 0
    for tensor in tensors:
        if tensor.begin != end:
            what = "overlaps the one before" if tensor.begin < end else "leaves a gap before it"
            raise bad(f"tensor {tensor.name!r} {what}: it starts at {tensor.begin}, not at {end}")
        end = tensor.end
    if end != size - 8 - length:
        raise bad(f"the tensors take {end} bytes, the file has {size - 8 - length} for them")
    return _Header(tensors, texts, 8 + length)


def _read_tensor(name: str, info: object, bad: Callable[[str], ValueError]) -> _Tensor:
    """Check one tensor's entry by itself."""
    tensor = f"tensor {name!r}"
    if not isinstance(info, dict) or not {"dtype", "shape", "data_offsets"} <= info.keys():
        raise bad(f"{tensor} needs dtype, shape and data_offsets")
    code, shape, offsets = info["dtype"], info["shape"], info["data_offsets"]
    if not isinstance(code, str) or code not in _DTYPES:
        raise bad(f"{tensor} has dtype {code!r}; known are {', '.join(_DTYPES)}")
    if not _are_sizes(shape):
        raise bad(f"{tensor} has shape {shape!r}, not a list of sizes")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise bad(f"{tensor} has data_offsets {offsets!r}, not [begin, end]")
    dtype = _dtype(code)
    needed, (begin, end) = math.prod(shape) * dtype.itemsize, offsets
    if end - begin != needed:
        raise bad(f"{tensor} is {code} {shape}: {needed} bytes, but it is given {end - begin}")
    return _Tensor(name, dtype, tuple(shape), begin, end)


def _are_sizes(values: object) -> bool:
    # type() rather than isinstance(): JSON's true is an int to Python.
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)


def _dtype(code: str) -> np.dtype[Any]:
    if code == "BF16":
        import ml_dtypes  # here: most files have no bf16, and importing bitmetal stays quick

        bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    return np.dtype(_DTYPES[code]).newbyteorder("<")
