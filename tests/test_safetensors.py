import json
import struct
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitmetal import safetensors

reference = pytest.importorskip("safetensors")
reference_numpy = pytest.importorskip("safetensors.numpy")

BF16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [np.dtype(d) for d in ("f8", "f4", "f2", "i8", "i4", "i1", "u1", "?")] + [BF16]
SHAPES = [(), (0,), (1,), (2, 0, 4), (3,), (2, 3, 5)]


def values(dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    return (
        (np.arange(np.prod(shape, dtype=int)) % 7 - (dtype.kind in "if"))
        .reshape(shape)
        .astype(dtype)
    )


def file_of(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str, shape: list, begin: int, end: int) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_was_saved_is_loaded(path, dtype, shape):
    saved = values(dtype, shape)
    safetensors.save({"w": saved}, path)
    loaded = np.asarray(safetensors.load(path)["w"])
    assert loaded.dtype == dtype
    assert loaded.shape == shape
    assert loaded.tobytes() == saved.tobytes()


def test_bytes_are_those_of_the_reference(path):
    tensors = {f"{i}.{d}": values(d, s) for d in DTYPES for i, s in enumerate(SHAPES)}
    safetensors.save(tensors, path, {"format": "np"})
    assert path.read_bytes() == reference_numpy.save(tensors, {"format": "np"})


def test_reference_files_are_read(path):
    tensors = {f"{i}.{d}": values(d, s) for d in DTYPES for i, s in enumerate(SHAPES)}
    reference_numpy.save_file(tensors, path, {"ключ": "значение"})
    loaded = safetensors.load(path)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(np.asarray(loaded[name]), tensor)
    assert safetensors.metadata(path) == {"ключ": "значение"}


def test_no_tensors(path):
    safetensors.save({}, path)
    assert safetensors.load(path) == {}
    assert safetensors.metadata(path) == {}


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=">i4").reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(24, dtype=np.float32)[::-2],
        np.broadcast_to(np.float16(3), (4, 5)),
    ],
    ids=["big-endian", "column-major", "strided", "broadcast"],
)
def test_any_layout_is_saved(path, array):
    safetensors.save({"w": array}, path)
    np.testing.assert_array_equal(np.asarray(safetensors.load(path)["w"]), array)


