"""Several problems on the same rows and columns, before they go anywhere.

What their solvers need to know of X at first they read together: columns that stay in cache are
read once for the moments under all weights; other columns are, by all, for where they start.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .centring import Centred, centre, gradient_at_start
from .data import Data
from .design import Measured, Moments, makes_whole_gram, measure, stays_in_cache
from .engine import Engine
from .families import Gaussian
from .lane import Lane
from .problem import Problem
from .relaxed import Refitter
from .stopping import LONG, Rule
from .threads import run

Floats = NDArray[np.float64]


class Start:
    """A problem before it goes anywhere; the lanes of all l1_ratios share its design.

    relaxed : the matrix whose columns are gathered where supports are to be fitted again
    moments : those of the problem's rows, where they are known
    scale : its alphas, as multiples of the grid's
    measured : the moments of its columns, where they are known
    to_solve : whether to read X'(w y) where the loss is least squares; else see `starts_of`
    """

    def __init__(
        self,
        data: Data,
        rule: Rule,
        relaxed: Any = None,
        moments: Moments | None = None,
        scale: float = 1.0,
        measured: Measured | None = None,
        to_solve: bool = True,
    ) -> None:
        self.centred = centre(
            data, rule.n_threads, to_solve=to_solve, moments=moments, measured=measured
        )
        self._relaxed = relaxed
        self._correlation = self.centred.design.correlation
        self._rule, self._scale = rule, scale

    def lane(self, l1_ratio: float) -> Lane:
        """Return a lane at the top of its grid, its null model fitted."""
        centred = self.centred.at_ratio(l1_ratio)
        centred.design.correlation = self._correlation  # which the lane before took
        lane = Lane(centred, Engine(self._problem(centred)), centred.design.n_passes)
        lane.scale = self._scale
        if self._relaxed is not None:
            lane.refitter = Refitter(self._relaxed, centred.data, self._rule)
        return lane

    def _problem(self, centred: Centred) -> Problem:
        rule = self._rule
        return Problem(
            centred.design, centred.y, centred.data.family, centred.penalty, rule.tol,
            rule.max_iter, min(rule.deadline, time.monotonic() + LONG), centred.offset,
        )  # fmt: skip

    def first(self) -> Floats | None:
        """Return the u (n,) whose X'u lanes start from; None where that is known, or more."""
        known = self._correlation is not None
        return None if known else gradient_at_start(self.centred.data, self._rule.n_threads)

    def take_first(self, z: Floats) -> None:
        """Take X'u (p,) of what `first` returned."""
        self._correlation = z


def starts_of(
    sets: list[Data],
    rule: Rule,
    relaxed: Any = None,
    moments: list[Moments | None] | None = None,
    scales: list[float] | None = None,
) -> list[Start]:
    """Return the Starts of several sets of weights on one X, from `read_once`.

    relaxed : as for `Start`
    moments, scales : one for each
    """
    found: list[Any] = [None] * len(sets)
    moments = [None] * len(sets) if moments is None else moments
    scales = [1.0] * len(sets) if scales is None else scales
    X, measured = sets[0].X, _measure(sets, rule.n_threads)
    alone = isinstance(X, np.ndarray) and makes_whole_gram(X)

    def job(k: int) -> None:
        found[k] = Start(
            sets[k], rule, relaxed, moments[k], scales[k], measured[k], to_solve=alone
        )  # fmt: skip

    run([partial(job, k) for k in range(len(sets))], rule.n_threads)
    _read_first(found, rule.n_threads)
    return found


def lanes_of(starts: list[Start], l1_ratio: float, n_threads: int) -> list[Lane]:
    """Return a lane of each, at the top of its grid."""
    found: list[Any] = [None] * len(starts)

    def job(k: int) -> None:
        found[k] = starts[k].lane(l1_ratio)

    run([partial(job, k) for k in range(len(starts))], n_threads)
    return found


def _measure(sets: list[Data], n_threads: int) -> Sequence[Measured | None]:
    """Return the moments of X's columns under the weights of each set, and what each starts from,
    in one read; None where each reads them for itself, or need not."""
    data, gaussian = sets[0], isinstance(sets[0].family, Gaussian)
    if not stays_in_cache(data.X) or (gaussian and makes_whole_gram(data.X)):
        return [None] * len(sets)
    weights = np.array([some.weights for some in sets])
    starts = [gradient_at_start(some, n_threads) for some in sets]
    known = [u for u in starts if u is not None]
    u = np.array(known) if len(known) == len(sets) else None
    return measure(data.X, weights, u, data.fit_intercept, n_threads)


def _read_first(starts: list[Start], n_threads: int) -> None:
    """Read X for what the lanes of all start from; they number its columns alike."""
    found: list[Floats | None] = [None] * len(starts)

    def job(k: int) -> None:
        found[k] = starts[k].first()

    run([partial(job, k) for k in range(len(starts))], n_threads)
    some = [(start, u) for start, u in zip(starts, found, strict=True) if u is not None]
    if some:
        z = some[0][0].centred.design.transpose_dots(np.array([u for _, u in some]))
        for (start, _), row in zip(some, z, strict=True):
            start.take_first(row)
