"""Columns of a CSR matrix by column, for those who gather them: read out of the rows once for all.

A working set takes a few columns at a time, and each time costs a read of every row. Here they are
kept, with those that are likely to be asked for next, for all problems on the same matrix.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels import panel
from ..threads import run
from .base import Floats, Indices

if TYPE_CHECKING:
    from .compressed import Compressed

GROWTH = 1.5


class StoredColumns(NamedTuple):
    """Some columns that lie one by one: column a at start[a]:end[a] of data and indices, shift[a]
    to be subtracted from its entries."""

    data: NDArray[Any]
    indices: NDArray[Any]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    shift: Floats

    def take(self, some: Indices) -> "StoredColumns":
        """Return those at some positions."""
        start, end, shift = self.start[some], self.end[some], self.shift[some]
        return StoredColumns(self.data, self.indices, start, end, shift)

    @property
    def entries(self) -> int:
        """How many there are in all of them."""
        return int((self.end - self.start).sum())


class FetchedColumns:
    """The columns fetched so far, entries by row: 4 bytes and a number of X each.

    place : (p,), where each column is; of one that was not fetched -1 less its number of entries
    columns : those fetched, in order
    data, indices, start, end : column `columns[k]` is stored at start[k]:end[k]
    """

    def __init__(self, parts: "Compressed", p: int) -> None:
        """Cost: one read of X."""
        self.place = np.full(p, -1, dtype=np.int32)
        panel.csr_column_counts(parts.indices, parts.indptr, parts.seen, parts.before, self.place)
        self.columns = np.empty(0, dtype=np.intp)
        self.start = self.end = np.empty(0, dtype=np.int64)
        self.data = np.empty(0, dtype=parts.data.dtype)
        self.indices: NDArray[np.int32] = np.empty(0, dtype=np.int32)

    def stored(self, index: Indices, shift: Floats) -> StoredColumns:
        """Return the columns `index`, all of them fetched; shift (p,)."""
        at = self.place[index]
        return StoredColumns(self.data, self.indices, self.start[at], self.end[at], shift[index])

    def lacks(self, index: Indices) -> bool:
        """Whether some of the columns `index` have not been fetched."""
        return bool((self.place[index] < 0).any())

    def fetch(self, parts: "Compressed", index: Indices, n_threads: int) -> None:
        """Fetch the columns `index` of the matrix that has these parts, which keep this object and
        so are not kept here. Cost: one read of X, and room for their entries.

        Two threads fill a column from both of its ends.
        """
        new = np.unique(index[self.place[index] < 0])
        first, used = len(self.columns), int(self.end[-1]) if len(self.end) else 0
        sizes = -1 - self.place[new].astype(np.int64)
        end = used + np.cumsum(sizes)
        cursor = end - sizes
        self.columns = np.concatenate([self.columns, new])
        self.start, self.end = np.concatenate([self.start, cursor]), np.concatenate([self.end, end])
        self.place[new] = np.arange(first, first + len(new), dtype=np.int32)
        room = int(self.end[-1])
        if room > len(self.data):
            room = min(int(GROWTH * room), len(parts.data))
            self.data.resize(room, refcheck=False)  # where it is: nobody else keeps it
            self.indices.resize(room, refcheck=False)
        n = len(parts.indptr) - 1
        middle = int(np.searchsorted(parts.indptr, len(parts.data) // 2)) if n_threads > 1 else n
        jobs = [
            partial(
                panel.csr_columns, parts.data, parts.indices, parts.indptr, parts.seen,
                parts.before, self.place, first, ends, self.indices, self.data, r0, r1,
            )
            for ends, r0, r1 in ((cursor, 0, middle), (end, n, middle))
            if r0 != r1
        ]  # fmt: skip
        run(jobs, n_threads)
