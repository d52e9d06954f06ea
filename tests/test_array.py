"""Arrays: making them, views, and sharing memory in and out by every protocol."""

from __future__ import annotations

import ctypes
import gc
import pickle
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bitmetal as bm
from table import FLOATS, random, wide

ALL = (*FLOATS, "int8", "uint8", "int32", "int64", "bool")


@pytest.mark.parametrize("dtype", ALL)
@pytest.mark.parametrize("shape", [(), (1,), (3, 4), (0,), (2, 0, 3)])
def test_numpy_round_trip_without_a_copy(shape: tuple[int, ...], dtype: str) -> None:
    source = random(shape, dtype)
    a = bm.asarray(source)
    assert (a.shape, a.dtype, a.ndim, a.size, a.nbytes) == (
        shape,
        dtype,
        len(shape),
        source.size,
        source.nbytes,
    )
    back = np.asarray(a)
    assert back.dtype == source.dtype
    np.testing.assert_array_equal(wide(back), wide(source))
    if source.size:
        assert np.shares_memory(back, source)
        assert a.shares_memory


def test_strided_and_negative_strides_without_a_copy() -> None:
    base = random((6, 8), "float32")
    for view in (base.T, base[::2, ::-3], base[::-1], base[:, 3], np.broadcast_to(base[0], (4, 8))):
        a = bm.asarray(view)
        assert np.shares_memory(np.asarray(a), base)
        assert a.strides == view.strides
        np.testing.assert_array_equal(a, view)


def test_misaligned_memory_is_copied() -> None:
    raw = bytearray(33)
    view = np.frombuffer(raw, np.float32, 8, offset=1)
    view[:] = np.arange(8)
    a = bm.asarray(view)
    assert not a.shares_memory
    np.testing.assert_array_equal(a, np.arange(8))
    odd = np.zeros(5, np.dtype([("tag", "u1"), ("value", "<f4")]))["value"]
    odd[:] = np.arange(5)
    np.testing.assert_array_equal(bm.asarray(odd), np.arange(5))
    with pytest.raises(ValueError, match=r"asarray: object cannot be shown without a copy"):
        bm.asarray(view, copy=False)


def test_owner_lives_exactly_as_long_as_the_array() -> None:
    class Owner(np.ndarray):
        pass

    source = np.zeros(10, np.float32).view(Owner)
    alive = weakref.ref(source)
    a = bm.asarray(source)
    view = a[2:]
    del source, a
    gc.collect()
    assert alive() is not None
    del view
    gc.collect()
    assert alive() is None


def test_exports_keep_the_memory() -> None:
    a = bm.ones((1000,))
    for export in (np.asarray, memoryview, np.from_dlpack):
        b = bm.ones((1000,))
        shown = export(b)
        del b
        bm.zeros((1000,))  # would reuse the memory had it been given back
        assert np.asarray(shown).sum() == 1000
    del a


def test_writes_are_seen_on_both_sides() -> None:
    source = np.zeros((2, 3), np.float32)
    a = bm.asarray(source)
    source[1, 2] = 5
    assert np.asarray(a)[1, 2] == 5
    a[0] = 7
    assert (source[0] == 7).all()


def test_read_only_memory_stays_so() -> None:
    source = np.arange(4, dtype=np.float32)
    source.flags.writeable = False
    a = bm.asarray(source)
    assert a.readonly
    assert not np.asarray(a).flags.writeable
    assert memoryview(a).readonly
    with pytest.raises(ValueError, match="assignment: the array is read-only"):
        a[0] = 1
    with pytest.raises(TypeError, match="not writable"):
        ctypes.c_float.from_buffer(a)
    assert bm.asarray(b"\x01\x02").readonly


