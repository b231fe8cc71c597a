"""The working set of a dense matrix: its columns where they are, or, where rows are contiguous and
nobody else works on X, copies of them while they are few."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels.trips import DenseTrip, Place, RoundTrip
from ..threads import cut
from .base import Floats, Indices, Panel

if TYPE_CHECKING:
    from .dense import DenseDesign

ROUND = 1 << 16  # entries of X, 40 microseconds, that the second-level cache keeps between two uses
COLUMNS_PER_TRIP = 48  # whose Gram matrix costs as much as a round trip over them
GATHERED = 12  # copies take one byte in so many of X at most,
PER_FEATURE = 16  # less so many numbers a feature, which other arrays take
LEAST = 64  # columns, for which copies are worth while
AT_ONCE = 64  # columns that are copied or moved


def rounds(n: int, columns: int, n_threads: int) -> tuple[list[int], int]:
    """Return where blocks of rows begin and end that are used twice in a row, and by how many
    threads."""
    blocks = cut(n, -(-n * max(1, columns) // ROUND), 512)
    return [0, *(b for _, b in blocks)], min(n_threads, len(blocks))


class DensePanel(Panel):
    """A Panel on the columns where they are."""

    may_round = True

    def __init__(self, design: "DenseDesign", weights: Floats | None = None) -> None:
        super().__init__(design, weights)
        self._design = design

    def _source(self) -> "tuple[DenseDesign, Indices]":
        """Return where the members' columns are read, and their numbers there."""
        return self._design, self.members

    def extend(self, new: Indices) -> Floats:
        first = len(self.members)
        self._add(new)
        if first == 0:
            return self._gram()
        rows = np.empty((len(new), len(self.members)))
        self._put_rows(rows, rows[:, :0].T)
        return rows

    def join(self, new: Indices, gram: Floats) -> None:
        first, size = len(self.members), len(self.members) + len(new)
        if first == 0:
            super().join(new, gram)
        else:
            self._add(new)
            self._put_rows(gram[first:size, :size], gram[:first, first:size])

    def _add(self, new: Indices) -> None:
        """Add columns."""
        first = len(self.members)
        self.members = np.concatenate([self.members, new])
        self.mean = np.concatenate([self.mean, self._mean_of(first)])

    def _put_rows(self, rows: Floats, across: Floats) -> None:
        """Write the Gram matrix's last rows, and what they hold of the first columns transposed."""
        design, index = self._source()
        weights, shift = self._under()
        design.gram_rows(index[len(index) - len(rows) :], index, weights, shift, rows, across)

    def reweigh(
        self, weights: Floats, mean: Floats | None = None, out: Floats | None = None, *,
        rough: bool = False,
    ) -> Floats:  # fmt: skip
        self._own, self.weights = False, weights
        self.mean = self._mean_of(0) if mean is None else mean
        return self._gram(out, rough=rough)

    def _mean_of(self, first: int) -> Floats:
        """Return the means of the members from `first` on."""
        design, index = self._source()
        if self._own or not self._centred:
            return np.zeros(len(index) - first)
        return design._transpose_dot_of(index[first:], self.weights) / self.weights.sum()

    def _gram(self, out: Floats | None = None, *, rough: bool = False) -> Floats:
        """Return the Gram matrix; out, rough : as for `reweigh`."""
        design, index = self._source()
        return design.gram(index, *self._under(), out, rough=rough)

    def _under(self) -> tuple[Floats, Floats]:
        """Return the weights of the Gram matrix, and what it subtracts from the columns where these
        are read."""
        design, index = self._source()
        if self._own:
            return design.weights, design.mean
        shift = design.mean.copy()
        shift[index] += self.mean
        return self.weights, shift

    def grams_about(self, weights: Floats, mean: Floats) -> Floats:
        design, index = self._source()
        shift = design.mean.copy()
        shift[index] += mean
        return design.grams(index, shift, weights)

    def transpose_dot(self, u: Floats) -> Floats:
        design, index = self._source()
        return design._transpose_dot_of(index, u)

    def dot(self, coef: Floats) -> Floats:
        design, index = self._source()
        if design.reads_some_together:
            return design.dot(index, coef)  # which skips zeros by itself
        active = np.flatnonzero(coef)
        return design.dot(index[active], coef[active])

    def round_trip(self, here: Place, there: Place, loss: Any) -> RoundTrip:
        design, index = self._source()
        cuts, n_threads = rounds(design.n, len(index), design.n_threads)
        return DenseTrip(design.X, design.mean, index, here, there, loss, cuts, n_threads)

    def gram_in_trips(self) -> float:
        return len(self.members) / COLUMNS_PER_TRIP

    def transpose_dots(self, vectors: Floats, some: Indices) -> Floats:
        design, index = self._source()
        return design.dots_of(index[some], vectors)

    def dots(self, coefs: Floats, some: Indices) -> Floats:
        design, index = self._source()
        return design.dots(index[some], coefs)


def room_for_columns(design: "DenseDesign") -> int:
    """Return how many columns a working set of the design may gather."""
    if design.reads_some_together or not design.fetches or design.whole_gram is not None:
        return 0
    room = design.X.nbytes // GATHERED - 8 * PER_FEATURE * design.p
    columns = room // (design.n * design.X.itemsize)
    return columns if columns >= LEAST else 0


class GatheredPanel(DensePanel):
    """The same where a column alone costs a line of the cache an entry: those of the members are
    copied when they join, as long as there is room; beyond it they are read where they are."""

    def __init__(self, design: "DenseDesign", weights: Floats | None, room: int) -> None:
        super().__init__(design, weights)
        self._room = room
        self._columns: Any = np.empty((0, design.n), design.X.dtype)  # room is made when one joins
        self._local: DenseDesign | None = None

    def _source(self) -> "tuple[DenseDesign, Indices]":
        if self._columns is None:
            return super()._source()
        if self._local is None:
            found = self._columns[: len(self.members)].T
            self._local = self._design.of_columns(found, self.members)
        return self._local, np.arange(len(self.members))

    def _add(self, new: Indices) -> None:
        first, last = len(self.members), len(self.members) + len(new)
        self._local = None
        if last > self._room:
            self._columns = None
        elif self._columns is not None:
            if len(self._columns) == 0 and last:
                self._columns = np.empty((self._room, self._design.n), self._design.X.dtype)
            for a in range(0, len(new), AT_ONCE):
                some = new[a : a + AT_ONCE]
                self._columns[first + a : first + a + len(some)] = self._design.X[:, some].T
        super()._add(new)

    def retain(self, kept: Indices) -> None:
        super().retain(kept)
        self._local = None
        if self._columns is not None:
            for a in range(0, len(kept), AT_ONCE):  # nobody comes from where somebody has gone
                some = kept[a : a + AT_ONCE]
                self._columns[a : a + len(some)] = self._columns[some]
