"""From what a caller calls X to a Design: which layouts are read in place, which are refused.

Read in place: ndarrays of float64 or float32 with unit stride along one axis, and CSR and CSC
matrices or arrays of float64 or float32 with int32 or int64 indices, whether sorted, writeable,
free of duplicates or not. Converted, at the price of a copy: integers, booleans and other floats
(to float64), foreign byte order, arrays without unit stride, sparse formats other than CSR and CSC
(to CSR). Refused: complex numbers, objects, masked arrays, and anything that is not a matrix.
"""

from copy import copy
from typing import Any

import numpy as np
import scipy.sparse as sp

from .base import CONSTANT, Design, Floats, Panel, ResidualView, Terms, as_real
from .compressed import Compressed
from .dense import DenseDesign
from .layout import Measured, check_finite, makes_whole_gram, measure, stays_in_cache
from .moments import Moments, moments_design, read_moments, together
from .sparse import CSCDesign, CSRDesign

__all__ = [
    "CONSTANT",
    "Design",
    "Measured",
    "Moments",
    "Panel",
    "ResidualView",
    "Terms",
    "as_matrix",
    "as_real",
    "check_matrix",
    "make_design",
    "makes_whole_gram",
    "measure",
    "moments_design",
    "product",
    "read_moments",
    "read_once",
    "stays_in_cache",
    "together",
]


def as_matrix(X: Any) -> Any:
    """Return X as an ndarray or a CSR or CSC matrix that a Design can read; see the module."""
    if sp.issparse(X):
        _check_two_dimensional(X)
        return _as_compressed(X)
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError("X must not be a masked array: fill or drop the masked entries")
    if hasattr(X, "to_numpy"):  # pandas and polars
        X = _values_of_frame(X)
    try:
        X = np.asarray(X)
    except ValueError as error:
        raise ValueError(f"X must be a matrix, got rows of different lengths: {error}") from None
    _check_two_dimensional(X)
    X = as_real(X, "X")
    unit = X.itemsize in X.strides or X.size == 0
    return X if unit and X.flags.aligned else np.ascontiguousarray(X)


def _values_of_frame(frame: Any) -> Any:
    """Return the values of a data frame; name its columns that are not numeric."""
    if not hasattr(frame, "columns"):  # a Series
        return frame.to_numpy()
    other = [
        f"{name!r} of dtype {kind}"
        for name, kind in zip(frame.columns, frame.dtypes, strict=True)
        if not _is_real(kind)
    ]
    if other:
        more = f" and {len(other) - 8} more" if len(other) > 8 else ""
        raise TypeError(
            f"X must hold real numbers: columns must be numeric, got {', '.join(other[:8])}{more}: "
            "drop, convert or encode them (pandas.get_dummies makes one column per value)"
        )
    X = frame.to_numpy()
    if X.dtype == object:  # pandas, numbers of several kinds, or with NA
        X = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return X


def _is_real(kind: Any) -> bool:
    """Whether a column's dtype, of pandas or polars, is one of real numbers."""
    kind = getattr(getattr(kind, "categories", None), "dtype", kind)  # those of numbers are numbers
    if hasattr(kind, "is_numeric"):  # polars
        return bool(kind.is_numeric()) or str(kind) == "Boolean"
    return getattr(kind, "kind", "O") in "fiub"


def _check_two_dimensional(X: Any) -> None:
    if X.ndim != 2:
        raise ValueError(
            f"X must be a matrix of shape (n_samples, n_features), got shape {X.shape}: "
            "reshape it, with X.reshape(-1, 1) if it is a single feature or X.reshape(1, -1) if it "
            "is a single sample"
        )
    if 0 in X.shape:
        raise ValueError(
            f"X must have a row and a column at least, got shape {X.shape}: "
            f"found array with {X.shape[0]} sample(s) and {X.shape[1]} feature(s), "
            "while a minimum of 1 is required"
        )


def _as_compressed(X: Any) -> Any:
    if X.format in ("csr", "csc"):
        return _without_room(X)
    X = X.tocoo()
    for name, index, limit in (("row", X.row, X.shape[0]), ("column", X.col, X.shape[1])):
        if index.size and not (index.min() >= 0 and index.max() < limit):
            raise ValueError(f"X has a {name} index out of range [0, {limit}): rebuild the matrix")
    return X.tocsr()


def _without_room(X: Any) -> Any:
    """Return X, sharing its arrays, without entries behind the last column or row, where SciPy
    would read and write past its own. Whether they are sound is left to `Compressed`."""
    parts = X.data, X.indices, X.indptr
    if any(not isinstance(part, np.ndarray) or part.ndim != 1 for part in parts):
        return X
    entries = X.indptr[-1] if len(X.indptr) and X.indptr.dtype.kind in "iu" else -1
    if not 0 <= entries < len(X.indices):
        return X
    out = copy(X)
    out.data, out.indices = X.data[:entries], X.indices[:entries]
    return out


def check_matrix(X: Any) -> Any:
    """Return X, from `as_matrix`, once every number is finite and its structure sound."""
    if sp.issparse(X):
        Compressed(X)
    else:
        check_finite(X, 1)
    return X


def product(X: Any, coefs: Any) -> Floats:
    """Return X @ coefs as an ndarray, X from `check_matrix`, coefs dense or sparse."""
    out = X @ coefs
    return out.toarray() if sp.issparse(out) else np.asarray(out)


def read_once(X: Any) -> Any:
    """Return a matrix from `as_matrix` in the form that several designs can share.

    The structure of sparse X is checked here, once; dense X is checked by each design's own first
    pass.
    """
    return Compressed(X) if sp.issparse(X) else X


def make_design(
    X: Any, weights: Floats, *, centred: bool, n_threads: int, y: Floats | None = None,
    u: Floats | None = None, measured: Measured | None = None,
) -> Design:  # fmt: skip
    """Return the Design of a matrix from `as_matrix` or `read_once`; weights (n,) summing to 1.

    y : (n,), centred where the design is: sets X'(w y), and for tall dense X the whole Gram matrix
    u : (n,), of sum 0 where the design is centred: sets X'u; ignored where y is given
    measured : what `measure` found under these weights, and for u or w y; X is then not read

    Raises ValueError where an entry is not finite or the sparse structure is corrupted.
    """
    if isinstance(X, np.ndarray):
        return DenseDesign(X, weights, centred, n_threads, y, u, measured)
    parts = read_once(X) if sp.issparse(X) else X
    kind = CSRDesign if parts.by_rows else CSCDesign
    design = kind(parts, weights, centred, n_threads)
    u = u if y is None else weights * y
    if u is not None:
        design.correlation = design.transpose_dot(u)
    return design
