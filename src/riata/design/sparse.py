"""CSC and CSR matrices, read in place; only the working set's columns are gathered.

Both subclasses hold data (float32 or float64), indices (int32 or int64) and indptr (int64), checked
before anything indexes with them. Empty columns are left out of everything but the result.
"""

import math
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk

from ..kernels import panel, sparse
from ..threads import cut, run
from .base import Design, Floats, Indices
from .compressed import Compressed
from .fetched import FetchedColumns, StoredColumns
from .sparse_panel import SparsePanel
from .views import SparseView

Sums = tuple[Floats, Floats, Floats, NDArray[np.int32], NDArray[np.int32]]

MOST_ROWS = 2**31 - 1  # whose numbers fit into 32 bits
SMALL = 1 << 15  # entries, of which supports are large
BLOCK = 1 << 17  # stored entries in one job
SPARSE_PRODUCT = 8.0  # multiply-adds of a dense product that one of a sparse one costs
SUMS = 16  # columns, whose dense products cost what it does to form and add up an (n, n) sum
COPIED = 256  # columns at a time, for dense products
AT_ONCE = 2 * sparse.WIDTH  # vectors in one read of X: their sums take as many doubles a column


def _lines(count: int, length: int) -> Floats:
    """Return (count, length, WIDTH), every row a cache line: astride two it would cost twice."""
    shape = count, length, sparse.WIDTH
    room = np.empty(math.prod(shape) + sparse.WIDTH)
    first = -room.ctypes.data % 64 // 8
    return room[first : first + math.prod(shape)].reshape(shape)


def _eights(rows: Floats) -> list[Floats]:
    """Return rows (k, n) by WIDTH, views."""
    return [rows[k : k + sparse.WIDTH] for k in range(0, len(rows), sparse.WIDTH)]


def _lay_side_by_side(lines: Floats, rows: Floats) -> None:
    """Put rows (k, n), at most WIDTH, in lines (n, WIDTH), and 0 beside them."""
    lines[:, : len(rows)], lines[:, len(rows) :] = rows.T, 0.0


def _take_apart(lines: Floats, rows: Floats) -> None:
    """Put lines (n, WIDTH) in rows (k, n), as many as there are."""
    rows[:] = lines[:, : len(rows)].T


