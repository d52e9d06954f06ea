#include "bitmetal/linalg.h"

#include "bindings/bindings.h"

namespace bitmetal::python {
namespace {

// A named tuple of bitmetal._results.
template <class... Parts>
nb::object named(const char* name, Parts&&... parts) {
  return nb::module_::import_("bitmetal._results").attr(name)(std::forward<Parts>(parts)...);
}

QrMode parse_mode(std::string_view mode) {
  if (mode == "reduced") return QrMode::reduced;
  if (mode == "complete") return QrMode::complete;
  if (mode == "r") return QrMode::r;
  fail<ValueError>("linalg.qr: mode is '", mode, "', expected 'reduced', 'complete' or 'r'");
}

bool parse_uplo(const char* op, std::string_view uplo) {
  if (uplo == "L" || uplo == "l") return false;
  if (uplo == "U" || uplo == "u") return true;
  fail<ValueError>(op, ": UPLO is '", uplo, "', expected 'L' or 'U'");
}

std::optional<double> parse_rcond(const char* op, nb::handle rcond) {
  if (rcond.is_none()) return std::nullopt;
  double value;
  if (!nb::try_cast(rcond, value)) {
    fail<TypeError>(op, ": rcond is ", nb::repr(rcond).c_str(), ", expected a number or None");
  }
  return value;
}

// One matrix in, `work` with the GIL released.
template <class Work>
auto on(const char* op, nb::handle a, Work work) {
  const Array in = to_array(op, "a", a, device_of({a}));
  return without_gil(in.device(), in.bytes(), [&] { return work(in); });
}

template <class Work>
auto on(const char* op, nb::handle a, nb::handle b, Work work) {
  Device& device = device_of({a, b});
  const Array left = to_array(op, "a", a, device), right = to_array(op, "b", b, device);
  return without_gil(left.device(), left.bytes() + right.bytes(),
                     [&] { return work(left, right); });
}

void bind_factorizations(nb::module_& m) {
  m.def(
      "linalg_cholesky",
      [](nb::handle a, bool upper) {
        return on("linalg.cholesky", a, [&](const Array& in) { return cholesky(in, upper); });
      },
      "a"_a.none(), nb::kw_only(), "upper"_a = false,
      nb::sig("def linalg_cholesky(a: ArrayLike, *, upper: bool = False) -> Array"),
      R"(Cholesky factor of symmetric positive definite matrices: a = L @ L.T.

Parameters
----------
a : array-like
    ``[..., n, n]``: float32, float64 (on the cpu device) or integers, which become float32. The
    lower triangle alone is read (the upper one with `upper`).
upper : bool
    Give U of a = U.T @ U in place of L.

Returns
-------
Array
    ``[..., n, n]``; zero in the other triangle.

Raises
------
LinAlgError
    If a matrix is not positive definite; ``error.index`` is the order of the first leading minor
    that is not positive, ``error.matrix`` which matrix of the batch it is.
)");
  m.def(
      "linalg_qr",
      [](nb::handle a, std::string_view mode) {
        const QrMode parsed = parse_mode(mode);
        if (parsed == QrMode::r) throw nb::next_overload();
        Qr f = on("linalg.qr", a, [&](const Array& in) { return qr(in, parsed); });
        return named("QRResult", std::move(*f.q), std::move(f.r));
      },
      "a"_a.none(), "mode"_a = "reduced",
      nb::sig("def linalg_qr(a: ArrayLike, mode: Literal['reduced', 'complete'] = 'reduced') -> "
              "QRResult"),
      R"(Factor a = Q @ R with orthonormal columns in Q and zeros below the diagonal of R.

Parameters
----------
a : array-like
    ``[..., m, n]``: float32, float64 (on the cpu device) or integers, which become float32.
mode : str
    "reduced": Q is ``[..., m, k]`` and R ``[..., k, n]`` with k = min(m, n); "complete": Q is
    ``[..., m, m]`` and R ``[..., m, n]``; "r": the reduced R alone, an Array.

Returns
-------
QRResult
    A named tuple (Q, R).

Notes
-----
Householder reflections. The diagonal of R may have any sign. NaN and infinity spread.
)");
  m.def(
      "linalg_qr",
      [](nb::handle a, std::string_view) {
        return on("linalg.qr", a, [](const Array& in) { return qr(in, QrMode::r).r; });
      },
      "a"_a.none(), "mode"_a, nb::sig("def linalg_qr(a: ArrayLike, mode: Literal['r']) -> Array"));
  m.def(
      "linalg_svd",
      [](nb::handle a, bool full_matrices, bool compute_uv) {
        if (!compute_uv) throw nb::next_overload();
        Svd f = on("linalg.svd", a, [&](const Array& in) { return svd(in, full_matrices, true); });
        return named("SVDResult", std::move(*f.u), std::move(f.s), std::move(*f.vt));
      },
      "a"_a.none(), "full_matrices"_a = true, "compute_uv"_a = true,
      nb::sig("def linalg_svd(a: ArrayLike, full_matrices: bool = True, "
              "compute_uv: Literal[True] = True) -> SVDResult"),
      R"(Singular value decomposition: a = U @ diag(S) @ Vh.

Parameters
----------
a : array-like
    ``[..., m, n]``: float32, float64 (on the cpu device) or integers, which become float32.
full_matrices : bool
    U is ``[..., m, m]`` and Vh ``[..., n, n]``; if False ``[..., m, k]`` and ``[..., k, n]`` with
    k = min(m, n).
compute_uv : bool
    If False S alone is computed and returned, an Array.

Returns
-------
SVDResult
    A named tuple (U, S, Vh); S is ``[..., k]`` in descending order.

Raises
------
LinAlgError
    If a matrix holds NaN or infinity, or the iteration does not converge.
)");
  m.def(
      "linalg_svd",
      [](nb::handle a, bool, bool) {
        return on("linalg.svd", a, [](const Array& in) { return svd(in, false, false).s; });
      },
      "a"_a.none(), "full_matrices"_a = true, nb::kw_only(), "compute_uv"_a,
      nb::sig("def linalg_svd(a: ArrayLike, full_matrices: bool = True, *, "
              "compute_uv: Literal[False]) -> Array"));
  m.def(
      "linalg_svdvals",
      [](nb::handle a) {
        return on("linalg.svdvals", a, [](const Array& in) { return svd(in, false, false).s; });
      },
      "a"_a.none(), nb::sig("def linalg_svdvals(a: ArrayLike) -> Array"),
      R"(Singular values, in descending order: `svd` without its vectors.

Parameters
----------
a : array-like
    ``[..., m, n]``, as for `svd`.

Returns
-------
Array
    ``[..., min(m, n)]``.

Raises
------
LinAlgError
    As `svd`.
)");
  m.def(
      "linalg_eigh",
      [](nb::handle a, std::string_view UPLO) {
        const bool upper = parse_uplo("linalg.eigh", UPLO);
        Eigh f = on("linalg.eigh", a, [&](const Array& in) { return eigh(in, upper, true); });
        return named("EighResult", std::move(f.values), std::move(*f.vectors));
      },
      "a"_a.none(), "UPLO"_a = "L",
      nb::sig("def linalg_eigh(a: ArrayLike, UPLO: Literal['L', 'U'] = 'L') -> EighResult"),
      R"(Eigenvalues and eigenvectors of symmetric matrices: a = V @ diag(w) @ V.T.

Parameters
----------
a : array-like
    ``[..., n, n]``: float32, float64 (on the cpu device) or integers, which become float32.
UPLO : str
    "L" or "U": the triangle that is read.

Returns
-------
EighResult
    A named tuple (eigenvalues, eigenvectors): ``[..., n]`` in ascending order, and ``[..., n, n]``
    with the eigenvectors as columns.

Raises
------
LinAlgError
    If the triangle holds NaN or infinity, or the iteration does not converge.
)");
  m.def(
      "linalg_eigvalsh",
      [](nb::handle a, std::string_view UPLO) {
        const bool upper = parse_uplo("linalg.eigvalsh", UPLO);
        return on("linalg.eigvalsh", a,
                  [&](const Array& in) { return eigh(in, upper, false).values; });
      },
      "a"_a.none(), "UPLO"_a = "L",
      nb::sig("def linalg_eigvalsh(a: ArrayLike, UPLO: Literal['L', 'U'] = 'L') -> Array"),
      R"(Eigenvalues of symmetric matrices, in ascending order: `eigh` without its vectors.

Parameters
----------
a : array-like
    ``[..., n, n]``, as for `eigh`.
UPLO : str
    "L" or "U": the triangle that is read.

Returns
-------
Array
    ``[..., n]``.

Raises
------
LinAlgError
    As `eigh`.
)");
}

void bind_systems(nb::module_& m) {
  m.def(
      "linalg_solve", [](nb::handle a, nb::handle b) { return on("linalg.solve", a, b, solve); },
      "a"_a.none(), "b"_a.none(), nb::sig("def linalg_solve(a: ArrayLike, b: ArrayLike) -> Array"),
      R"(Solve a @ x = b by LU factorization with partial pivoting.

Parameters
----------
a : array-like
    ``[..., n, n]``: float32, float64 (on the cpu device) or integers, which become float32.
b : array-like
    ``[n]``, one vector, or ``[..., n, k]``: as in NumPy 2. Leading dimensions broadcast.

Returns
-------
Array
    ``[..., n]`` for a vector, else ``[..., n, k]``; float64 where an argument is.

Raises
------
LinAlgError
    If a pivot is exactly zero; ``error.index`` is its place, counted from 1, and ``error.matrix``
    which matrix of the batch it is.
)");
  m.def(
      "linalg_solve_triangular",
      [](nb::handle a, nb::handle b, bool upper, bool trans, bool unit_diagonal) {
        return on("linalg.solve_triangular", a, b, [&](const Array& left, const Array& right) {
          return solve_triangular(left, right, upper, trans, unit_diagonal);
        });
      },
      "a"_a.none(), "b"_a.none(), nb::kw_only(), "upper"_a = false, "trans"_a = false,
      "unit_diagonal"_a = false,
      nb::sig("def linalg_solve_triangular(a: ArrayLike, b: ArrayLike, *, upper: bool = False, "
              "trans: bool = False, unit_diagonal: bool = False) -> Array"),
      R"(Solve a @ x = b, or a.T @ x = b, with triangular matrices.

Parameters
----------
a : array-like
    ``[..., n, n]``: float32, float64 (on the cpu device) or integers, which become float32. The
    lower triangle alone is read (the upper one with `upper`).
b : array-like
    ``[n]``, one vector, or ``[..., n, k]``. Leading dimensions broadcast.
upper : bool
    Which triangle `a` has: False, lower, as a Cholesky factor (SciPy's `lower` is the opposite).
trans : bool
    Solve with a.T, SciPy's ``trans="T"``; `upper` still says what is stored in `a`.
unit_diagonal : bool
    Take the diagonal for ones; it is not read then.

Returns
-------
Array
    ``[..., n]`` for a vector, else ``[..., n, k]``; float64 where an argument is.

Raises
------
LinAlgError
    If an element of the diagonal is zero (as SciPy; PyTorch gives infinities): ``error.index`` is
    its place, counted from 1, and ``error.matrix`` which matrix of the batch it is.
)");
  m.def(
      "linalg_inv", [](nb::handle a) { return on("linalg.inv", a, inv); }, "a"_a.none(),
      nb::sig("def linalg_inv(a: ArrayLike) -> Array"),
      R"(Inverse of square matrices: `solve` with the identity.

Parameters
----------
a : array-like
    ``[..., n, n]``, as for `solve`.

Returns
-------
Array
    ``[..., n, n]``.

Raises
------
LinAlgError
    As `solve`.
)");
  m.def(
      "linalg_lstsq",
      [](nb::handle a, nb::handle b, nb::handle rcond) {
        const char* op = "linalg.lstsq";
        const auto limit = parse_rcond(op, rcond);
        Lstsq f = on(op, a, b, [&](const Array& left, const Array& right) {
          return lstsq(left, right, limit);
        });
        nb::object rank = nb::cast(f.rank);
        if (f.rank.rank() == 0) rank = rank.attr("item")();
        return named("LstsqResult", std::move(f.x), std::move(f.residuals), std::move(rank),
                     std::move(f.s));
      },
      "a"_a.none(), "b"_a.none(), "rcond"_a = nb::none(),
      nb::sig("def linalg_lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None) -> "
              "LstsqResult"),
      R"(The x of least norm among those for which the norm of b - a @ x is least.

Parameters
----------
a : array-like
    ``[..., m, n]``: float32, float64 (on the cpu device) or integers, which become float32.
b : array-like
    ``[m]`` or ``[..., m, k]`` with the leading dimensions of `a`.
rcond : float, optional
    Singular values at most `rcond` times the largest count as zero; if None max(m, n) times the
    machine epsilon of the type.

Returns
-------
LstsqResult
    A named tuple (x, residuals, rank, s): the solution, ``[n]`` or ``[..., n, k]``; the squared
    norms of the columns of b - a @ x, ``[..., k]``, or an empty array where a matrix has rank below n
    or m <= n; the rank, an int, or for a batch an int32 Array; the singular values of `a`.

Raises
------
LinAlgError
    As `svd`, by which it is computed.
)");
  m.def(
      "linalg_pinv",
      [](nb::handle a, nb::handle rcond) {
        const auto limit = parse_rcond("linalg.pinv", rcond);
        return on("linalg.pinv", a, [&](const Array& in) { return pinv(in, limit); });
      },
      "a"_a.none(), "rcond"_a = nb::none(),
      nb::sig("def linalg_pinv(a: ArrayLike, rcond: float | None = None) -> Array"),
      R"(Moore-Penrose pseudo-inverse, by the singular value decomposition.

Parameters
----------
a : array-like
    ``[..., m, n]``, as for `svd`.
rcond : float, optional
    Singular values at most `rcond` times the largest count as zero; if None max(m, n) times the
    machine epsilon of the type, as in PyTorch (NumPy's 1e-15 means nothing in float32).

Returns
-------
Array
    ``[..., n, m]``.

Raises
------
LinAlgError
    As `svd`.
)");
  m.def(
      "linalg_slogdet",
      [](nb::handle a) {
        Slogdet f = on("linalg.slogdet", a, slogdet);
        return named("SlogdetResult", std::move(f.sign), std::move(f.logdet));
      },
      "a"_a.none(), nb::sig("def linalg_slogdet(a: ArrayLike) -> SlogdetResult"),
      R"(Sign and logarithm of the absolute value of the determinant.

Parameters
----------
a : array-like
    ``[..., n, n]``, as for `solve`.

Returns
-------
SlogdetResult
    A named tuple (sign, logabsdet), each ``[...]``; 0 and -inf for a singular matrix.
)");
  m.def(
      "linalg_det", [](nb::handle a) { return on("linalg.det", a, det); }, "a"_a.none(),
      nb::sig("def linalg_det(a: ArrayLike) -> Array"),
      R"(Determinant, from the pivots of an LU factorization.

Parameters
----------
a : array-like
    ``[..., n, n]``, as for `solve`.

Returns
-------
Array
    ``[...]``.
)");
}

}  // namespace

void bind_linalg(nb::module_& m) {
  bind_factorizations(m);
  bind_systems(m);
}

}  // namespace bitmetal::python
