"""From what a caller calls X to a Design: which layouts are read in place, which are refused.

Read in place: ndarrays of float64 or float32 with unit stride along one axis, and CSR and CSC
matrices or arrays of float64 or float32 with int32 or int64 indices, whether sorted, writeable, free
of duplicates or not. Converted, at the price of a copy: integers, booleans and other floats (to
float64), foreign byte order, arrays without unit stride, sparse formats other than CSR and CSC (to
CSR). Refused: complex numbers, objects, masked arrays, and anything that is not a matrix.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..kernels import checks
from .base import LARGEST, Design, Floats, Panel, ResidualView
from .dense import DenseDesign, check_finite
from .sparse import CSCDesign, CSRDesign

__all__ = ["Design", "Panel", "ResidualView", "as_matrix", "as_real", "check_matrix", "make_design"]


def as_matrix(X: Any) -> Any:
    """Return X as an ndarray or a CSR or CSC matrix that a Design can read; see the module."""
    if sp.issparse(X):
        _check_two_dimensional(X)
        return _as_compressed(X)
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError("X must not be a masked array: fill or drop the masked entries")
    if hasattr(X, "to_numpy"):  # pandas and polars
        X = X.to_numpy()
    X = np.asarray(X)
    _check_two_dimensional(X)
    X = as_real(X, "X")
    unit = X.itemsize in X.strides or X.size == 0
    return X if unit and X.flags.aligned else np.ascontiguousarray(X)


def as_real(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return float32 and float64 as they are, other real numbers as float64; refuse the rest."""
    if values.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} must hold real numbers, got dtype {values.dtype}: "
            "convert it, for example with .astype(float)"
        )
    if values.dtype in (np.dtype(np.float64), np.dtype(np.float32)):
        return values  # a foreign byte order compares unequal
    return values.astype(np.float64)


def _check_two_dimensional(X: Any) -> None:
    if X.ndim != 2:
        raise ValueError(
            f"X must be a matrix of shape (n_samples, n_features), got shape {X.shape}: "
            "reshape it, for example with X.reshape(-1, 1)"
        )
    if 0 in X.shape:
        raise ValueError(
            f"X must have a row and a column at least, got shape {X.shape}: "
            f"found array with {X.shape[0]} sample(s) and {X.shape[1]} feature(s), "
            "while a minimum of 1 is required"
        )


def _as_compressed(X: Any) -> Any:
    if X.format in ("csr", "csc"):
        return X
    X = X.tocoo()
    for name, index, limit in (("row", X.row, X.shape[0]), ("column", X.col, X.shape[1])):
        if index.size and not (0 <= index.min() and index.max() < limit):
            raise ValueError(f"X has a {name} index out of range [0, {limit}): rebuild the matrix")
    return X.tocsr()


def check_matrix(X: Any) -> Any:
    """Return X, from `as_matrix`, once every number is finite and its structure sound."""
    if sp.issparse(X):
        _Compressed(X)
    else:
        check_finite(X, 1)
    return X


def make_design(X: Any, weights: Floats, *, centred: bool, n_threads: int) -> Design:
    """Return the Design of a matrix from `as_matrix`, its weights (n,) summing to 1.

    Raises ValueError where an entry is not finite or the sparse structure is corrupted.
    """
    if not sp.issparse(X):
        check_finite(X, n_threads)
        return DenseDesign(X, weights, centred, n_threads)
    c = _Compressed(X)
    arguments = (c.data, c.indices, c.indptr, X.shape, c.increasing, weights, centred, n_threads)
    return CSCDesign(*arguments) if c.seen is None else CSRDesign(*arguments, seen=c.seen)


class _Compressed:
    """The arrays of a CSR or CSC matrix, checked in our own loop before any kernel indexes with them.

    scipy's check_format misses cases and changes the matrix. Cost: one read.
    """

    def __init__(self, X: Any) -> None:
        by_rows = X.format == "csr"
        major, minor = X.shape if by_rows else X.shape[::-1]
        self.data, self.indices, self.indptr = _checked_arrays(X, major)
        self.seen = np.zeros(minor, dtype=np.uint8) if by_rows else None
        bad, self.increasing = checks.check_indices(self.indices, self.indptr, minor, self.seen)
        if bad >= 0:
            raise ValueError(
                f"X.indices must lie in [0, {minor}), got {self.indices[bad]} at position {bad}: "
                "rebuild the matrix"
            )
        _check_data(X, self.data, self.indices, self.indptr)


def _checked_arrays(X: Any, major: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Return (data, indices, indptr) as contiguous arrays whose indptr is sound."""
    for name in ("data", "indices", "indptr"):
        part = getattr(X, name)
        if not isinstance(part, np.ndarray) or part.ndim != 1:
            raise ValueError(f"X.{name} must be a one-dimensional array: rebuild the matrix")
        if name != "data" and part.dtype.kind not in "iu":
            raise TypeError(f"X.{name} must hold integers, got {part.dtype}: rebuild the matrix")
    data = np.ascontiguousarray(as_real(X.data, "X"))
    indices = X.indices
    if indices.dtype not in (np.dtype(np.int32), np.dtype(np.int64)):
        indices = indices.astype(np.int64)
    indices = np.ascontiguousarray(indices)
    indptr = np.ascontiguousarray(X.indptr, dtype=np.int64)
    if len(indptr) != major + 1:
        raise ValueError(
            f"X.indptr must have {major + 1} entries for shape {X.shape}, got {len(indptr)}: "
            "rebuild the matrix"
        )
    problem = checks.check_indptr(indptr, min(len(data), len(indices)))
    if problem:
        raise ValueError(f"X.{problem}: rebuild the matrix")
    return data, indices, indptr


def _check_data(
    X: Any, data: NDArray[Any], indices: NDArray[Any], indptr: NDArray[np.int64]
) -> None:
    data = data[: indptr[-1]]
    top = checks.largest(data)
    if np.isnan(top):
        k = int(np.flatnonzero(~np.isfinite(data))[0])
        major = int(np.searchsorted(indptr, k, side="right")) - 1
        i, j = (major, indices[k]) if X.format == "csr" else (indices[k], major)
        raise ValueError(
            f"X must hold finite numbers, got {data[k]} at row {i}, column {j}: drop or impute it"
        )
    if top > LARGEST:
        raise ValueError(f"X must not exceed {LARGEST:g}, got {top:g}: rescale its columns")
