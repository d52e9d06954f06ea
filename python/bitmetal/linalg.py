"""Dense linear algebra with NumPy's shapes, batched over leading axes. See docs/linalg.md."""

from bitmetal._core import linalg_cholesky as cholesky
from bitmetal._core import linalg_det as det
from bitmetal._core import linalg_eigh as eigh
from bitmetal._core import linalg_eigvalsh as eigvalsh
from bitmetal._core import linalg_inv as inv
from bitmetal._core import linalg_lstsq as lstsq
from bitmetal._core import linalg_pinv as pinv
from bitmetal._core import linalg_qr as qr
from bitmetal._core import linalg_slogdet as slogdet
from bitmetal._core import linalg_solve as solve
from bitmetal._core import linalg_solve_triangular as solve_triangular
from bitmetal._core import linalg_svd as svd
from bitmetal._core import linalg_svdvals as svdvals
from bitmetal._errors import LinAlgError
from bitmetal._norms import matrix_rank, norm
from bitmetal._results import EighResult, LstsqResult, QRResult, SlogdetResult, SVDResult

__all__ = [
    "EighResult",
    "LinAlgError",
    "LstsqResult",
    "QRResult",
    "SVDResult",
    "SlogdetResult",
    "cholesky",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
]
