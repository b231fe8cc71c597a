"""The solver where columns are read one by one: X'(w r) is bounded, and read only where it matters.

Every feature is penalised, so those outside the working set are 0 and add nothing to the duality
gap once they are known to pass no l1; see correlations.py for the bounds. What is done at every
alpha runs in native loops, one call each, and coef stays where it is.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .certificate import duality_gap_of
from .correlations import Correlations
from .penalty import Box
from .problem import Problem
from .solver import EPS, SAFE, Floats, Solver, State


class LazySolver(Solver):
    """Solves one gaussian problem for alpha after alpha, z of outsiders certified, not read."""

    _known: Correlations
    _coarse = False  # whether z of the members, by Gram algebra, is not exact enough

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._known = Correlations(
            problem.design, problem.y, problem.y_sq, self.state.z, self.skip,
            self.working.is_member,
        )  # fmt: skip
        self.state.z = self._known.z

    @staticmethod
    def suits(problem: Problem) -> bool:
        """Whether single columns can be read, and every feature is penalised."""
        by_column = problem.design.column_cost < float("inf")
        return by_column and not np.any(problem.penalty.unpenalised & (problem.never == 0))

    def doubtful(self) -> NDArray[np.intp] | None:
        found = super().doubtful()
        return np.concatenate([found, self.working.members]) if self._coarse else found

    def certify(self, alpha: float, box: Box) -> float:
        """Return the duality gap at the present point."""
        if not self.problem.penalty.has_l1(alpha):
            return super().certify(alpha, box)
        state, members, bounds = self.state, self.working.members, self._known.bounds
        gap, slope = bounds.certificate(state.coef, members, self._threshold)
        self._listed = True
        if slope <= 0.0:
            return gap
        index = np.concatenate([members, bounds.loud])
        return duality_gap_of(
            state.coef[index], state.z[index], state.resid_sq, 0.0, Box(*box.take(index)),
            self.skip[index],
        )  # fmt: skip

    def _degrees_of_freedom(self, box: Box) -> float:
        if box.l2.strides == (0,) and box.l2[0] == 0.0:
            return float(len(self.state.active))
        return super()._degrees_of_freedom(box)

    def _descend(self, box: Box, target: float, max_iter: int) -> tuple[int, bool]:
        problem, working, bounds = self.problem, self.working, self._known.bounds
        if working.gram is None:
            return self._descend_on_residual(box, target, max_iter)
        work, coef = working.members, self.state.coef
        terms = np.empty((7, len(work)))
        bounds.gather(coef, work, terms)
        n_iter, finished = working.descend(
            terms, self.state.resid_sq, target, max_iter, clocked=problem.deadline < float("inf")
        )
        active, resid, resid_sq, size, magnitude = bounds.advance(
            coef, work, terms, working.image, problem.design.centred
        )
        self.state = State(coef, active, resid, self._known.z, resid_sq, size)
        self._coarse = self._rounding(magnitude) > SAFE * problem.negligible_gap()
        if self._coarse and not self._pending:
            self._known.reread(work)
        return n_iter, finished

    def _rounding(self, magnitude: float) -> float:
        """Return the gap that z by Gram algebra can hide: it is off by eps |x_j| (|y| + magnitude)
        with magnitude = sum_k |x_k| |b_k|, what is cancelled in a sparse column's norm included."""
        reach = math.sqrt(self.problem.y_sq) + magnitude
        return 4 * EPS * (0.5 * self.state.resid_sq + magnitude * reach)

    def _state(self, coef: Floats) -> State:
        """Return the state at coef, from the data; a pass for z."""
        problem, known = self.problem, self._known
        pending, self._pending = self._pending, True
        state = super()._state(coef)
        self._pending = pending
        known.move(state.resid, state.resid_sq)
        known.take_all(problem.design.transpose_dot(known.bounds.weighted))
        state.z = known.z
        return state
