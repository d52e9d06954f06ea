"""Linear algebra: factors are not unique, so these hold the contract of docs/linalg.md.

Products of factors are taken in float64; shapes and errors are NumPy's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bitmetal as bm
from bitmetal import linalg
from table import skip_if_too_large_to_check

Matrix = npt.NDArray[Any]

# The constants c of the contract.
PRODUCT, ORTHOGONAL, VALUES = 4.0, 4.0, 4.0


def wide(a: Any) -> Matrix:
    return np.asarray(a).astype(np.float64)


def dtypes_of(target: str) -> tuple[str, ...]:
    return ("float32", "float64") if target.startswith("cpu") else ("float32",)


def norm(a: Matrix) -> Any:
    """Of each matrix, Frobenius', which no scale makes overflow in float64."""
    return np.sqrt(np.sum(np.square(a), axis=(-2, -1)))


def side(shape: tuple[int, ...]) -> int:
    """The contract's n: the larger side, at least 16, since LAPACK leaves 34 eps in a 3 x 3."""
    return max(16, *shape[-2:])


def within(error: Matrix, size: Matrix, c: float, like: Any) -> None:
    """Each matrix of `error` has a norm of at most c n eps |size|."""
    eps = np.finfo(np.dtype(like.dtype.name)).eps
    assert np.all(norm(error) <= c * side(error.shape) * eps * norm(size))


def orthonormal(q: Any) -> None:
    """Columns of q."""
    w = wide(q)
    gram = np.swapaxes(w, -1, -2) @ w
    n, columns = side(w.shape), w.shape[-1]
    eps = np.finfo(np.dtype(q.dtype.name)).eps
    assert np.all(norm(gram - np.eye(columns)) <= ORTHOGONAL * n * eps * np.sqrt(columns))


def random_orthogonal(rng: np.random.Generator, m: int, k: int) -> Matrix:
    return np.linalg.qr(rng.standard_normal((m, k)))[0]