class TestBufferProtocol:
    """PEP 3118, request by request, as CPython's own testbuffer issues them."""

    ND, STRIDES, FORMAT, WRITABLE = 0x8, 0x18, 0x4, 0x1
    C, F, ANY = 0x38, 0x58, 0x98

    class View(ctypes.Structure):
        _fields_ = [
            ("buf", ctypes.c_void_p),
            ("obj", ctypes.py_object),
            ("len", ctypes.c_ssize_t),
            ("itemsize", ctypes.c_ssize_t),
            ("readonly", ctypes.c_int),
            ("ndim", ctypes.c_int),
            ("format", ctypes.c_char_p),
            ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
            ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
            ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
            ("internal", ctypes.c_void_p),
        ]

    def request(self, array: bm.Array, flags: int) -> dict[str, Any]:
        view = self.View()
        get = ctypes.pythonapi.PyObject_GetBuffer
        get.argtypes = [ctypes.py_object, ctypes.POINTER(self.View), ctypes.c_int]
        get(array, ctypes.byref(view), flags)
        answer = {
            "len": view.len,
            "ndim": view.ndim,
            "itemsize": view.itemsize,
            "format": view.format,
            "shape": view.shape[: view.ndim] if view.shape else None,
            "strides": view.strides[: view.ndim] if view.strides else None,
            "suboffsets": bool(view.suboffsets),
        }
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(view))
        return answer

    def test_row_major(self) -> None:
        a = bm.zeros((2, 3), "float32")
        simple = self.request(a, 0)
        assert (simple["len"], simple["shape"], simple["strides"], simple["format"]) == (
            24,
            None,
            None,
            None,
        )
        assert self.request(a, self.ND)["shape"] == [2, 3]
        assert self.request(a, self.ND)["strides"] is None
        full = self.request(a, self.STRIDES | self.FORMAT | self.WRITABLE)
        assert full == {
            "len": 24,
            "ndim": 2,
            "itemsize": 4,
            "format": b"f",
            "shape": [2, 3],
            "strides": [12, 4],
            "suboffsets": False,
        }
        assert self.request(a, self.C)["strides"] == [12, 4]
        with pytest.raises(BufferError, match="not Fortran-contiguous"):
            self.request(a, self.F)

    def test_column_major(self) -> None:
        a = bm.zeros((2, 3), "float32").T
        assert self.request(a, self.F)["strides"] == [4, 12]
        assert self.request(a, self.ANY)["shape"] == [3, 2]
        for flags in (0, self.ND, self.C):
            with pytest.raises(BufferError, match="not C-contiguous"):
                self.request(a, flags)

    def test_strided(self) -> None:
        a = bm.zeros((4, 6), "float64")[::2, ::3]
        assert self.request(a, self.STRIDES)["strides"] == [96, 24]
        for flags in (0, self.ND, self.C, self.F, self.ANY):
            with pytest.raises(BufferError, match="not "):
                self.request(a, flags)

    @pytest.mark.parametrize(
        ("dtype", "code"),
        [
            ("float32", "f"),
            ("float16", "e"),
            ("float64", "d"),
            ("int8", "b"),
            ("uint8", "B"),
            ("int32", "i"),
            ("int64", "q"),
            ("bool", "?"),
        ],
    )
    def test_formats(self, dtype: str, code: str) -> None:
        view = memoryview(bm.zeros((3,), dtype))
        assert view.format == code
        assert view.itemsize == np.dtype(dtype).itemsize

    def test_bfloat16_has_no_format(self) -> None:
        a = bm.ones((3,), "bfloat16")
        with pytest.raises(BufferError, match="bfloat16 has no buffer format"):
            memoryview(a)
        assert self.request(a, self.ND)["itemsize"] == 2
        assert np.asarray(a).dtype == ml_dtypes.bfloat16


class TestDLPack:
    @pytest.mark.parametrize("dtype", [d for d in ALL if d != "bfloat16"])
    def test_numpy(self, dtype: str) -> None:
        source = random((3, 4), dtype)
        a = bm.from_dlpack(source)
        assert np.shares_memory(np.asarray(a), source)
        np.testing.assert_array_equal(np.from_dlpack(a), source)
        assert a.__dlpack_device__() == (1, 0)

    def test_views_keep_their_strides(self) -> None:
        a = bm.asarray(random((4, 6), "float32"))[::2, 1:]
        np.testing.assert_array_equal(np.from_dlpack(a), np.asarray(a))
        assert np.shares_memory(np.from_dlpack(a), np.asarray(a))

    def test_read_only(self) -> None:
        source = np.arange(3.0)
        source.flags.writeable = False
        a = (
            bm.from_dlpack(source)
            if np.lib.NumpyVersion(np.__version__) >= "2.1.0"
            else bm.asarray(source)
        )
        assert a.readonly
        with pytest.raises(BufferError, match="read-only"):
            a.__dlpack__()
        assert not np.from_dlpack(bm.asarray(source)).flags.writeable

    def test_copy_and_device(self) -> None:
        a = bm.ones((3,))
        copied = (
            np.from_dlpack(a, copy=True) if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else None
        )
        if copied is not None:
            assert not np.shares_memory(copied, np.asarray(a))
        with pytest.raises(BufferError, match=r"device \(1, 0\)"):
            a.__dlpack__(dl_device=(2, 0))

    def test_capsules_are_used_once_and_freed(self) -> None:
        a = bm.ones((1000,))
        before = bm.memory.stats()["active_blocks"]
        capsule = a.__dlpack__(max_version=(1, 0))
        del a, capsule
        gc.collect()
        assert bm.memory.stats()["active_blocks"] == before - 1

        class Twice:
            capsule = bm.ones((3,)).__dlpack__()

            def __dlpack__(self) -> object:  # before version 1.0: takes no arguments
                return self.capsule

        one = Twice()
        assert bm.from_dlpack(one).shape == (3,)
        with pytest.raises(ValueError, match="used already"):
            bm.from_dlpack(one)
        del Twice.capsule

    def test_torch(self) -> None:
        torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
        for dtype in (torch.float32, torch.bfloat16, torch.float16, torch.int8, torch.bool):
            source = torch.ones((2, 3), dtype=dtype)
            a = bm.asarray(source)
            assert a.dtype == dtype
            assert a.shares_memory
            back = torch.from_dlpack(a)
            assert back.data_ptr() == source.data_ptr()
            assert back.dtype == dtype
        with pytest.raises(Exception, match="grad"):
            bm.asarray(torch.ones(3, requires_grad=True))


