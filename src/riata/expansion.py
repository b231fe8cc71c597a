"""A loss seen from a working set: where a step leads, and what the columns make of it, in one read.

With P the columns of a panel (those that nothing penalises, then the members), at a point eta

    u = -w f',  h = w f''       total = sum u,  mass = sum h
    z = X_P'u                   less what the penalty takes: the way down
    bent = X_P'h                bent / mass: the columns' means under the curvature

are what Newton steps, their line search and the dual point need of the rows. A step is one round
trip over the panel (kernels/trips.pyx): X_P d, the loss and its derivatives, z and bent.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .certify import LossAt, at_rest, loss_at
from .design import Panel
from .kernels.trips import Place, RoundTrip
from .problem import Problem

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


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
        self._weighed: LossAt | None = None  # where they are those
        self._spare = np.empty((3, len(self._w)))
        self._left: tuple[LossAt | None, Floats] = None, self._spare  # where trips have ended

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
        if self._weighed is not at:
            np.multiply(self._w, at.pull, out=vectors[0])
            np.multiply(self._w, at.curvature, out=vectors[1])
            self._weighed = at
        sums = panel.transpose_dots(vectors, np.arange(seen, len(columns)))
        if known is None:
            total, mass = vectors.sum(axis=1)
            return Expansion(at, columns, float(total), float(mass), *sums)
        new = np.hstack([np.array([known.z, known.bent]), sums])
        return Expansion(at, columns, known.total, known.mass, *new)

    def round_trip(self, panel: Panel, here: Expansion) -> RoundTrip:
        """Return trips over the panel's columns from a point that they have seen, whose vectors
        are overwritten once it is left."""
        problem, at, (left, vectors) = self._problem, here.at, self._left
        if left is not at:
            vectors = np.array([at.eta, at.pull, at.curvature])
        sums = np.array([here.z, here.bent])
        start = Place(vectors, sums, at.loss, here.total, here.mass)
        there = Place(self._spare, np.empty_like(sums))

        def call(step: Floats, offset: float) -> Place:
            eta = start.vectors[0] + (panel.dot(step) + offset)
            seen = self.expand(panel, self.at(eta))
            vectors = np.array([seen.at.eta, seen.at.pull, seen.at.curvature])
            return Place(vectors, np.array([seen.z, seen.bent]), seen.loss, seen.total, seen.mass)

        self._weighed = None
        loss = (call, problem.family.kernel, problem.y, self._w, self._vectors, self._level)
        return panel.round_trip(start, there, loss)

    def arrived(self, panel: Panel, trip: RoundTrip) -> Expansion:
        """Return the point that trips over the panel's columns have come to."""
        place, self._spare = trip.place, trip.spare.vectors
        eta, pull, curvature = place.vectors
        at = LossAt(eta, place.loss, pull, curvature)
        self._left, self._weighed = (at, place.vectors), at if trip.weighed else None
        return Expansion(at, panel.members, place.total, place.mass, *place.sums)
