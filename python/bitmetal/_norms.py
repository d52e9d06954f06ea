"""Norms and ranks, put together from reductions and singular values."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import Any, Literal

from bitmetal import _core
from bitmetal._core import Array
from bitmetal._types import ArrayLike

Order = float | Literal["fro", "nuc"] | None


def _array(op: str, a: ArrayLike) -> Array:
    try:
        return _core.asarray(a)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("asarray: object", f"{op}: a", 1)) from None


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(rank))
    try:
        return tuple(map(operator.index, axis if isinstance(axis, (tuple, list)) else (axis,)))
    except TypeError:
        raise TypeError(
            f"linalg.norm: axis is {axis!r}, expected an int or a pair of ints"
        ) from None


def _require_number(op: str, name: str, value: object) -> None:
    if not isinstance(value, Real):
        raise TypeError(f"{op}: {name} is of type '{type(value).__name__}', expected a number")


def norm(
    a: ArrayLike,
    ord: Order = None,  # noqa: A002
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Array:
    """Norm of vectors or matrices, as `numpy.linalg.norm`.

    Parameters
    ----------
    a : array-like
        float32, float16, bfloat16, float64 (on the cpu device), or integers, which become float32.
    ord : float, "fro" or "nuc", optional
        Of vectors: the largest magnitude (inf), the smallest (-inf), the number of nonzero elements
        (0), else ``sum(abs(a)**ord)**(1 / ord)``; None is 2. Of matrices: Frobenius' norm ("fro",
        None), the sum of singular values ("nuc"), the largest and the smallest of them (2, -2), of
        the column sums of magnitudes (1, -1) and of the row sums (inf, -inf).
    axis : int or pair of int, optional
        The axis of the vectors or the two axes of the matrices. None: all axes of an array that is
        a vector or a matrix; with `ord` None, all elements of any array as one vector.
    keepdims : bool
        Leave the axes of vectors or matrices in the result with size 1.

    Returns
    -------
    Array

    Raises
    ------
    ValueError
        For an order that there is not, or axes that are neither one nor two.
    LinAlgError
        From singular values, as `svd` (which takes neither float16 nor bfloat16).
    """
    x = _array("linalg.norm", a)
    if ord is None:
        return _core.norm(x, axis, keepdims=keepdims)
    if not isinstance(ord, str):
        _require_number("linalg.norm", "ord", ord)
    axes = _axes(axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError(f"linalg.norm: axis names {len(axes)} axes, expected one or two")
    return _matrix_norm(x, ord, axes, keepdims)


def _vector_norm(x: Array, order: Order, axis: int, keepdims: bool) -> Array:
    if isinstance(order, str) or order is None:
        raise ValueError(f"linalg.norm: ord is {order!r}, expected a number for vectors")
    if order in (1, 2, math.inf):
        return _core.norm(x, axis, ord=order, keepdims=keepdims)
    real = _core.norm(x[..., None], -1)  # magnitudes, of the result's type
    if order == -math.inf:
        return _core.min(real, axis, keepdims=keepdims)
    if order == 0:
        return _core.count_nonzero(real, axis, keepdims=keepdims).astype(real.dtype)
    return _core.power(_core.sum(real**order, axis, keepdims=keepdims), 1 / order)


def _matrix_norm(x: Array, order: Order, axes: tuple[int, ...], keepdims: bool) -> Array:
    row, column = (axis + x.ndim if axis < 0 else axis for axis in axes)
    if row == column or not (0 <= row < x.ndim and 0 <= column < x.ndim):
        raise ValueError(f"linalg.norm: axis is {axes}, expected two different axes of {x.ndim}")
    if order == "fro":
        return _core.norm(x, (row, column), keepdims=keepdims)
    if order in (1, -1, math.inf, -math.inf):
        along, across = (row, column) if abs(float(order)) == 1 else (column, row)
        sums = _core.norm(x, along, ord=1, keepdims=True)
        best = _core.max if float(order) > 0 else _core.min
        result = best(sums, across, keepdims=True)
    elif order in (2, -2, "nuc"):
        others = [axis for axis in range(x.ndim) if axis not in (row, column)]
        s = _core.linalg_svdvals(_core.permute(x, (*others, row, column)))
        best = {2: _core.max, -2: _core.min, "nuc": _core.sum}[order]
        result = _core.expand_dims(best(s, -1), tuple(sorted((row, column))))
    else:
        raise ValueError(
            f"linalg.norm: ord is {order!r}, expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf"
        )
    return result if keepdims else _core.squeeze(result, (row, column))


def matrix_rank(
    a: ArrayLike, tol: float | None = None, *, rtol: float | None = None
) -> int | Array:
    """Rank of matrices: the number of singular values above a tolerance.

    Parameters
    ----------
    a : array-like
        ``[..., m, n]``, as for `svd`; of less than two dimensions: 1 unless all elements are zero.
    tol : float, optional
        The tolerance itself.
    rtol : float, optional
        The tolerance relative to the largest singular value; if None max(m, n) times the machine
        epsilon of the type.

    Returns
    -------
    int or Array
        An int for one matrix; int64 ``[...]`` for a batch.

    Raises
    ------
    ValueError
        Where both tolerances are given.
    LinAlgError
        As `svd`.
    """
    if tol is not None and rtol is not None:
        raise ValueError("linalg.matrix_rank: tol and rtol are both given, expected one of them")
    for name, value in (("tol", tol), ("rtol", rtol)):
        if value is not None:
            _require_number("linalg.matrix_rank", name, value)
    x = _array("linalg.matrix_rank", a)
    if x.ndim < 2:
        return int(_core.any(x).item())
    s = _core.linalg_svdvals(x)
    if s.shape[-1] == 0:
        rank = _core.zeros(s.shape[:-1], "int64")
    else:
        if rtol is None:
            rtol = max(x.shape[-2:]) * (2.0**-52 if s.dtype == _core.float64 else 2.0**-23)
        least = _core.max(s, -1, keepdims=True) * rtol if tol is None else tol
        rank = _core.count_nonzero(s > least, -1)
    return int(rank.item()) if x.ndim == 2 else rank
