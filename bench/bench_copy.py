"""Copies of views, joined arrays and looked-up rows."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from rows import SIZES, Call, Measure, Row, run, square, torch, values

import bitmetal as bm

VIEWS = {
    "copy": lambda x: x,
    "transpose": lambda x: x.T,
    "transpose_float16": lambda x: x.T,
    "transpose_int8": lambda x: x.T,
    "permute_201": lambda x: x.reshape(x.shape[0], -1, min(64, x.shape[1])).transpose(2, 0, 1),
    "permute_102": lambda x: x.reshape(x.shape[0], -1, min(64, x.shape[1])).transpose(1, 0, 2),
    "permute_021": lambda x: x.reshape(x.shape[0], -1, min(64, x.shape[1])).transpose(0, 2, 1),
    "every_second": lambda x: x[:, ::2],
    "reversed": lambda x: x[:, ::-1],
}
NAMES = [*VIEWS, "concatenate_first", "concatenate_last", "stack_last", "take_rows", "take_flat"]


def copied(name: str, x: np.ndarray) -> Row:
    """Copy a view into a dense array."""
    dense = np.empty(VIEWS[name](x).shape, x.dtype)
    a, out = VIEWS[name](x), bm.empty(dense.shape, x.dtype)
    ours = bm.asarray(a)

    def store() -> None:
        out[...] = ours

    def numpy() -> None:
        dense[...] = a

    theirs: Call | None = None
    if torch is not None and name != "reversed":  # torch has no negative strides
        theirs = partial(torch.empty(dense.shape, dtype=torch.from_numpy(x).dtype).copy_, None)
        theirs = partial(theirs.func, torch.from_numpy(a))
    return Row(2 * dense.nbytes, store, numpy, theirs)


def joined(name: str, x: np.ndarray) -> Row:
    """Join two arrays."""
    operation, _, place = name.partition("_")
    axis = 0 if place == "first" else -1
    y = x[::-1].copy()
    dense = getattr(np, operation)([x, y], axis)
    arrays, out = [bm.asarray(x), bm.asarray(y)], bm.empty(dense.shape)
    theirs = None
    if torch is not None:
        function = torch.stack if operation == "stack" else torch.cat
        tensors = [torch.from_numpy(v) for v in (x, y)]
        theirs = partial(function, tensors, axis, out=torch.empty(dense.shape))
    return Row(
        2 * dense.nbytes,
        partial(getattr(bm, operation), arrays, axis, out=out),
        partial(getattr(np, operation), [x, y], axis, out=dense),
        theirs,
    )


def taken(name: str, x: np.ndarray) -> Row:
    """Look rows or elements up in a random order."""
    axis = 0 if name == "take_rows" else None
    count = len(x) if axis == 0 else x.size
    order = np.random.default_rng(1).permutation(count)
    dense = np.take(x, order, axis)
    theirs = None
    if torch is not None:
        s, i, out = torch.from_numpy(x), torch.from_numpy(order), torch.empty(dense.shape)
        if axis == 0:
            theirs = partial(torch.index_select, s, 0, i, out=out)
        else:
            theirs = partial(torch.take, s, i, out=out)
    return Row(
        2 * dense.nbytes + order.nbytes,
        partial(bm.take, bm.asarray(x), bm.asarray(order), axis, out=bm.empty(dense.shape)),
        partial(np.take, x, order, axis, out=dense, mode="clip"),  # the quick one with a result
        theirs,
    )


def row(name: str, n: int) -> Row:
    """Give the calls of a name of `NAMES` for n elements."""
    x = values(square(n))
    if name in VIEWS:
        kind = name.split("_")[-1]
        return copied(name, (8 * x).astype(kind) if kind in ("float16", "int8") else x)
    return taken(name, x) if name.startswith("take") else joined(name, x)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", SIZES)
def test_copy(measure: Measure, n: int, name: str) -> None:
    run(measure, row(name, n))
