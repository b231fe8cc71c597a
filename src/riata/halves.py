"""Paths on random halves of the rows: which features enter, and by which alpha.

Halves go down the grid together, `MOST_LANES` to a batch, the two of a pair in the same one. Where
Ctrl-C or the caller's time ends the work, the batches that were finished count, with all alphas;
where that is none, the first one does, with the alphas that all of its halves had solved.

Rows are dealt out by kind: of every class, or of the counts that are positive and those that are
not, each half gets its half, to within one row.
"""

import time
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .data import Data
from .families import Family
from .grid import with_bar
from .lane import Lane
from .lockstep import MOST_LANES, descend
from .problem import Fit
from .responses import check_training
from .starts import lanes_of, starts_of
from .stopping import Rule

Floats = NDArray[np.float64]


@dataclass
class Entries:
    """What is known of the halves that count.

    first : for each of them the features that enter, with the number of the alpha where they do
    solved : how many alphas all of them have solved
    late : how many of their fits ended above their tolerance
    stopped_by : the Ctrl-C that ended the work early, if one did
    """

    first: list[dict[int, int]] = field(default_factory=list)
    solved: int = 0
    late: int = 0
    stopped_by: KeyboardInterrupt | None = None

    def shares(self, p: int, L: int, candidates: NDArray[np.intp]) -> tuple[sp.csc_array, Floats]:
        """Return (share of the halves that a feature has entered by each alpha, (p, L), empty where
        an alpha was not solved; its sum over the candidates, (L,), NaN there)."""
        features = np.array([j for half in self.first for j in half], dtype=np.intp)
        numbers = np.array([k for half in self.first for k in half.values()], dtype=np.intp)
        ever, rows = np.unique(features, return_inverse=True)
        counts = np.zeros((len(ever), L))
        np.add.at(counts, (rows, numbers), 1.0)
        counts = np.cumsum(counts, axis=1) / max(len(self.first), 1)
        counts[:, self.solved :] = 0.0
        table = sp.csc_array(counts).tocoo()
        whole = sp.csc_array((table.data, (ever[table.row], table.col)), shape=(p, L))
        sums = counts[np.isin(ever, candidates)].sum(axis=0)
        sums[self.solved :] = np.nan
        return whole, sums


def draw_halves(data: Data, n_pairs: int, seed: int) -> list[Floats]:
    """Return the weights (n,) of 2 B halves of the rows of positive weight, pair by pair.

    Of an odd number of rows one sits out, of the most frequent kind.
    """
    weights = data.weights
    rows = np.flatnonzero(weights > 0.0)
    if len(rows) < 2:
        raise ValueError(f"X must have two rows of positive weight at least, got {len(rows)}")
    kinds = _kinds(data, rows)
    rng = np.random.default_rng(seed)
    halves: list[Floats] = []
    for _ in range(n_pairs):
        shuffled = rng.permutation(len(rows))
        by_kind = shuffled[np.argsort(kinds[shuffled], kind="stable")]
        dealt = rows[by_kind[len(rows) % 2 :]]
        for part in (dealt[::2], dealt[1::2]):
            own = np.zeros_like(weights)
            own[part] = weights[part]
            check_training(
                data.y, data.family, own, data.classes, f"half {len(halves)}",
                "every half must have rows of every class", "give it two rows or more",
                "y must have two positive entries at least",
            )  # fmt: skip
            halves.append(own / own.sum())
    return halves


def _kinds(data: Data, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the kind of each row, 0 being the most frequent one, 1 the next, and so on.

    Of shares those strictly between 0 and 1 are a kind of their own. They stand for either class:
    dealt beside the rarer one, the two are in both halves, even where each is a single row.
    """
    y, family = data.y[rows], data.family
    if family.labelled or family.proportions:
        kinds = y.argmax(axis=1) if y.ndim == 2 else np.ceil(y) + np.floor(y)
    elif isinstance(family, Family) and family.needs_a_positive:
        kinds = y > 0.0
    else:
        kinds = np.zeros(len(y))
    _, kinds, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-counts, kind="stable"))[kinds]


def entries(data: Data, halves: list[Floats], grid: Floats, rule: Rule) -> Entries:
    """Take the halves down the grid, batch after batch, as far as time and patience reach."""
    found = Entries()
    for begin in range(0, len(halves), MOST_LANES):
        if begin and time.monotonic() > rule.deadline:
            break
        some = [replace(data, weights=own) for own in halves[begin : begin + MOST_LANES]]
        try:
            batch = _batch(some, grid, rule)
        except KeyboardInterrupt as stop:  # before the batch had begun
            found.stopped_by = stop
            break
        if batch.solved == len(grid) or begin == 0:
            found.first += batch.first
            found.late += batch.late
            found.solved = batch.solved
        found.stopped_by = batch.stopped_by
        if batch.solved < len(grid) or batch.stopped_by is not None:
            break
    return found


def _batch(sets: list[Data], grid: Floats, rule: Rule) -> Entries:
    """Take some halves down the grid together."""
    first: list[dict[int, int]] = [{} for _ in sets]
    lanes = lanes_of(starts_of(sets, rule), sets[0].l1_ratio, rule.n_threads)

    def visit(k: int, lane: Lane, fit: Fit) -> None:
        number = len(lane.fits) - 1
        for j in lane.centred.expand(fit.index).tolist():
            first[k].setdefault(j, number)
        lane.forget()  # who has entered is known now

    bar = with_bar(grid, rule.progress)
    stop = descend(lanes, grid, bar, rule.n_threads, visit, lambda: None)
    words = [[fit.status for fit in lane.fits] for lane in lanes]
    solved = min(sum(word != "time_limit" for word in some) for some in words)
    return Entries(
        [{j: k for j, k in half.items() if k < solved} for half in first] if solved else [],
        solved,
        sum(some[:solved].count("max_iter") for some in words),
        stop,
    )
