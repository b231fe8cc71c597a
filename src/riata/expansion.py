"""A loss seen from a working set: where a step leads, and what the columns make of it, in one read.

With P the columns of a panel (those that nothing penalises, then the members), at a point eta

    u = -w f',  h = w f''       total = sum u,  mass = sum h
    z = X_P'u                   less what the penalty takes: the way down
    bent = X_P'h                bent / mass: the columns' means under the curvature

are what Newton steps, their line search and the dual point need of the rows. A step is one round
trip over the panel: X_P d, the loss and its derivatives, z and bent, block by block of rows.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .certify import LossAt, at_rest, loss_at
from .design import Panel
from .penalty import Box
from .problem import Problem

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

ARMIJO = 1e-4  # share of the predicted decrease that a step must bring
NOISE = 1e-6  # share of the objective that its terms' rounding may move it by
SMALLEST_STEP = 1e-9
EPS = float(np.finfo(float).eps)


class Expansion(NamedTuple):
    """A loss and its first two derivatives at a point, as far as some columns see them.

    members (k,) : the columns; z, bent (k,), total and mass as above
    """

    at: LossAt
    members: Indices
    total: float
    mass: float
    z: Floats
    bent: Floats

    @property
    def loss(self) -> float:
        """sum_i w_i f_i"""
        return self.at.loss

    def fall(self, step: Floats, offset: float) -> float:
        """Return how fast the loss falls from here along X_P step + offset."""
        return float(step @ self.z) + offset * self.total

    def take(self, kept: Indices) -> "Expansion":
        """Return what the columns at these positions see."""
        return self._replace(members=self.members[kept], z=self.z[kept], bent=self.bent[kept])


class LossAlong:
    """The loss of one problem, at one point after another.

    The vectors of a point that a step has left are used again: no more than two points live.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem, self._w = problem, problem.design.weights
        self._level = problem.family.level(problem.y, self._w)
        self._vectors = np.empty((2, len(self._w)))  # u and h
        self._spare: tuple[Floats, Floats, Floats] | None = None

    def at(self, eta: Floats) -> LossAt:
        """Return the loss at eta (n,) and its derivatives there."""
        problem = self._problem
        eta = at_rest(eta, self._w)
        at = loss_at(problem.family, problem.y, eta, self._w, problem.design.n_threads)
        return self._levelled(at)

    def _levelled(self, at: LossAt) -> LossAt:
        return at._replace(loss=max(at.loss + self._level, 0.0))

    def expand(self, panel: Panel, at: LossAt, known: Expansion | None = None) -> Expansion:
        """Return what the panel's columns see at a point; no column is read that `known`, there,
        has seen, where these come first."""
        columns, vectors = panel.members, self._vectors
        seen = 0 if known is None else len(known.members)
        if known is not None and not np.array_equal(known.members, columns[:seen]):
            known, seen = None, 0
        if known is not None and seen == len(columns):
            return known
        np.multiply(self._w, at.pull, out=vectors[0])
        np.multiply(self._w, at.curvature, out=vectors[1])
        sums = panel.transpose_dots(vectors, np.arange(seen, len(columns)))
        if known is None:
            total, mass = vectors.sum(axis=1)
            return Expansion(at, columns, float(total), float(mass), *sums)
        new = np.hstack([np.array([known.z, known.bent]), sums])
        return Expansion(at, columns, known.total, known.mass, *new)

    def moved(self, panel: Panel, here: Expansion, step: Floats, offset: float) -> Expansion:
        """Return the expansion at eta + X_P step + offset, in one read."""
        problem, w, vectors, at = self._problem, self._w, self._vectors, here.at
        kernel = problem.family.kernel
        if kernel is None:
            return self.expand(panel, self.at(at.eta + (panel.dot(step) + offset)))
        n, spare = len(w), self._spare
        eta, pull, curvature = spare or (np.empty(n), np.empty(n), np.empty(n))
        self._spare = None
        found: dict[int, tuple[float, float, float]] = {}

        def turn(a: int, b: int) -> None:
            found[a] = kernel.along(
                problem.y, w, at.eta, offset, eta, pull, curvature, vectors, a, b
            )

        sums = panel.round_trip(step, eta, turn, vectors)
        loss, total, mass = np.array([found[a] for a in sorted(found)]).sum(axis=0)
        there = self._levelled(LossAt(eta, float(loss), pull, curvature))
        return Expansion(there, panel.members, float(total), float(mass), *sums)

    def forget(self, at: LossAt) -> None:
        """Let the vectors of `at` be overwritten."""
        self._spare = at.eta, at.pull, at.curvature


Place = TypeVar("Place", Expansion, LossAt)


def line_search(
    box: Box, coef: Floats, step: Floats, here: Place, fall: float,
    trial: Callable[[float], tuple[Place, float]],
) -> tuple[float, Place]:  # fmt: skip
    """Return the first t = 1, 1/2, ... that Armijo accepts and what is there; 0 where none.

    Where the loss moves by no more than its terms' rounding may be, the slope decides: it may not
    rise behind t by more than it fell before (Hager, Zhang, SIAM J. Optim. 16(1), 2005, eq. 4.1).

    box : the penalty of the features that move
    coef, step : (|W|,), of these
    fall : how fast the loss falls along the step, here
    trial : returns what is at t, and how fast the loss falls there
    """
    before = box.value(coef)
    predicted = min(box.value(coef + step) - before - fall, 0.0)
    slope = box.slope(coef, step) - fall
    slack, noise = 8 * EPS * (here.loss + before), NOISE * (here.loss + before)
    t = 1.0
    while t >= SMALLEST_STEP:
        there, falls = trial(t)
        b = coef + t * step
        rise = there.loss - here.loss + box.value(b) - before
        if rise <= ARMIJO * t * predicted + slack:
            return t, there
        if rise <= noise and box.slope(b, step) - falls <= (2 * ARMIJO - 1) * slope:
            return t, there
        t *= 0.5
    return 0.0, here