def test_array_interface() -> None:
    source = random((3, 4), "float32")

    class Only:
        __array_interface__ = source.T.__array_interface__
        owner = source

    a = bm.asarray(Only())
    assert np.shares_memory(np.asarray(a), source)
    np.testing.assert_array_equal(a, source.T)
    assert a.__array_interface__["shape"] == (4, 3)
    assert a.__array_interface__["data"][0] == source.ctypes.data
    assert not hasattr(bm.ones((1,), "bfloat16"), "__array_interface__")


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (3, "int64"),
        (2.5, "float32"),
        (True, "bool"),
        ([1, 2], "int64"),
        ([[1.5], [2]], "float32"),
        (np.float16(2), "float16"),
        (np.float64(2), "float64"),
    ],
)
def test_python_values(value: Any, dtype: str) -> None:
    a = bm.asarray(value)
    assert a.dtype == dtype
    np.testing.assert_array_equal(a, value)


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (partial(bm.asarray, "text"), TypeError, r"asarray: object"),
    (
        partial(bm.asarray, object()),
        TypeError,
        r"asarray: object is of type 'object', expected an array",
    ),
    (partial(bm.asarray, [[1, 2], [3]]), TypeError, r"asarray: object cannot be read as an array"),
    (partial(bm.asarray, np.ones(2, np.complex64)), TypeError, r"buffer format 'Zf'"),
    (partial(bm.asarray, np.ones(2, ">f4")), TypeError, r"buffer format '>f'"),
    (partial(bm.asarray, np.ones(2, np.uint16)), TypeError, r"buffer format 'H'"),
    (partial(bm.asarray, np.ones((1,) * 17)), ValueError, r"more than 16 dimensions"),
    (partial(bm.asarray, np.ones(3), "float32", copy=False), ValueError, r"needs a copy"),
    (
        partial(bm.from_dlpack, 3),
        TypeError,
        r"from_dlpack: object is of type 'int', which has no __dlpack__",
    ),
    (partial(bm.empty, (-1, 2)), ValueError, r"shape: \(-1, 2\) has a negative size"),
    (partial(bm.empty, (1 << 40, 1 << 40)), ValueError, r"larger than 2\^63 bytes"),
    (partial(bm.zeros, (1 << 50,)), MemoryError, r"memory: \d+ bytes asked for"),
    (partial(bm.zeros, 2.5), TypeError, r"zeros: shape is 2.5, expected an int or a sequence"),
    (
        partial(bm.zeros, 3, "complex64"),
        TypeError,
        r"zeros: dtype is 'complex64', expected one of float32, float16",
    ),
    (
        partial(bm.zeros, 3, device="gpu"),
        ValueError,
        r"device: 'gpu' is not a kind of device, expected one of 'metal'",
    ),
    (partial(bm.zeros, 3, device=7), TypeError, r"device: 7 is neither a Device nor the name"),
    (
        partial(bm.asarray(np.ones((2, 3), np.float32)).reshape, 4, 2),
        ValueError,
        r"reshape: 6 elements of shape \(2, 3\) do not fit",
    ),
    (
        partial(bm.asarray(np.ones((2, 3), np.float32)).reshape, -1, -1),
        ValueError,
        r"more than one -1",
    ),
    (
        partial(bm.asarray(np.ones((2, 3), np.float32)).permute, 0, 0),
        ValueError,
        r"permute: axes \(0, 0\) names axis 0 twice",
    ),
    (
        partial(bm.transpose, np.ones((2, 3), np.float32), (0, 2)),
        IndexError,
        r"transpose: axis 2 is out of range",
    ),
    (
        partial(bm.asarray(np.ones((2, 3), np.float32)).__getitem__, 2),
        IndexError,
        r"index: 2 is out of range for axis 0 of size 2",
    ),
    (
        partial(bm.asarray(np.ones((2, 3), np.float32)).__getitem__, (0, 0, 0)),
        IndexError,
        r"too many indices",
    ),
    (
        partial(bm.asarray(np.ones((2, 3), np.float32)).__getitem__, "x"),
        TypeError,
        r"index: 'x' is not an integer",
    ),
    (
        partial(bm.asarray(np.ones((2, 3), np.float32)).__setitem__, 0, np.ones(2)),
        ValueError,
        r"broadcast_to: shape \(2,\)",
    ),
    (bm.asarray(np.ones((2, 3), np.float32)).item, ValueError, r"item: the array has 6 elements"),
    (partial(len, bm.asarray(1.0)), TypeError, r"len: the array has no dimensions"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_creation() -> None:
    for dtype in ALL:
        np.testing.assert_array_equal(wide(bm.zeros((3, 5), dtype)), np.zeros((3, 5)))
        np.testing.assert_array_equal(wide(bm.ones(7, dtype)), np.ones(7))
    np.testing.assert_array_equal(bm.full((2, 2), -3, "int8"), np.full((2, 2), -3))
    assert bm.empty((2, 3)).dtype == bm.float32
    assert bm.empty(()).shape == ()
    assert np.asarray(bm.empty((100,))).ctypes.data % 4096 == 0


def test_dtype_objects() -> None:
    assert bm.float32 == np.float32 == bm.asarray(np.float32(1)).dtype
    assert bm.bfloat16 == ml_dtypes.bfloat16
    assert bm.float32 != bm.float16
    assert bm.float32 != "nonsense"
    assert np.zeros(2, bm.bfloat16).dtype == ml_dtypes.bfloat16
    assert (repr(bm.bool_), bm.int64.itemsize, bm.float16.name) == ("bitmetal.bool", 8, "float16")
    assert len({bm.float32, bm.DType("f32"), bm.float16}) == 2
    assert pickle.loads(pickle.dumps(bm.bfloat16)) == bm.bfloat16


@settings(max_examples=200)
@given(data=st.data())
def test_basic_indexing_is_numpys(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=4))
    source = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    part = st.one_of(
        st.slices(5),
        st.integers(-5, 4),
        st.none(),
    )
    key = tuple(data.draw(st.lists(part, max_size=4)))
    if data.draw(st.booleans()):
        key = (*key[:1], ..., *key[1:])
    try:
        expected = source[key]
    except IndexError:
        with pytest.raises(IndexError):
            bm.asarray(source)[key]
        return
    result = bm.asarray(source)[key]
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)