def spectrum(kind: str, k: int) -> Matrix:
    """Singular values."""
    if kind == "random":
        return np.linspace(1, 2, k) ** 3
    if kind == "graded":
        return np.logspace(0, -12, k)
    if kind == "deficient":
        return np.where(np.arange(k) < (k + 1) // 2, 1.0, 0.0)
    if kind == "clustered":
        return 1 + 1e-7 * (np.arange(k) % 3)
    if kind == "zero":
        return np.zeros(k)
    return np.linspace(1, 2, k) * float(kind)


KINDS = ("random", "graded", "deficient", "clustered", "zero", "1e-30", "1e30")


def general(kind: str, m: int, n: int, dtype: str, seed: int = 0) -> Matrix:
    """A matrix with that spectrum; "deficient" has equal columns besides."""
    rng = np.random.default_rng(seed)
    k = min(m, n)
    a = (random_orthogonal(rng, m, k) * spectrum(kind, k)) @ random_orthogonal(rng, n, k).T
    if kind == "deficient" and n > 1:
        a[:, -1] = a[:, 0]
    return a.astype(dtype)


def symmetric(kind: str, n: int, dtype: str, seed: int = 0) -> Matrix:
    """With eigenvalues of both signs."""
    rng = np.random.default_rng(seed)
    q = random_orthogonal(rng, n, n)
    a = (q * (spectrum(kind, n) * np.where(np.arange(n) % 2, -1, 1))) @ q.T
    return ((a + a.T) / 2).astype(dtype)


def definite(kind: str, n: int, dtype: str, seed: int = 0) -> Matrix:
    """Condition at most 1e4, which float32 can still tell from singular; graded in its diagonal."""
    rng = np.random.default_rng(seed)
    q = random_orthogonal(rng, n, n)
    a = (q * np.linspace(1, 2, n)) @ q.T
    if kind == "graded":
        d = np.logspace(0, -8, n)
        a = d[:, None] * a * d
    elif kind == "clustered":
        a = q @ q.T
    elif kind == "deficient":
        a = (q * np.logspace(0, -4, n)) @ q.T
    elif kind.startswith("1e"):
        a *= float(kind)
    return ((a + a.T) / 2).astype(dtype)


def check_qr(a: Matrix, q: Any, r: Any) -> None:
    within(wide(q) @ wide(r) - wide(a), wide(a), PRODUCT, q)
    orthonormal(q)
    assert not np.tril(wide(r), -1).any()


def check_svd(a: Matrix, u: Any, s: Any, vh: Any) -> None:
    k = s.shape[-1]
    product = (wide(u)[..., :k] * wide(s)[..., None, :]) @ wide(vh)[..., :k, :]
    within(product - wide(a), wide(a), PRODUCT, u)
    orthonormal(u)
    orthonormal(np.swapaxes(np.asarray(vh), -1, -2))
    check_values(a, s)


def check_values(a: Matrix, s: Any) -> None:
    values = wide(s)
    assert np.all(values >= 0)
    assert np.all(np.diff(values, axis=-1) <= 0)
    exact = np.linalg.svd(wide(a), compute_uv=False)
    eps = np.finfo(np.dtype(s.dtype.name)).eps
    largest = exact.max(axis=-1, keepdims=True, initial=0)
    assert np.all(np.abs(values - exact) <= VALUES * side(a.shape) * eps * largest)


def check_eigh(a: Matrix, w: Any, v: Any) -> None:
    within(
        (wide(v) * wide(w)[..., None, :]) @ np.swapaxes(wide(v), -1, -2) - wide(a),
        wide(a),
        PRODUCT,
        v,
    )
    orthonormal(v)
    check_eigenvalues(a, w)


def check_eigenvalues(a: Matrix, w: Any) -> None:
    values = wide(w)
    assert np.all(np.diff(values, axis=-1) >= 0)
    exact = np.linalg.eigvalsh(wide(a))
    eps = np.finfo(np.dtype(w.dtype.name)).eps
    largest = np.abs(exact).max(axis=-1, keepdims=True, initial=0)
    assert np.all(np.abs(values - exact) <= VALUES * side(a.shape) * eps * largest)


def check_cholesky(a: Matrix, factor: Any, upper: bool = False) -> None:
    f = np.swapaxes(wide(factor), -1, -2) if upper else wide(factor)
    within(f @ np.swapaxes(f, -1, -2) - wide(a), wide(a), PRODUCT, factor)
    assert not np.triu(f, 1).any()
    assert np.all(np.diagonal(f, axis1=-2, axis2=-1) > 0)


# Both sides of the cpu device's switches: tall or wide, one thread or the library's own.
SHAPES = [(1, 1), (1, 5), (5, 1), (2, 2), (7, 3), (3, 7), (33, 32), (17, 48)]
LARGE = [(140, 130), (130, 140), (160, 16)]
SIZES = [1, 2, 3, 8, 31, 33, 48]


def shapes_for(target: str, sizes: list[Any], large: list[Any]) -> list[Any]:
    """The Metal device of the tests is software, and slow; LAPACK knows nothing of our sets."""
    return sizes + large if target == "cpu-generic" else sizes


@pytest.mark.parametrize("kind", KINDS)
def test_qr(kind: str, target: str) -> None:
    for dtype in dtypes_of(target):
        for m, n in shapes_for(target, SHAPES, LARGE):
            a = general(kind, m, n, dtype)
            q, r = linalg.qr(bm.asarray(a))
            assert q.shape == (m, min(m, n))
            assert r.shape == (min(m, n), n)
            check_qr(a, q, r)
            q, r = linalg.qr(bm.asarray(a), mode="complete")
            assert q.shape == (m, m)
            assert r.shape == (m, n)
            check_qr(a, q, r)
            alone = linalg.qr(bm.asarray(a), mode="r")
            assert alone.shape == (min(m, n), n)
            within(
                wide(alone).T @ wide(alone) - wide(a).T @ wide(a),
                wide(a).T @ wide(a),
                2 * PRODUCT,
                alone,
            )


@pytest.mark.parametrize("kind", KINDS)
def test_svd(kind: str, target: str) -> None:
    for dtype in dtypes_of(target):
        for m, n in shapes_for(target, SHAPES, LARGE):
            a = general(kind, m, n, dtype)
            k = min(m, n)
            for full, left, right in ((True, m, n), (False, k, k)):
                u, s, vh = linalg.svd(bm.asarray(a), full_matrices=full)
                assert u.shape == (m, left)
                assert s.shape == (k,)
                assert vh.shape == (right, n)
                check_svd(a, u, s, vh)
            check_values(a, linalg.svdvals(bm.asarray(a)))


@pytest.mark.parametrize("kind", KINDS)
def test_eigh(kind: str, target: str) -> None:
    for dtype in dtypes_of(target):
        for n in shapes_for(target, SIZES, [130]):
            a = symmetric(kind, n, dtype)
            check_eigh(a, *linalg.eigh(bm.asarray(a)))
            check_eigenvalues(a, linalg.eigvalsh(bm.asarray(a)))


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("kind", [k for k in KINDS if k != "zero"])
def test_cholesky(kind: str, upper: bool, target: str) -> None:
    for dtype in dtypes_of(target):
        for n in shapes_for(target, SIZES, [130, 260]):
            a = definite(kind, n, dtype)
            check_cholesky(a, linalg.cholesky(bm.asarray(a), upper=upper), upper)


@pytest.mark.parametrize("kind", ["random", "graded", "clustered", "1e-30", "1e30"])
def test_solve(kind: str, target: str) -> None:
    """Backward stable: |a x - b| is small beside |a| |x|, whatever the condition."""
    for dtype in dtypes_of(target):
        for n in shapes_for(target, SIZES, [130, 260]):
            if kind == "graded":  # in its rows: in its spectrum it would be singular in float32
                rows = np.logspace(0, -12, n)[:, None]
                a = (general("random", n, n, dtype) * rows).astype(dtype)
            else:
                a = general(kind, n, n, dtype)
            for columns in (1, 5):
                b = general("random", n, columns, dtype, 1)
                x = linalg.solve(bm.asarray(a), bm.asarray(b))
                assert x.shape == (n, columns)
                size = norm(wide(a)) * norm(wide(x))
                within(wide(a) @ wide(x) - b, np.full((1, 1), size), PRODUCT, x)


@pytest.mark.parametrize("unit_diagonal", [False, True])
@pytest.mark.parametrize("trans", [False, True])
@pytest.mark.parametrize("upper", [False, True])
def test_solve_triangular(upper: bool, trans: bool, unit_diagonal: bool, target: str) -> None:
    for dtype in dtypes_of(target):
        for n in shapes_for(target, SIZES, [130]):
            rng = np.random.default_rng(n)
            a = rng.uniform(-1, 1, (n, n)) / n + np.eye(n)
            triangle = np.triu(a) if upper else np.tril(a)
            # What must not be read: the other triangle, and the diagonal where it counts as ones.
            given = np.where(triangle != 0, a, np.nan)
            if unit_diagonal:
                np.fill_diagonal(given, np.nan)
                np.fill_diagonal(triangle, 1)
            triangle = wide(triangle.astype(dtype))
            for columns in (1, 4):
                b = rng.standard_normal((n, columns)).astype(dtype)
                x = linalg.solve_triangular(
                    bm.asarray(given.astype(dtype)),
                    bm.asarray(b),
                    upper=upper,
                    trans=trans,
                    unit_diagonal=unit_diagonal,
                )
                applied = (triangle.T if trans else triangle) @ wide(x)
                size = norm(triangle) * norm(wide(x))
                within(applied - b, np.full((1, 1), size), PRODUCT, x)


def test_512(target: str) -> None:
    """What the largest kernels take, one matrix each."""
    if target.startswith("cpu") and target != "cpu-generic":
        pytest.skip("LAPACK chooses its instruction set itself")
    skip_if_too_large_to_check(512 * 512)
    a = general("random", 512, 512, "float32")
    check_qr(a, *linalg.qr(bm.asarray(a)))
    check_svd(a, *linalg.svd(bm.asarray(a), full_matrices=False))
    s = definite("random", 512, "float32")
    check_cholesky(s, linalg.cholesky(bm.asarray(s)))


VIEWS: dict[str, Callable[[Any], Any]] = {
    "transposed": lambda a: bm.permute(a, (0, 2, 1)),
    "stepped": lambda a: a[:, ::2, ::2],
    "reversed": lambda a: a[::-1, ::-1, ::-1],
}


@pytest.mark.parametrize("view", VIEWS)
def test_batches_and_views(view: str, target: str) -> None:
    """Each matrix alone gives the same bits."""
    base = np.stack([definite("random", 12, "float32", i) for i in range(5)])
    a = VIEWS[view](bm.asarray(base))
    alone = [np.ascontiguousarray(np.asarray(a)[i]) for i in range(5)]
    for f in (linalg.cholesky, linalg.inv, linalg.svdvals, linalg.eigvalsh, linalg.det):
        np.testing.assert_array_equal(f(a), np.stack([np.asarray(f(m)) for m in alone]))
    for g in (linalg.qr, linalg.svd, linalg.eigh, linalg.slogdet):
        for i, part in enumerate(g(a)):
            np.testing.assert_array_equal(part, np.stack([np.asarray(g(m)[i]) for m in alone]))
    nested = bm.reshape(a, (1, 5, 1, *a.shape[1:]))
    assert linalg.qr(nested).R.shape == (1, 5, 1, *a.shape[1:])
    np.testing.assert_array_equal(np.asarray(linalg.cholesky(nested))[0, :, 0], linalg.cholesky(a))


def test_many_small_matrices(target: str) -> None:
    count = 1000 if target.startswith("cpu") else 40
    rng = np.random.default_rng(0)
    a = rng.standard_normal((count, 4, 4), np.float32)
    check_svd(a, *linalg.svd(bm.asarray(a)))
    check_qr(a, *linalg.qr(bm.asarray(a)))
    s = a @ np.swapaxes(a, -1, -2) + np.eye(4, dtype=np.float32)
    check_cholesky(s, linalg.cholesky(bm.asarray(s)))
    check_eigh(s, *linalg.eigh(bm.asarray(s)))


EMPTY = [(0, 0), (3, 0), (0, 3), (0, 2, 2), (2, 0, 0), (2, 3, 0), (2, 0, 3)]


@pytest.mark.parametrize("shape", EMPTY)
def test_empty(shape: tuple[int, ...], target: str) -> None:
    """NumPy's shapes and, where one is orthogonal without columns to span, its values."""
    e = np.zeros(shape, np.float32)
    pairs: list[tuple[Any, Any]] = []
    for mode in ("reduced", "complete"):
        pairs += zip(linalg.qr(bm.asarray(e), mode), np.linalg.qr(e, mode), strict=True)
    for full in (True, False):
        pairs += zip(linalg.svd(bm.asarray(e), full), np.linalg.svd(e, full), strict=True)
    pairs.append((linalg.qr(bm.asarray(e), "r"), np.linalg.qr(e, "r")))
    pairs.append((linalg.svdvals(bm.asarray(e)), np.linalg.svdvals(e)))
    pairs.append((linalg.pinv(bm.asarray(e)), np.linalg.pinv(e)))
    if shape[-1] == shape[-2]:
        for name in ("cholesky", "inv", "det", "eigvalsh"):
            pairs.append((getattr(linalg, name)(bm.asarray(e)), getattr(np.linalg, name)(e)))
        pairs += zip(linalg.eigh(bm.asarray(e)), np.linalg.eigh(e), strict=True)
        pairs += zip(linalg.slogdet(bm.asarray(e)), np.linalg.slogdet(e), strict=True)
        b = np.zeros((*shape[:-1], 2), np.float32)
        pairs.append((linalg.solve(bm.asarray(e), bm.asarray(b)), np.linalg.solve(e, b)))
    if len(shape) == 2:
        b = np.ones((shape[0], 2), np.float32)
        ours, theirs = linalg.lstsq(bm.asarray(e), bm.asarray(b)), np.linalg.lstsq(e, b)
        assert ours.rank == theirs[2]
        pairs += [(ours[i], theirs[i]) for i in (0, 1, 3)]
    for ours, theirs in pairs:
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal(ours, theirs)


def test_right_hand_sides_broadcast_as_in_numpy(target: str) -> None:
    a = np.stack([definite("random", 6, "float32", i) for i in range(3)])
    rng = np.random.default_rng(1)
    for left, shape in (
        (a, (6,)),
        (a, (6, 2)),
        (a, (3, 6, 2)),
        (a[0], (4, 6, 2)),
        (a[:, None], (2, 6, 1)),
        (a[0], (6,)),
    ):
        b = rng.standard_normal(shape).astype(np.float32)
        ours, theirs = linalg.solve(bm.asarray(left), bm.asarray(b)), np.linalg.solve(left, b)
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
        x = linalg.solve_triangular(bm.asarray(left), bm.asarray(b))
        assert x.shape == theirs.shape
        np.testing.assert_allclose(x, np.linalg.solve(np.tril(left), b), rtol=1e-4, atol=1e-5)


def test_only_one_triangle_is_read(target: str) -> None:
    a = definite("random", 20, "float32")
    for upper in (False, True):
        given = np.where(np.tri(20, dtype=bool).T if upper else np.tri(20, dtype=bool), a, np.nan)
        given = bm.asarray(given.astype(np.float32))
        check_cholesky(a, linalg.cholesky(given, upper=upper), upper)
        check_eigh(a, *linalg.eigh(given, UPLO="U" if upper else "L"))


@pytest.mark.parametrize("n", [1, 5, 40])
def test_inverse_and_determinant(n: int, target: str) -> None:
    for dtype in dtypes_of(target):
        a = general("random", n, n, dtype)
        eps = float(np.finfo(dtype).eps)
        np.testing.assert_allclose(
            linalg.inv(bm.asarray(a)), np.linalg.inv(wide(a)), atol=20 * n * eps
        )
        sign, log = linalg.slogdet(bm.asarray(a))
        expected = np.linalg.slogdet(wide(a))
        assert sign.item() == expected.sign
        assert log.item() == pytest.approx(expected.logabsdet, abs=10 * n * eps)
        assert linalg.det(bm.asarray(a)).item() == pytest.approx(
            np.linalg.det(wide(a)), rel=50 * n * eps
        )


def test_determinants_of_singular_and_huge_matrices(target: str) -> None:
    zero = bm.asarray(np.ones((2, 3, 3), np.float32))
    np.testing.assert_array_equal(linalg.det(zero), [0, 0])
    sign, log = linalg.slogdet(zero)
    np.testing.assert_array_equal(sign, [0, 0])
    np.testing.assert_array_equal(log, [-np.inf, -np.inf])
    swap = np.array([[0, 1e30], [1e30, 0]], np.float32)
    assert linalg.det(bm.asarray(swap)).item() == -np.inf
    sign, log = linalg.slogdet(bm.asarray(swap))
    assert sign.item() == -1
    assert log.item() == pytest.approx(2 * np.log(1e30), rel=1e-6)
    # Products of the pivots overflow on the way, the determinant does not.
    assert linalg.det(
        bm.asarray(np.diag(np.array([1e30, 1e30, 1e-30, 1e-30], np.float32)))
    ).item() == pytest.approx(1, rel=1e-5)


def test_lstsq(target: str) -> None:
    rng = np.random.default_rng(0)
    for m, n in ((12, 5), (5, 12), (6, 6), (1, 1), (40, 3)):
        for kind in ("random", "deficient"):
            a = general(kind, m, n, "float32")
            for shape in ((m,), (m, 3)):
                b = rng.standard_normal(shape).astype(np.float32)
                x, residuals, rank, s = linalg.lstsq(bm.asarray(a), bm.asarray(b))
                expected = np.linalg.lstsq(wide(a), wide(b), rcond=max(m, n) * 1.2e-7)
                assert rank == expected[2]
                assert isinstance(rank, int)
                assert residuals.shape == expected[1].shape
                np.testing.assert_allclose(x, expected[0], rtol=2e-4, atol=2e-5)
                np.testing.assert_allclose(residuals, expected[1], rtol=2e-4, atol=1e-8)
                np.testing.assert_allclose(s, expected[3], rtol=1e-4, atol=1e-6)


def test_lstsq_in_batches_and_with_rcond(target: str) -> None:
    a = np.stack([general("random", 9, 4, "float32", i) for i in range(3)])
    b = general("random", 9, 3, "float32")
    f = linalg.lstsq(bm.asarray(a), bm.asarray(np.stack([b] * 3)))
    np.testing.assert_array_equal(f.rank, [4, 4, 4])
    assert f.residuals.shape == (3, 3)
    for i in range(3):
        expected = np.linalg.lstsq(wide(a[i]), wide(b))
        np.testing.assert_allclose(np.asarray(f.x)[i], expected[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(np.asarray(f.residuals)[i], expected[1], rtol=1e-4, atol=1e-6)
    cut = linalg.lstsq(bm.asarray(a[0]), bm.asarray(b), rcond=0.3)
    np.testing.assert_allclose(
        cut.x, np.linalg.lstsq(wide(a[0]), wide(b), rcond=0.3)[0], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("kind", ["random", "deficient", "1e-30", "1e30", "zero"])
def test_pinv(kind: str, target: str) -> None:
    for m, n in ((6, 4), (4, 6), (5, 5)):
        a = general(kind, m, n, "float32")
        expected = np.linalg.pinv(wide(a), rcond=6 * 1.2e-7)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(linalg.pinv(bm.asarray(a)), expected, atol=1e-5 * scale)


def test_not_positive_definite(target: str) -> None:
    for n, order in ((1, 1), (6, 4), (40, 33)):
        a = np.stack([definite("random", n, "float32", i) for i in range(3)])
        a[1, order - 1, order - 1] = -1
        for upper in (False, True):
            with pytest.raises(
                linalg.LinAlgError,
                match=rf"linalg\.cholesky: matrix \(1,\): .* of order {order} is not positive",
            ) as raised:
                linalg.cholesky(bm.asarray(a), upper=upper)
            assert raised.value.index == order
            assert raised.value.matrix == (1,)
    with pytest.raises(np.linalg.LinAlgError) as raised_alone:
        linalg.cholesky(bm.asarray(np.zeros((3, 3), np.float32)))
    assert isinstance(raised_alone.value, linalg.LinAlgError)
    assert raised_alone.value.matrix == ()
    assert raised_alone.value.index == 1


def test_zero_pivots(target: str) -> None:
    a = np.zeros((2, 2, 4, 4), np.float32) + np.eye(4, dtype=np.float32)
    a[1, 0, 2, 2] = 0
    for f in (linalg.solve, linalg.solve_triangular):
        with pytest.raises(linalg.LinAlgError, match=r"matrix \(1, 0\): .*pivot 3") as raised:
            f(bm.asarray(a), bm.asarray(np.ones((4, 2), np.float32)))
        assert raised.value.index == 3
        assert raised.value.matrix == (1, 0)
    with pytest.raises(linalg.LinAlgError, match=r"linalg\.inv"):
        linalg.inv(bm.asarray(a))
    b = np.ones(4, np.float32)
    x = linalg.solve_triangular(bm.asarray(a[1, 0]), bm.asarray(b), unit_diagonal=True)
    np.testing.assert_array_equal(x, b)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [1, 3, 40])
def test_nan_and_infinity_end_in_an_error_or_in_nan(bad: float, n: int, target: str) -> None:
    """LAPACK may never return from such input."""
    a = np.stack([definite("random", n, "float32")] * 2)
    a[1, n - 1, 0] = bad
    given = bm.asarray(a)
    for f in (linalg.svd, linalg.svdvals, linalg.eigh, linalg.eigvalsh, linalg.pinv):
        with pytest.raises(linalg.LinAlgError, match=r"matrix \(1,\): .*NaN or infinity") as raised:
            f(given)
        assert raised.value.matrix == (1,)
    _, r = linalg.qr(given)
    assert not np.isfinite(np.asarray(r)[1]).all()
    np.testing.assert_array_equal(np.asarray(r)[0], linalg.qr(given[0]).R)
    if np.isnan(bad):
        with pytest.raises(linalg.LinAlgError) as raised:
            linalg.cholesky(given)
        assert raised.value.index == n
        assert not np.isfinite(linalg.solve(given, np.ones(n, np.float32))[1]).any()


def test_types(target: str) -> None:
    integers = np.array([[2, 1], [1, 3]])
    for kind in (np.int8, np.uint8, np.int32, np.int64):
        result = linalg.cholesky(bm.asarray(integers.astype(kind)))
        assert result.dtype == bm.float32
        np.testing.assert_allclose(result, np.linalg.cholesky(integers), rtol=1e-6)
    assert linalg.solve(bm.asarray(integers), bm.ones((2,))).dtype == bm.float32
    for half in (bm.float16, bm.bfloat16):
        with pytest.raises(
            TypeError, match=r"linalg\.qr: a is b?float16, expected float32, float64 \(on the cpu"
        ):
            linalg.qr(bm.ones((2, 2), half))
    if target.startswith("cpu"):
        assert linalg.solve(integers, np.ones(2)).dtype == bm.float64
        assert linalg.solve(np.eye(2), np.ones(2, np.float32)).dtype == bm.float64


def test_named_tuples() -> None:
    a = np.eye(2)
    for name in ("qr", "svd", "eigh", "slogdet"):
        ours, theirs = getattr(linalg, name)(a), getattr(np.linalg, name)(a)
        assert ours._fields == theirs._fields
        assert type(ours).__name__ == type(theirs).__name__


def test_without_a_lapack_the_error_says_how_to_get_one() -> None:
    code = "import numpy as np, bitmetal as bm; bm.linalg.qr(np.eye(2))"
    environment = {**os.environ, "BITMETAL_BLAS": "/nowhere/liblapack.so"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60
    )
    assert "CapabilityError: linalg.qr: no LAPACK on the cpu device" in done.stderr
    assert "pip install scipy-openblas32" in done.stderr


@given(
    batch=st.lists(st.integers(0, 3), max_size=2),
    m=st.integers(0, 9),
    n=st.integers(0, 9),
    steps=st.tuples(st.sampled_from([1, 2, -1]), st.sampled_from([1, 3, -2])),
)
@settings(max_examples=60)
def test_any_shape_and_strides(batch: list[int], m: int, n: int, steps: tuple[int, int]) -> None:
    rng = np.random.default_rng(m * 10 + n)
    base = rng.standard_normal((*batch, m * abs(steps[0]), n * abs(steps[1])))
    view = base[..., :: steps[0], :: steps[1]]
    a = bm.asarray(base)[..., :: steps[0], :: steps[1]]
    if view.size:
        check_qr(view, *linalg.qr(a))
        check_svd(view, *linalg.svd(a))
    for mode in ("reduced", "complete"):
        for ours, theirs in zip(linalg.qr(a, mode), np.linalg.qr(view, mode), strict=True):
            assert ours.shape == theirs.shape
    for full in (True, False):
        for ours, theirs in zip(linalg.svd(a, full), np.linalg.svd(view, full), strict=True):
            assert ours.shape == theirs.shape


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linalg.qr(np.ones(3)), ValueError, r"linalg\.qr: a has shape \(3,\), expected at"),
        (lambda: linalg.qr(np.ones((2, 2)), "raw"), ValueError, r"linalg\.qr: mode is 'raw'"),
        (lambda: linalg.qr(None), TypeError, r"linalg\.qr: a is of type 'NoneType'"),
        (
            lambda: linalg.cholesky(np.ones((2, 3))),
            ValueError,
            r"linalg\.cholesky: a has shape \(2, 3\), expected square",
        ),
        (lambda: linalg.eigh(np.eye(2), UPLO="X"), ValueError, r"linalg\.eigh: UPLO is 'X'"),
        (lambda: linalg.inv(np.ones((2, 3))), ValueError, r"linalg\.inv: a has shape \(2, 3\)"),
        (lambda: linalg.det(np.ones((2, 3))), ValueError, r"linalg\.det: a has shape \(2, 3\)"),
        (
            lambda: linalg.solve(np.eye(3), np.ones(2)),
            ValueError,
            r"linalg\.solve: a \(3, 3\) has 3 columns, b \(2,\) has 2 rows",
        ),
        (
            lambda: linalg.solve(np.ones((2, 3, 3)), np.ones((4, 3, 1))),
            ValueError,
            r"linalg\.solve: the leading dimensions of a \(2, 3, 3\) and b \(4, 3, 1\)",
        ),
        (
            lambda: linalg.lstsq(np.ones((3, 2)), np.ones(2)),
            ValueError,
            r"linalg\.lstsq: b has shape \(2, 1\), expected \(3, 1\)",
        ),
        (
            lambda: linalg.lstsq(np.ones((3, 2)), np.ones(3), rcond="x"),
            TypeError,
            r"linalg\.lstsq: rcond is 'x'",
        ),
        (lambda: linalg.solve(np.eye(2, dtype="f2"), np.ones(2)), TypeError, r"a is float16"),
    ],
)
def test_bad_input(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
