"""CSR and CSC matrices as the caller holds them, checked once for all designs that read them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import checks
from .base import LARGEST, Indices, as_real, not_finite, too_large
from .fetched import FetchedColumns

COMPACT = 0.75  # columns are numbered anew where fewer than this share hold an entry


class Compressed:
    """The arrays of a CSR or CSC matrix, checked before any kernel indexes with them.

    In our own loop: scipy's check_format misses cases and changes the matrix. Cost: one read.

    columns : the numbers of the columns that hold an entry, or None where nearly all do
    fetched : columns of a CSR matrix that somebody has gathered
    """

    columns: Indices | None = None
    seen: NDArray[np.uint64] | None = None
    before: NDArray[np.int32] | None = None
    fetched: FetchedColumns | None = None

    def __init__(self, X: Any) -> None:
        self.shape, self.by_rows = X.shape, X.format == "csr"
        self._take_arrays(X)
        if self.by_rows:
            self._read_rows()
        else:
            self._read_columns()
        self._check_data()

    def _take_arrays(self, X: Any) -> None:
        """Take contiguous arrays whose indptr is sound."""
        major = self.shape[0] if self.by_rows else self.shape[1]
        for name in ("data", "indices", "indptr"):
            part = getattr(X, name)
            if not isinstance(part, np.ndarray) or part.ndim != 1:
                raise ValueError(f"X.{name} must be a one-dimensional array: rebuild the matrix")
            if name != "data" and part.dtype.kind not in "iu":
                raise TypeError(
                    f"X.{name} must hold integers, got {part.dtype}: rebuild the matrix"
                )
        self.data = np.ascontiguousarray(as_real(X.data, "X"))
        self.indices, self.indptr = _as_index(X.indices), _as_index(X.indptr)
        if len(self.indptr) != major + 1:
            raise ValueError(
                f"X.indptr must have {major + 1} entries for shape {self.shape}, "
                f"got {len(self.indptr)}: rebuild the matrix"
            )
        problem = checks.check_indptr(self.indptr, min(len(self.data), len(self.indices)))
        if problem:
            raise ValueError(f"X.{problem}: rebuild the matrix")
        self.data = self.data[: self.indptr[-1]]

    def _read_rows(self) -> None:
        self.indptr = self.indptr.astype(np.int64, copy=False)
        self.start, self.end = self.indptr[:-1], self.indptr[1:]
        seen = np.zeros(self.shape[1] // 64 + 1, dtype=np.uint64)
        self._check_indices(self.shape[1], seen)
        before, filled = checks.rank_table(seen)
        if len(filled) < COMPACT * self.shape[1]:
            self.columns, self.seen, self.before = filled, seen, before

    def _read_columns(self) -> None:
        filled, self.start, self.end = checks.filled_segments(self.indptr)
        if len(filled) < COMPACT * self.shape[1]:
            self.columns = filled
        else:
            indptr = self.indptr.astype(np.int64, copy=False)
            self.start, self.end = indptr[:-1], indptr[1:]
        self._check_indices(self.shape[0], None)

    def _check_indices(self, limit: int, seen: NDArray[np.uint64] | None) -> None:
        bad, self.increasing = checks.check_indices(self.indices, self.start, self.end, limit, seen)
        if bad >= 0:
            raise ValueError(
                f"X.indices must lie in [0, {limit}), got {self.indices[bad]} at position {bad}: "
                "rebuild the matrix"
            )

    def _check_data(self) -> None:
        top = checks.largest(self.data)
        if np.isnan(top):
            k = int(np.flatnonzero(~np.isfinite(self.data))[0])
            major = int(np.searchsorted(self.indptr, k, side="right")) - 1
            minor = self.indices[k]
            i, j = (major, minor) if self.by_rows else (minor, major)
            raise ValueError(not_finite(self.data[k], i, j))
        if top > LARGEST:
            raise ValueError(too_large(top))


def _as_index(index: NDArray[Any]) -> NDArray[Any]:
    """Return int32 and int64 as they are, other integers as int64."""
    if index.dtype not in (np.dtype(np.int32), np.dtype(np.int64)):
        index = index.astype(np.int64)
    return np.ascontiguousarray(index)