def test_none_alone_adds_an_axis() -> None:
    a = bm.zeros((3,))
    assert a[None].shape == (1, 3)
    a[None] = 2
    assert a.tolist() == [2, 2, 2]


@settings(max_examples=200)
@given(data=st.data())
def test_reshape_is_a_view_where_numpys_is(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(4, 6), (2, 3, 4), (24,), (2, 2, 6), (1, 24, 1)]))
    source = np.arange(24, dtype=np.int32).reshape(shape)
    order = data.draw(st.permutations(range(len(shape))))
    steps = tuple(data.draw(st.sampled_from([slice(None), slice(None, None, -1)])) for _ in shape)
    view = source.transpose(order)[tuple(steps[i] for i in order)]
    target = data.draw(
        st.sampled_from([(24,), (4, 6), (6, 4), (2, 12), (3, 8), (-1, 2), (2, 3, 4), (1, 4, 6)])
    )
    expected = view.reshape(target)
    result = bm.asarray(view).reshape(*target)
    np.testing.assert_array_equal(result, expected)
    assert np.shares_memory(np.asarray(result), source) == np.shares_memory(expected, source)


def test_assignment() -> None:
    a = bm.zeros((3, 4))
    a[1] = [1, 2, 3, 4]
    a[:, 0] = 9
    a[2, 1:] = np.float64(0.5)
    np.testing.assert_array_equal(a, [[9, 0, 0, 0], [9, 2, 3, 4], [9, 0.5, 0.5, 0.5]])
    b = bm.asarray(np.arange(6, dtype=np.float32), copy=True)
    b[1:] = b[:-1]
    np.testing.assert_array_equal(b, [0, 0, 1, 2, 3, 4])


def test_scalars_and_printing() -> None:
    a = bm.asarray(np.float32(2.5))
    assert (float(a), int(a), a.item(), bool(a)) == (2.5, 2, 2.5, True)
    assert a.tolist() == 2.5
    assert repr(bm.asarray([1.0, 2.0])) == "Array([1., 2.], dtype=float32, device='cpu')"
    with pytest.raises(ValueError, match="bool: an array of 2"):
        bool(bm.ones((2,)))
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)
    assert [x.item() for x in bm.asarray([1, 2, 3])] == [1, 2, 3]


def test_asarray_copy_and_device() -> None:
    a = bm.ones((3,))
    assert np.shares_memory(np.asarray(bm.asarray(a)), np.asarray(a))
    assert not np.shares_memory(np.asarray(bm.asarray(a, copy=True)), np.asarray(a))
    assert a.to("cpu").device.kind == "cpu"
    assert bm.asarray([1.0], device="cpu").device is a.device
