"""What the functions of `bitmetal.linalg` return where it is more than one array: NumPy's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bitmetal._core import Array


class QRResult(NamedTuple):
    """A = Q R."""

    Q: Array
    R: Array


class SVDResult(NamedTuple):
    """A = U diag(S) Vh, with singular values in descending order."""

    U: Array
    S: Array
    Vh: Array


class EighResult(NamedTuple):
    """A = V diag(w) V^T, with eigenvalues in ascending order."""

    eigenvalues: Array
    eigenvectors: Array


class SlogdetResult(NamedTuple):
    """det A = sign * exp(logabsdet)."""

    sign: Array
    logabsdet: Array


class LstsqResult(NamedTuple):
    """The solution of least squares; `rank` is an int where there is one matrix alone."""

    x: Array
    residuals: Array
    rank: int | Array
    s: Array
