"""The working set of a dense matrix: nothing is gathered but the Gram kernel's blocks."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels.trips import DenseTrip, Place, RoundTrip
from ..threads import cut
from .base import Floats, Indices, Panel

if TYPE_CHECKING:
    from .dense import DenseDesign

ROUND = 1 << 16  # entries of X, 40 microseconds, that the second-level cache keeps between two uses
COLUMNS_PER_TRIP = 64  # whose Gram matrix costs as much as a round trip over them


def rounds(n: int, columns: int, n_threads: int) -> tuple[list[int], int]:
    """Return where blocks of rows begin and end that are used twice in a row, and by how many
    threads."""
    blocks = cut(n, -(-n * max(1, columns) // ROUND), 512)
    return [0, *(b for _, b in blocks)], min(n_threads, len(blocks))


class DensePanel(Panel):
    """A Panel on the columns where they are."""

    def __init__(self, design: "DenseDesign", weights: Floats | None = None) -> None:
        super().__init__(design, weights)
        self._design = design

    def extend(self, new: Indices) -> Floats:
        first = len(self.members) == 0
        self.members = np.concatenate([self.members, new])
        self.mean = np.concatenate([self.mean, self._mean_of(new)])
        return self._gram(self.members if first else new)

    def reweigh(
        self, weights: Floats, mean: Floats | None = None, out: Floats | None = None
    ) -> Floats:
        self._own, self.weights = False, weights
        self.mean = self._mean_of(self.members) if mean is None else mean
        return self._gram(self.members, out)

    def _mean_of(self, columns: Indices) -> Floats:
        if self._own or not self._centred:
            return np.zeros(len(columns))
        return self._design._transpose_dot_of(columns, self.weights) / self.weights.sum()

    def _gram(self, rows: Indices, out: Floats | None = None) -> Floats:
        if self._own:
            return self._design.gram(rows, self.members)
        mean = self._design.mean.copy()
        mean[self.members] += self.mean
        return self._design.gram(rows, self.members, self.weights, mean, out)

    def grams_about(self, weights: Floats, mean: Floats) -> Floats:
        shift = self._design.mean.copy()
        shift[self.members] += mean
        return self._design.grams(self.members, shift, weights)

    def transpose_dot(self, u: Floats) -> Floats:
        return self._design._transpose_dot_of(self.members, u)

    def dot(self, coef: Floats) -> Floats:
        if self._design.reads_some_together:
            return self._design.dot(self.members, coef)  # which skips zeros by itself
        active = np.flatnonzero(coef)
        return self._design.dot(self.members[active], coef[active])

    def round_trip(self, here: Place, there: Place, loss: Any) -> RoundTrip:
        design = self._design
        cuts, n_threads = rounds(design.n, len(self.members), design.n_threads)
        return DenseTrip(
            design.X, design.mean, self.members, here, there, loss, cuts, n_threads
        )  # fmt: skip

    def gram_in_trips(self) -> float:
        return len(self.members) / COLUMNS_PER_TRIP

    def transpose_dots(self, vectors: Floats, some: Indices) -> Floats:
        return self._design.dots_of(self.members[some], vectors)

    def dots(self, coefs: Floats, some: Indices) -> Floats:
        return self._design.dots(self.members[some], coefs)
