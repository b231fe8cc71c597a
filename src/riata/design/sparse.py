"""CSC and CSR matrices, read in place; only the working set's columns are gathered.

Both subclasses hold data (float32 or float64), indices (int32 or int64) and indptr (int64), checked
before anything indexes with them. Empty columns are left out of everything but the result.
"""

from abc import abstractmethod
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..kernels import checks, sparse
from ..threads import cut, run
from .base import (
    LARGEST,
    Design,
    Floats,
    Indices,
    as_real,
    not_finite,
    too_large,
)
from .fetched import FetchedColumns
from .sparse_panel import SparsePanel
from .views import SparseView

Sums = tuple[Floats, Floats, Floats, NDArray[np.int32], NDArray[np.int32]]

MOST_ROWS = 2**31 - 1
BLOCK = 1 << 18  # stored entries in one job
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


def _lines(length: int) -> Floats:
    """Return (length, WIDTH), every row a cache line: astride two, a row would cost twice."""
    room = np.empty((length + 1) * sparse.WIDTH)
    first = -room.ctypes.data % 64 // 8
    return room[first : first + length * sparse.WIDTH].reshape(length, sparse.WIDTH)


class SparseDesign(Design):
    """What CSC and CSR share. With s_j = shift_j and t_j = rest_j, s_j + t_j = mean_j:

    (x_j - mean_j)'u = sum over stored entries (x_ij - s_j) u_i  -  t_j sum_i u_i
    """

    def __init__(self, parts: "Compressed", weights: Floats, centred: bool, n_threads: int) -> None:
        self.data, self.indices = parts.data, parts.indices
        self.n, self.n_features = parts.shape
        self._increasing, self.columns = parts.increasing, parts.columns
        self.p = self.n_features if self.columns is None else len(self.columns)
        self.weights, self.centred, self.n_threads = weights, centred, n_threads
        self.entries = len(parts.data)
        self._set_layout(parts)
        self._measure_columns()
        self.n_passes = 0.0

    @abstractmethod
    def _set_layout(self, parts: "Compressed") -> None:
        """Keep what finds the entries of a column or a row."""

    @abstractmethod
    def _sums(self, shift: Floats, out: Sums) -> None:
        """Fill out = (first, second, weight, count, repeats): see kernels/sparse.csc_sums."""

    def _measure_columns(self) -> None:
        first, second, weight = np.empty(self.p), np.empty(self.p), np.empty(self.p)
        count, repeats = (np.empty(self.p, dtype=np.int32) for _ in range(2))
        sums = first, second, weight, count, repeats
        self._sums(np.zeros(self.p), sums)
        full = count == np.count_nonzero(self.weights)
        mean = first.copy()
        self._sums(mean, sums)
        mean[full] += first[full]
        weight[full] = 1.0
        self._set_moments(mean, second + mean**2 * np.maximum(1.0 - weight, 0.0))
        # a full column is centred entry by entry; any other has mean^2 <= n variance
        self.shift = np.where(full & (repeats == 0), self.mean, 0.0)
        self.rest = self.mean - self.shift
        if self.rest.any():
            self.magnitude_sq = self.norm_sq + self.rest**2

    def panel(self, weights: Floats | None = None) -> "SparsePanel":
        return SparsePanel(self, weights)

    def residual_view(self, work: Indices) -> SparseView:
        panel = SparsePanel(self)
        panel.gather(work)
        rows = sp.csr_array((panel.value, panel.local, panel.indptr), shape=(self.n, len(work)))
        return SparseView(rows, self.rest[work], self.weights, self.n_threads, centred=self.centred)

    def row_gram(self, members: Indices, scale: Floats | None = None) -> Floats:
        scale = np.ones(len(members)) if scale is None else scale
        panel = SparsePanel(self)
        panel.gather(members)
        rows = sp.csr_array(
            (panel.value * scale[panel.local], panel.local, panel.indptr),
            shape=(self.n, len(members)),
        )
        rest = scale * self.rest[members]
        shifted = rows @ rest
        out = (rows @ rows.T).toarray() - shifted[:, None] - shifted + rest @ rest
        root = np.sqrt(self.weights)
        return root[:, None] * out * root

    def transpose_dots(self, vectors: Floats) -> Floats:
        out = np.empty((len(vectors), self.p))

        def job(a: int) -> None:
            chunk = vectors[a : a + sparse.WIDTH]
            by_row = _lines(self.n)
            by_row[:, : len(chunk)], by_row[:, len(chunk) :] = chunk.T, 0.0
            out[a : a + len(chunk)] = self._transpose_dots(by_row)[:, : len(chunk)].T

        jobs = [partial(job, a) for a in range(0, len(vectors), sparse.WIDTH)]
        run(jobs, self.n_threads)
        self.n_passes += len(jobs)
        if self.centred:
            for k, u in enumerate(vectors):
                out[k] -= self.rest * u.sum()
        return out

    @abstractmethod
    def _transpose_dots(self, vectors: Floats) -> Floats:
        """Return the sums over stored entries (p, WIDTH) for vectors (n, WIDTH): one pass."""

    @abstractmethod
    def count(self, new: Indices, count: NDArray[np.int64]) -> None:
        """count_i += the number of entries of the columns `new` in row i."""

    @abstractmethod
    def gather(
        self, new: Indices, first: int, cursor: NDArray[np.int64], local: NDArray[np.int32],
        value: Floats,
    ) -> None:  # fmt: skip
        """Append the columns `new`, numbered from `first` on, to the rows of a panel."""


