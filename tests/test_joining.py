"""Creation, joining, taking and the views around them."""

from __future__ import annotations

import numpy as np
import pytest

import bitmetal as bm
from table import np_dtype, random, wide


def test_arange_and_linspace(target: str) -> None:
    for args in [(5,), (2, 9), (9, 2, -2), (0, 10, 3), (5, 2), (-4, 4, 3), (2**53, 2**53 + 5)]:
        result = bm.arange(*args)
        assert result.dtype == bm.int64
        np.testing.assert_array_equal(np.asarray(result), np.arange(*args))
    np.testing.assert_array_equal(
        np.asarray(bm.arange(0, 1, 0.1)), np.arange(0, 1, 0.1).astype("f")
    )
    assert bm.arange(3, dtype="bfloat16").dtype == bm.bfloat16
    np.testing.assert_array_equal(
        np.asarray(bm.linspace(-1, 3, 7)), np.linspace(-1, 3, 7).astype("f")
    )
    assert bm.linspace(0, 1, 4, endpoint=False).tolist() == [0, 0.25, 0.5, 0.75]
    assert bm.linspace(0, 1, 1).tolist() == [0]
    assert bm.linspace(0, 1, 0).shape == (0,)


def test_arange_errors() -> None:
    with pytest.raises(ValueError, match="arange: step is 0"):
        bm.arange(0, 5, 0)
    with pytest.raises(TypeError, match="arange: start is of type 'str'"):
        bm.arange("5")  # type: ignore[arg-type]
    with pytest.raises(OverflowError, match="arange"):
        bm.arange(2**70, 2**70 + 3)
    with pytest.raises(ValueError, match="arange: the range has inf"):
        bm.arange(0, float("inf"))


def test_full_and_like(target: str) -> None:
    assert bm.full((2,), 2**60 + 1, "int64").tolist() == [2**60 + 1] * 2
    assert bm.full((2, 2), [1.5, 2]).tolist() == [[1.5, 2], [1.5, 2]]
    a = bm.asarray(random((3, 4), "float16")).T
    for like, value in ((bm.zeros_like(a), 0), (bm.ones_like(a), 1), (bm.full_like(a, 7), 7)):
        assert (like.shape, like.dtype.name) == ((4, 3), "float16")
        np.testing.assert_array_equal(np.asarray(like), np.full((4, 3), value))
    assert bm.empty_like(a, "int8").dtype == bm.int8
    with pytest.raises(ValueError, match="does not broadcast"):
        bm.full((2,), [1, 2, 3])


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_concatenate(axis: int | None, target: str) -> None:
    shapes = {0: [(2, 3), (0, 3), (5, 3)], 1: [(2, 3), (2, 1)], -1: [(2, 3), (2, 4)]}
    arrays = [random(s, "float32") for s in shapes.get(axis, [(2, 3), (4,)])]
    result = bm.concatenate([bm.asarray(a) for a in arrays], axis)
    np.testing.assert_array_equal(np.asarray(result), np.concatenate(arrays, axis))


def test_concatenate_promotes_and_reads_strides(target: str) -> None:
    a, b = random((6, 4), "int8"), random((4, 6), "float16")
    result = bm.concatenate([bm.asarray(a)[::2], bm.asarray(b).T[1:3]])
    assert result.dtype == bm.float16
    np.testing.assert_array_equal(wide(result), wide(np.concatenate([a[::2], b.T[1:3]])))
    out = bm.zeros((3, 8)).T
    x = bm.asarray(random((4, 3), "float32"))
    assert bm.concatenate([x, x], out=out) is out
    np.testing.assert_array_equal(np.asarray(out), np.concatenate([x, x]))
    z = bm.asarray(random((4, 3), "float32"))
    expected = np.concatenate([z[2:], z[:2]])
    bm.concatenate([z[2:], z[:2]], out=z)
    np.testing.assert_array_equal(np.asarray(z), expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_stack(axis: int, target: str) -> None:
    a, b = random((3, 5), "float32"), random((3, 5), "float32", 1)
    np.testing.assert_array_equal(
        np.asarray(bm.stack([bm.asarray(a), b], axis)), np.stack([a, b], axis)
    )


def test_joining_errors() -> None:
    for call, error, message in [
        (lambda: bm.concatenate([]), ValueError, "concatenate: no arrays"),
        (lambda: bm.concatenate([np.float32(1)]), ValueError, "concatenate: arrays have no dim"),
        (lambda: bm.concatenate([bm.ones((2, 3)), bm.ones((2, 4))]), ValueError, "differ beside"),
        (lambda: bm.concatenate([bm.ones((2, 3)), bm.ones((2,))]), ValueError, "differ beside"),
        (lambda: bm.concatenate([bm.ones((2,))], 1), IndexError, "concatenate: axis 1"),
        (lambda: bm.concatenate(3), TypeError, "concatenate: arrays is of type 'int'"),  # type: ignore[arg-type]
        (lambda: bm.stack([bm.ones((2,)), bm.ones((3,))]), ValueError, "stack: shapes"),
        (lambda: bm.squeeze(bm.ones((2, 1)), 0), ValueError, "squeeze: axis 0 of shape"),
        (lambda: bm.expand_dims(bm.ones((2,)), 5), IndexError, "expand_dims: axis 5"),
    ]:
        with pytest.raises(error, match=message):
            call()


def test_expand_dims_and_squeeze(target: str) -> None:
    a = random((2, 1, 3, 1), "float32")
    x = bm.asarray(a)
    assert bm.squeeze(x).shape == (2, 3)
    assert bm.squeeze(x, -1).shape == (2, 1, 3)
    assert bm.expand_dims(x, (0, -1)).shape == (1, 2, 1, 3, 1, 1)
    view = bm.squeeze(x, (1, 3))
    view[...] = 4
    assert (np.asarray(x) == 4).all()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8", "int64"])
def test_take(dtype: str, target: str) -> None:
    a = random((5, 6, 3), "float32").astype(np_dtype(dtype))
    at = np.array([[0, -1, 2], [4, 4, -5]])
    for axis in (0, 1, -1, None):
        use = np.clip(at, -3, 2) if axis == -1 else at
        for kind in (np.int64, np.int32):
            result = bm.take(bm.asarray(a), bm.asarray(use.astype(kind)), axis)
            np.testing.assert_array_equal(wide(result), wide(np.take(a, use, axis)))
    turned = bm.take(bm.asarray(a).T, bm.asarray(at[0])[::-1], 1)
    np.testing.assert_array_equal(wide(turned), wide(np.take(a.T, at[0][::-1], 1)))


def test_take_errors(target: str) -> None:
    a = bm.ones((3, 4))
    with pytest.raises(IndexError, match="take: index 3 is out of range for axis 0 of size 3"):
        bm.take(a, bm.asarray(np.array([0, 3])), 0)
    with pytest.raises(IndexError, match="take: index -5"):
        bm.take(a, bm.asarray(np.array([-5])), 1)
    with pytest.raises(TypeError, match="take: indices are float32"):
        bm.take(a, bm.ones((2,)), 0)
    assert bm.take(a, bm.asarray(np.zeros(0, np.int64)), 0).shape == (0, 4)