class SparseDesign(Design):
    """What CSC and CSR share. With s_j = shift_j and t_j = rest_j, s_j + t_j = mean_j:

    (x_j - mean_j)'u = sum over stored entries (x_ij - s_j) u_i  -  t_j sum_i u_i
    """

    def __init__(self, parts: Compressed, weights: Floats, centred: bool, n_threads: int) -> None:
        self.data, self.indices = parts.data, parts.indices
        self.n, self.n_features = parts.shape
        self._increasing, self.columns = parts.increasing, parts.columns
        self.p = self.n_features if self.columns is None else len(self.columns)
        self.weights, self.centred, self.n_threads = weights, centred, n_threads
        self.entries, self.small = len(parts.data), len(parts.data) < SMALL
        self._set_layout(parts)
        self._measure_columns()
        self.n_passes = 0.0

    @abstractmethod
    def _set_layout(self, parts: Compressed) -> None:
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
        shifted = full & (repeats == 0)
        self.shift = np.where(shifted, self.mean, 0.0)
        self.rest = self.mean - self.shift if shifted.any() else self.mean
        if self.rest.any():
            self.magnitude_sq = self.norm_sq + self.rest**2

    def panel(self, weights: Floats | None = None, *, working: bool = False) -> "SparsePanel":
        return SparsePanel(self, weights)

    def residual_view(self, work: Indices) -> SparseView:
        gathered = SparsePanel(self)
        gathered.gather(work)
        rows = sp.csr_array(
            (gathered.value, gathered.local, gathered.indptr), shape=(self.n, len(work))
        )
        return SparseView(rows, self.rest[work], self.weights, self.n_threads, centred=self.centred)

    def row_gram(self, members: Indices, scale: Floats | None = None) -> Floats:
        scale = np.ones(len(members)) if scale is None else scale
        rows, rest = self._scaled(members, scale)
        shifted = rows @ rest
        out = (rows @ rows.T).toarray() - shifted[:, None] - shifted + rest @ rest
        root = np.sqrt(self.weights)
        return root[:, None] * out * root

    def _scaled(self, members: Indices, scale: Floats) -> tuple[sp.csr_array, Floats]:
        """Return X_J diag(scale) in row form, and what centring takes off each of its columns."""
        gathered = SparsePanel(self)
        gathered.gather(members)
        value = gathered.value * scale[gathered.local]
        shape = self.n, len(members)
        rows = sp.csr_array((value, gathered.local, gathered.indptr), shape=shape)
        return rows, scale * self.rest[members]

    def add_row_gram(self, out: Floats, members: Indices, scale: Floats, sign: float) -> None:
        rows, rest = self._scaled(members, scale)
        filled = np.bincount(rows.indices, minlength=len(members)).astype(float)
        if SPARSE_PRODUCT * float(filled @ filled) < 0.5 * self.n**2 * (len(members) - SUMS):
            super().add_row_gram(out, members, scale, sign)
            return
        root = np.sqrt(self.weights)
        for a, b in cut(len(members), -(-len(members) // COPIED)):
            some = (rows[:, a:b].toarray() - rest[a:b]) * root[:, None]
            dsyrk(sign, some.T, beta=1.0, c=out.T, trans=1, lower=False, overwrite_c=True)

    def transpose_dots(self, vectors: Floats) -> Floats:
        self.n_passes += -(-len(vectors) // AT_ONCE)
        return self._side_by_side(vectors, self._transpose_dots, self.rest)

    def _side_by_side(
        self, vectors: Floats, read: Callable[[Floats], Floats], rest: Floats
    ) -> Floats:
        """Return X_J'u of every row of `vectors` (k, n), of some columns; rest (|J|,) : theirs.

        read : makes the sums over stored entries (m, |J|, WIDTH) of vectors (m, n, WIDTH)
        """
        out = np.empty((len(vectors), len(rest)))
        for a in range(0, len(vectors), AT_ONCE):
            some, sums = _eights(vectors[a : a + AT_ONCE]), _eights(out[a : a + AT_ONCE])
            laid = _lines(len(some), self.n)
            pairs = zip(laid, some, strict=True)
            run([partial(_lay_side_by_side, *pair) for pair in pairs], self.n_threads)
            pairs = zip(read(laid), sums, strict=True)
            run([partial(_take_apart, *pair) for pair in pairs], self.n_threads)
        if self.centred:
            for k, u in enumerate(vectors):
                out[k] -= rest * u.sum()
        return out

    @abstractmethod
    def _transpose_dots(self, vectors: Floats) -> Floats:
        """Return the sums over stored entries (m, p, WIDTH) for vectors (m, n, WIDTH): one pass."""

    @abstractmethod
    def holds(self, index: Indices) -> bool:
        """Whether the columns `index` lie one by one, and need not be read out of rows."""

    @abstractmethod
    def stored(self, index: Indices) -> StoredColumns:
        """Return the columns `index`, which it `holds`."""

    @property
    @abstractmethod
    def _places(self) -> tuple[Any, Any, Any, Any, Any]:
        """What finds the entries of columns that it holds: data, indices, start, end and place; see
        kernels/sparse.csc_transpose_dot."""

    def products(self, index: Indices | None, u: Floats) -> Floats:
        """Return X_J'u, (|J|,), of columns J that it `holds`; of all of them for None."""
        data, indices, start, end, place = self._places
        out = np.empty(self.p if index is None else len(index))
        sparse.csc_transpose_dot(
            data, indices, start, end, self.shift, self.rest, index, place, u,
            float(u.sum()) if self.centred else 0.0, out, self.loop_threads,
        )  # fmt: skip
        return out

    def count(self, new: Indices, count: NDArray[np.int64]) -> None:
        """count_i += the number of entries of the columns `new` in row i."""
        columns = self.stored(new)
        panel.csc_count(columns.indices, columns.start, columns.end, count)

    def gathers_in_order(self, new: Indices) -> bool:
        """Whether `gather` appends to every row in the order of `new`."""
        return True

    def gather(
        self, new: Indices, first: int, cursor: NDArray[np.int64], local: NDArray[np.int32],
        value: Floats,
    ) -> None:  # fmt: skip
        """Append the columns `new`, numbered from `first` on, to the rows of a panel."""
        panel.csc_gather(*self.stored(new), first, cursor, local, value)


class CSCDesign(SparseDesign):
    """Column j is stored at start[j]:end[j]."""

    reads_together = False  # measured: eight vectors cost four passes, bounds leave less to read
    reads_some_together = True

    def _set_layout(self, parts: Compressed) -> None:
        self.start, self.end = parts.start, parts.end

    def _sums(self, shift: Floats, out: Sums) -> None:
        first, second, weight, count, repeats = out
        # where a row's entries must be found, each job takes two numbers a row
        parts = len(self.data) // BLOCK if self._increasing else 1
        jobs = [
            partial(
                sparse.csc_sums, self.data, self.indices, self.start[a:b], self.end[a:b],
                self.weights, shift[a:b], first[a:b], second[a:b], weight[a:b], count[a:b],
                repeats[a:b], self._increasing,
            )
            for a, b in cut(self.p, parts)
        ]  # fmt: skip
        run(jobs, self.n_threads)

    @property
    def _places(self) -> tuple[Any, Any, Any, Any, Any]:
        return self.data, self.indices, self.start, self.end, None

    @property
    def _whole(self) -> StoredColumns:
        return StoredColumns(self.data, self.indices, self.start, self.end, self.shift)

    def holds(self, index: Indices) -> bool:
        return True

    def stored(self, index: Indices) -> StoredColumns:
        return self._whole.take(index)

    def transpose_dot(self, u: Floats) -> Floats:
        self.n_passes += 1
        return self.products(None, u)

    def _transpose_dot_of(self, index: Indices, u: Floats) -> Floats:
        return self.products(index, u)

    def _transpose_dots(self, vectors: Floats) -> Floats:
        return self._products(self._whole, vectors)

    def transpose_dots_of(self, index: Indices, vectors: Floats) -> Floats:
        columns, rest = self.stored(index), self.rest[index]
        apart = columns.entries < self.n  # putting eight vectors side by side costs more
        reads = len(vectors) if apart else -(-len(vectors) // AT_ONCE)
        self.n_passes += reads * len(index) / self.p
        if apart:
            return np.array([self.products(index, u) for u in vectors])
        return self._side_by_side(vectors, partial(self._products, columns), rest)

    def _products(self, columns: StoredColumns, vectors: Floats) -> Floats:
        """Return the sums over stored entries (m, |J|, WIDTH) of some columns."""
        data, indices, start, end, shift = columns
        out = _lines(len(vectors), len(start))
        jobs = [
            partial(sparse.csc_transpose_dots, data, indices, start, end, vectors, shift, out, a, b)
            for a, b in cut(len(start), columns.entries // BLOCK)
        ]
        run(jobs, self.n_threads)
        return out

    def dot(self, active: Indices, coef: Floats) -> Floats:
        out = np.empty(self.n)
        sparse.csc_dot(self.data, self.indices, self.start, self.end, active, coef, self.shift, out)
        return out - float(self.rest[active] @ coef)


class CSRDesign(SparseDesign):
    """Row i is stored at indptr[i]:indptr[i + 1]; (seen, before) number the columns that are not
    empty, None where nearly all are filled."""

    column_cost = float("inf")

    def _set_layout(self, parts: Compressed) -> None:
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
        self._fetched.fetch(self._parts, index, min(self.n_threads, len(self.data) // BLOCK))
        self.n_passes += 1

    def holds(self, index: Indices) -> bool:
        return self._parts.fetched is not None and not self._parts.fetched.lacks(index)

    def stored(self, index: Indices) -> StoredColumns:
        return self._fetched.stored(index, self.shift)

    @property
    def _places(self) -> tuple[Any, Any, Any, Any, Any]:
        columns = self._fetched
        return columns.data, columns.indices, columns.start, columns.end, columns.place

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
        out = [_lines(len(vectors), self.p) for _ in blocks]
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
        if self.holds(new):
            super().count(new, count)
            return
        number = self._numbered(new, 0)
        jobs = [
            partial(
                panel.csr_count, self.indices, self.indptr, self.seen, self.before, number, count,
                a, b,
            )
            for a, b in cut(self.n, len(self.data) // BLOCK)
        ]  # fmt: skip
        run(jobs, self.n_threads)
        self.n_passes += 1

    def gathers_in_order(self, new: Indices) -> bool:
        return self.holds(new) or (self._increasing and bool(np.all(new[1:] > new[:-1])))

    def gather(
        self, new: Indices, first: int, cursor: NDArray[np.int64], local: NDArray[np.int32],
        value: Floats,
    ) -> None:  # fmt: skip
        if self.holds(new):
            super().gather(new, first, cursor, local, value)
            return
        number = self._numbered(new, first)
        jobs = [
            partial(
                panel.csr_gather, self.data, self.indices, self.indptr, self.seen, self.before,
                number, self.shift, cursor, local, value, a, b,
            )
            for a, b in cut(self.n, len(self.data) // BLOCK)
        ]  # fmt: skip
        run(jobs, self.n_threads)
        self.n_passes += 1