class CSCDesign(SparseDesign):
    """Column j is stored at start[j]:end[j]."""

    reads_together = False  # measured: eight vectors at once cost six passes

    def _set_layout(self, parts: "Compressed") -> None:
        self.start, self.end = parts.start, parts.end

    def _sums(self, shift: Floats, out: Sums) -> None:
        sparse.csc_sums(
            self.data, self.indices, self.start, self.end, self.weights, shift, *out,
            self._increasing,
        )  # fmt: skip

    def transpose_dot(self, u: Floats) -> Floats:
        self.n_passes += 1
        return self._columns_dot(self.start, self.end, self.shift, self.rest, u)

    def _transpose_dot_of(self, index: Indices, u: Floats) -> Floats:
        return self._columns_dot(
            self.start[index], self.end[index], self.shift[index], self.rest[index], u
        )

    def _columns_dot(
        self, start: Indices, end: Indices, shift: Floats, rest: Floats, u: Floats
    ) -> Floats:
        out = np.empty(len(start))
        parts = min(len(self.data), len(start) * len(self.data) // max(self.p, 1)) // BLOCK
        jobs = [
            partial(
                sparse.csc_transpose_dot, self.data, self.indices, start, end, u, shift, out, a, b
            )
            for a, b in cut(len(start), parts)
        ]
        run(jobs, self.n_threads)
        if self.centred:
            out -= rest * u.sum()
        return out

    def _transpose_dots(self, vectors: Floats) -> Floats:
        out = _lines(self.p)
        jobs = [
            partial(
                sparse.csc_transpose_dots, self.data, self.indices, self.start, self.end, vectors,
                self.shift, out, a, b,
            )
            for a, b in cut(self.p, len(self.data) // BLOCK)
        ]  # fmt: skip
        run(jobs, self.n_threads)
        return out

    def dot(self, active: Indices, coef: Floats) -> Floats:
        out = np.empty(self.n)
        sparse.csc_dot(self.data, self.indices, self.start, self.end, active, coef, self.shift, out)
        return out - float(self.rest[active] @ coef)

    def count(self, new: Indices, count: NDArray[np.int64]) -> None:
        sparse.csc_count(self.indices, self.start, self.end, new, count)

    def gather(
        self, new: Indices, first: int, cursor: NDArray[np.int64], local: NDArray[np.int32],
        value: Floats,
    ) -> None:  # fmt: skip
        sparse.csc_gather(
            self.data,
            self.indices,
            self.start,
            self.end,
            new,
            first,
            self.shift,
            cursor,
            local,
            value,
        )


class CSRDesign(SparseDesign):
    """Row i is stored at indptr[i]:indptr[i + 1]; (seen, before) number the columns that are not
    empty, None where nearly all are filled."""

    column_cost = float("inf")

    def _set_layout(self, parts: "Compressed") -> None:
        self.indptr, self.seen, self.before = parts.indptr, parts.seen, parts.before
        self._parts = parts

    @property
    def _fetched(self) -> FetchedColumns:
        """Columns that were fetched, for all designs on the same matrix."""
        if self._parts.fetched is None:
            self._parts.fetched = FetchedColumns(self._parts, self.p)
            self.n_passes += 1
        return self._parts.fetched

    def lacks(self, index: Indices) -> bool:
        return self.n <= MOST_ROWS and self._fetched.lacks(index)

    def fetch(self, index: Indices) -> None:
        self._fetched.fetch(index)
        self.n_passes += 1

    def _holds(self, index: Indices) -> bool:
        return self._parts.fetched is not None and not self._parts.fetched.lacks(index)

    def _sums(self, shift: Floats, out: Sums) -> None:
        sparse.csr_sums(
            self.data, self.indices, self.indptr, self.seen, self.before, self.weights, shift, *out,
            self._increasing,
        )  # fmt: skip

    def transpose_dot(self, u: Floats) -> Floats:
        # one accumulator a block of rows: no more blocks than keep that a small share of the work
        parts = min(4, len(self.data) // BLOCK, len(self.data) // (4 * max(self.p, 1)))
        blocks = cut(self.n, parts)
        out = [np.empty(self.p) for _ in blocks]
        shift = self.shift if self.shift.any() else None
        jobs = [
            partial(
                sparse.csr_transpose_dot, self.data, self.indices, self.indptr, self.seen,
                self.before, u, shift, out[k], a, b,
            )
            for k, (a, b) in enumerate(blocks)
        ]  # fmt: skip
        run(jobs, self.n_threads)
        self.n_passes += 1
        for more in out[1:]:
            out[0] += more
        if self.centred:
            out[0] -= self.rest * u.sum()
        return out[0]

    def _transpose_dots(self, vectors: Floats) -> Floats:
        parts = min(4, len(self.data) // BLOCK, len(self.data) // (32 * max(self.p, 1)))
        blocks = cut(self.n, parts)
        out = [_lines(self.p) for _ in blocks]
        shift = self.shift if self.shift.any() else None
        jobs = [
            partial(
                sparse.csr_transpose_dots, self.data, self.indices, self.indptr, self.seen,
                self.before, vectors, shift, out[k], a, b,
            )
            for k, (a, b) in enumerate(blocks)
        ]  # fmt: skip
        run(jobs, self.n_threads)
        for more in out[1:]:
            out[0] += more
        return out[0]

    def dot(self, active: Indices, coef: Floats) -> Floats:
        out, full = np.empty(self.n), np.zeros(self.p)
        full[active] = coef
        jobs = [
            partial(
                sparse.csr_dot, self.data, self.indices, self.indptr, self.seen, self.before, full,
                self.shift, out, a, b,
            )
            for a, b in cut(self.n, len(self.data) // BLOCK)
        ]  # fmt: skip
        run(jobs, self.n_threads)
        return out - float(self.rest[active] @ coef)

    def _numbered(self, new: Indices, first: int) -> NDArray[np.int32]:
        number = np.full(self.p, -1, dtype=np.int32)
        number[new] = np.arange(first, first + len(new), dtype=np.int32)
        return number

    def count(self, new: Indices, count: NDArray[np.int64]) -> None:
        if self._holds(new):
            known = self._fetched
            sparse.csc_count(known.indices, known.start, known.end, known.places(new), count)
            return
        number = self._numbered(new, 0)
        jobs = [
            partial(
                sparse.csr_count, self.indices, self.indptr, self.seen, self.before, number, count,
                a, b,
            )
            for a, b in cut(self.n, len(self.data) // BLOCK)
        ]  # fmt: skip
        run(jobs, self.n_threads)
        self.n_passes += 1

    def gather(
        self, new: Indices, first: int, cursor: NDArray[np.int64], local: NDArray[np.int32],
        value: Floats,
    ) -> None:  # fmt: skip
        if self._holds(new):
            known = self._fetched
            sparse.csc_gather(
                known.data, known.indices, known.start, known.end, known.places(new), first,
                self.shift[known.columns], cursor, local, value,
            )  # fmt: skip
            return
        number = self._numbered(new, first)
        jobs = [
            partial(
                sparse.csr_gather, self.data, self.indices, self.indptr, self.seen, self.before,
                number, self.shift, cursor, local, value, a, b,
            )
            for a, b in cut(self.n, len(self.data) // BLOCK)
        ]  # fmt: skip
        run(jobs, self.n_threads)
        self.n_passes += 1
