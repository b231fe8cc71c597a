"""The gathered working set of a sparse matrix, in row form, whatever the matrix's own."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import gram
from ..kernels.rows import Rows
from ..kernels.trips import Place, RoundTrip, SparseTrip
from ..threads import cut, ends
from .base import Floats, Indices, Panel

if TYPE_CHECKING:
    from .sparse import SparseDesign

ROUND = 1 << 15  # rows and entries of a working set in one job
ROW_BLOCKS = 8
MANY = 80  # columns join together: all rows move when one does, and the next in line are short ones
PAIRS_PER_ROW, PAIRS_PER_ENTRY = 30, 4  # of a Gram matrix, which cost what these do on a round trip


class SparsePanel(Panel):
    """A Panel of rows: 16 bytes an entry, columns numbered as they came.

    indptr (n + 1,) : row i is what `local` (the columns' numbers) and `value` hold at
        indptr[i]:indptr[i + 1]
    """

    def __init__(self, design: "SparseDesign", weights: Floats | None = None) -> None:
        super().__init__(design, weights)
        self._design = design
        if design.column_cost < float("inf"):
            self.fewest = MANY
        self.indptr = np.zeros(design.n + 1, dtype=np.int64)
        self._trips: float | None = None  # see gram_in_trips
        self._ordered = True  # whether columns ascend in every row
        self._row: NDArray[np.int32] | None = None  # that of every entry, once it is asked for
        self.local = np.empty(0, dtype=np.int32)
        self.value = np.empty(0)

    @property
    def rows(self) -> Rows:
        """Return them for native loops, until columns come or go."""
        return Rows(self.indptr, self.local, self.value, self._design.loop_threads, self._row)

    @property
    def numbered(self) -> Rows:
        """Return the rows for products with them."""
        if self._row is None:
            row = np.empty(self.entries + 1, dtype=np.int32)
            self.rows.number_rows(row, self._runs())
            self._row = row
        return self.rows

    def gather(self, new: Indices) -> None:
        """Append the columns `new` to the rows."""
        first, self._row = len(self.members), None
        indptr = np.zeros_like(self.indptr)
        self._design.count(new, indptr[1:])
        self.rows.lengthen(indptr)
        room, entries = len(self.local), int(indptr[-1])
        if entries > room:
            room = entries + entries // 8 if first else entries
            self.local.resize(room, refcheck=False)  # nobody else keeps them
            self.value.resize(room, refcheck=False)
        cursor = np.empty(self._design.n, dtype=np.int64)
        self.rows.spread(indptr, cursor, self._runs())
        self._ordered = self._ordered and self._design.gathers_in_order(new)
        self._design.gather(new, first, cursor, self.local, self.value)
        self.members = np.concatenate([self.members, new])
        self.indptr, self._trips = indptr, None

    def _runs(self) -> Indices:
        """Return the ends of rows that move together, those of each thread."""
        return ends(cut(self._design.n, self._parts))

    @property
    def _parts(self) -> int:
        """Return how many jobs rows and Gram matrices are cut into."""
        return min(self._design.loop_threads, self.entries // ROUND + 1)

    @property
    def entries(self) -> int:
        """How many are stored; `local` and `value` have room for more."""
        return int(self.indptr[-1])

    def extend(self, new: Indices) -> Floats:
        first = len(self.members)
        self.gather(new)
        self.mean = np.concatenate([self.mean, self._means(first)])
        return self._gram(first)

    def reweigh(
        self, weights: Floats, mean: Floats | None = None, out: Floats | None = None, *,
        rough: bool = False,
    ) -> Floats:  # fmt: skip
        self._own, self.weights = False, weights
        self.mean = self._means(0) if mean is None else mean
        return self._gram(0, out)

    def _means(self, first: int) -> Floats:
        """Return what `mean` is of the members from `first` on."""
        if self._own or not self._centred:
            return np.zeros(len(self.members) - first)
        return self._summed(self.weights[None], first)[0] / self.weights.sum()

    def _gram(self, first: int, room: Floats | None = None) -> Floats:
        """Return the rows of the members from `first` on; room : as for `reweigh`."""
        k = len(self.members)
        out = np.empty((k - first, k)) if room is None else room
        mean = self._design.rest[self.members] + self.mean  # of the entries as they are stored
        mass = 1.0 if self._own else float(self.weights.sum())
        upper = first == 0 and self._ordered
        of = self.weights, mean, mass, first, out
        new = self.members[first:]
        if first and self._design.holds(new):
            runs = ends(cut(k - first, self._parts))
            self.rows.gram_of_columns(*of, *self._design.stored(new), runs)
        else:
            runs = self._cut_pairs() if upper else ends(cut(k - first, self._parts))
            self.rows.gram(*of, upper, runs)
        if upper:
            gram.mirror(out, k)
        return out[: k - first, :k]

    def _cut_pairs(self) -> Indices:
        """Return the ends of runs of members whose entries meet about as many of their own and
        later ones.

        A share s of the entries, the first ones, makes 1 - (1 - s)^2 of all pairs.
        """
        parts, some = self._parts, self.local[: self.entries : 8]
        entries = np.bincount(some, minlength=len(self.members)).cumsum()
        shares = 1.0 - np.sqrt(1.0 - np.arange(1, parts) / parts)
        inside = np.searchsorted(entries, shares * entries[-1:])
        return np.array([0, *inside, len(self.members)], dtype=np.intp)

    def _blocks(self) -> Indices:
        """Return the ends of the rows of each job, by the sizes alone."""
        parts = min(ROW_BLOCKS, (self.entries + len(self.indptr)) // ROUND)
        return ends(cut(self._design.n, parts))

    def transpose_dot(self, u: Floats) -> Floats:
        return self._summed(u[None])[0]

    def transpose_dots(self, vectors: Floats, some: Indices) -> Floats:
        first = int(some.min(initial=len(self.members))) if self._ordered else 0
        pairs = [self._summed(vectors[a : a + 2], first) for a in range(0, len(vectors), 2)]
        return np.concatenate(pairs)[:, some - first]

    def round_trip(self, here: Place, there: Place, loss: Any) -> RoundTrip:
        cuts = self._blocks()
        return SparseTrip(
            self.numbered, self._design.rest[self.members], here, there, loss, cuts,
            min(self._design.n_threads, len(cuts) - 1),
        )  # fmt: skip

    def gram_in_trips(self) -> float:
        if self._trips is None:
            work = PAIRS_PER_ROW * self._design.n + PAIRS_PER_ENTRY * self.entries
            self._trips = self.rows.pairs() / work
        return self._trips

    def _summed(self, vectors: Floats, first: int = 0) -> Floats:
        """Return X_W'u of one or two vectors (m, n): (m, |W|); of the members from `first` on, by
        column where these lie so."""
        design, new = self._design, self.members[first:]
        if first and design.holds(new):
            return np.array([design.products(new, u) for u in vectors])
        blocks = self._blocks()
        out = np.empty((len(blocks) - 1, len(self.members) - first + 1, len(vectors)))
        self.numbered.transpose_dots(vectors, first, out, blocks)
        total, of_vectors = np.split(out.sum(axis=0), [-1])
        rest = design.rest[new]
        return (total - rest[:, None] * of_vectors if rest.any() else total).T

    def retain(self, kept: Indices) -> None:
        number, self._row = np.full(len(self.members), -1, dtype=np.int32), None
        number[kept] = np.arange(len(kept), dtype=np.int32)
        indptr = np.empty_like(self.indptr)
        self.rows.keep(number, indptr, self._runs())
        self.indptr, self._trips = indptr, None
        super().retain(kept)

    def dot(self, coef: Floats) -> Floats:
        out = np.empty(self._design.n)
        self.numbered.dot(coef, out, self._blocks())
        return out - float(self._design.rest[self.members] @ coef)

    def dot_of(self, rows: Indices, coef: Floats) -> Floats:
        out = np.empty(len(rows))
        self.rows.dot_of(coef, rows, out)
        return out - float(self._design.rest[self.members] @ coef)