def test_loaded_arrays_can_be_saved(path, tmp_path):
    tensors = {str(d): values(d, (2, 3)) for d in DTYPES}
    safetensors.save(tensors, path)
    safetensors.save(safetensors.load(path), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/maps")
def test_arrays_are_views_of_the_file(path):
    safetensors.save({"w": np.arange(4096.0)}, path)
    array = safetensors.load(path)["w"]
    address = np.asarray(array).ctypes.data
    for line in Path("/proc/self/maps").read_text().splitlines():
        begin, end = (int(edge, 16) for edge in line.split()[0].split("-"))
        if begin <= address < end:
            assert line.endswith(str(path))
            return
    pytest.fail("the array's address is not mapped")


def test_arrays_are_read_only(path):
    safetensors.save({"w": np.arange(4.0)}, path)
    array = np.asarray(safetensors.load(path)["w"])
    assert not array.flags.writeable


def test_saving_over_a_loaded_file_leaves_its_arrays_alone(path):
    safetensors.save({"w": np.arange(1000.0)}, path)
    array = safetensors.load(path)["w"]
    safetensors.save({"w": np.zeros(2)}, path)
    np.testing.assert_array_equal(np.asarray(array), np.arange(1000.0))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_tensors_that_the_file_misaligns(path):
    data = np.arange(6, dtype="<f4").tobytes()
    header = json.dumps({"w": entry("F32", [6], 0, 24)}).encode()
    for pad in range(4):
        path.write_bytes(file_of(header + b" " * pad, data))
        array = np.asarray(safetensors.load(path)["w"])
        assert array.flags.aligned
        np.testing.assert_array_equal(array, np.arange(6))


MALFORMED = {
    "empty file": (b"", "too short"),
    "short length": (b"\x02\0\0", "too short"),
    "header cut": (struct.pack("<Q", 99) + b"{}", "truncated"),
    "header past the limit": (struct.pack("<Q", 1 << 40) + b"{}", "more than"),
    "largest length": (b"\xff" * 8 + b"{}", "more than"),
    "no header": (file_of(b""), "does not start"),
    "space before the header": (file_of(b" {}"), "does not start"),
    "a list": (file_of([]), "does not start"),
    "cut JSON": (file_of(b'{"w":'), "not JSON"),
    "text after JSON": (file_of(b"{}x"), "not JSON"),
    "not UTF-8": (file_of(b'{"\xff":1}'), "not JSON"),
    "deep JSON": (file_of(b'{"w":' + b"[" * 200_000), "not JSON"),
    "a long number": (file_of(b'{"w":' + b"9" * 5000 + b"}"), "not JSON"),
    "metadata not a map": (file_of({"__metadata__": 3}), "__metadata__"),
    "metadata not strings": (file_of({"__metadata__": {"a": 3}}), "__metadata__"),
    "tensor not a map": (file_of({"w": 3}), "'w'"),
    "no dtype": (file_of({"w": {"shape": [], "data_offsets": [0, 0]}}), "'w'"),
    "unknown dtype": (file_of({"w": entry("F12", [1], 0, 1)}, b"x"), "'w' has dtype 'F12'"),
    "dtype not a string": (file_of({"w": entry(["F32"], [1], 0, 4)}, b"x" * 4), "'w' has dtype"),
    "shape not a list": (file_of({"w": entry("U8", 1, 0, 1)}, b"x"), "'w' has shape"),
    "negative size": (file_of({"w": entry("U8", [-1, -1], 0, 1)}, b"x"), "'w' has shape"),
    "size not an integer": (file_of({"w": entry("U8", [1.0], 0, 1)}, b"x"), "'w' has shape"),
    "size true": (file_of({"w": entry("U8", [True], 0, 1)}, b"x"), "'w' has shape"),
    "shape too large": (file_of({"w": entry("U8", [2], 0, 1)}, b"x"), "'w' is U8 [2]: 2 bytes"),
    "shape past 64 bits": (file_of({"w": entry("U8", [1 << 32] * 3, 0, 0)}), "'w' is U8"),
    "offsets reversed": (file_of({"w": entry("U8", [0], 1, 0)}, b"x"), "'w' has data_offsets"),
    "one offset": (file_of({"w": {**entry("U8", [], 0, 1), "data_offsets": [1]}}, b"x"), "'w'"),
    "past the end": (file_of({"w": entry("U8", [2], 0, 2)}, b"x"), "take 2 bytes"),
    "bytes left over": (file_of({"w": entry("U8", [1], 0, 1)}, b"xy"), "take 1 bytes"),
    "starts late": (file_of({"w": entry("U8", [1], 1, 2)}, b"xy"), "'w' leaves a gap"),
    "gap": (
        file_of({"v": entry("U8", [1], 0, 1), "w": entry("U8", [1], 2, 3)}, b"xyz"),
        "'w' leaves a gap",
    ),
    "overlap": (
        file_of({"v": entry("U8", [2], 0, 2), "w": entry("U8", [2], 1, 3)}, b"xyz"),
        "'w' overlaps",
    ),
    "duplicate tensor": (
        file_of(b'{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{}}'),
        "duplicate key 'w'",
    ),
    "duplicate field": (
        file_of(b'{"w":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}'),
        "duplicate key 'dtype'",
    ),
}


@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_files_are_named(path, content, message):
    path.write_bytes(content)
    for read in safetensors.load, safetensors.metadata:
        with pytest.raises(ValueError, match=r"^safetensors: ") as error:
            read(path)
        assert str(path) in str(error.value)
        assert message in str(error.value)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzzed") / "weights.safetensors"


@settings(max_examples=300)
@given(st.data())
def test_damaged_files_are_read_or_refused(fuzzed, data):
    # Nothing but ValueError comes out, and what is accepted, the reference accepts too.
    content = bytearray(
        reference_numpy.save({"v": values(BF16, (2, 3)), "w": values(np.dtype("i4"), (3,))})
    )
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.sampled_from(list(b'0123456789[]{}",: \x00\xff')))
    del content[data.draw(st.integers(len(content) - 4, len(content))) :]
    fuzzed.write_bytes(content)
    try:
        loaded = safetensors.load(fuzzed)
    except ValueError:
        return
    accepted = dict(reference.deserialize(bytes(content)))
    assert loaded.keys() == accepted.keys()
    for name, tensor in accepted.items():
        assert np.asarray(loaded[name]).tobytes() == bytes(tensor["data"])


def test_a_missing_file_is_the_systems_error(path):
    with pytest.raises(FileNotFoundError):
        safetensors.load(path)


@pytest.mark.parametrize(
    "tensors",
    [{"w": np.zeros(2, np.complex64)}, {"w": np.array(["text"])}, {"__metadata__": np.zeros(2)}],
    ids=["complex", "text", "reserved name"],
)
def test_what_cannot_be_saved_leaves_the_file_alone(path, tensors):
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match=r"'w'|__metadata__"):
        safetensors.save(tensors, path)
    assert path.read_bytes() == b"before"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
