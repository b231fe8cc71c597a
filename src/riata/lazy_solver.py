"""The solver where columns are read one by one: X'(w r) is bounded, and read only where it matters.

Every feature is penalised, so those outside the working set are 0 and add nothing to the duality
gap once they are known to pass no l1; see correlations.py for the bounds. Alphas that are expected
are solved many to a native call, which comes back where features join.
"""

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from . import working_set
from .certificate import duality_gap_of
from .correlations import Correlations
from .kernels import ahead, dual
from .lookahead import LookAhead
from .penalty import Box
from .problem import Fit, Problem
from .solver import INNER, SAFE, Floats, Indices, Solver
from .state import State


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
        self._ahead = LookAhead()

    def expect(self, alphas: Floats) -> None:
        self._ahead.expected = alphas

    def solve(self, alpha: float) -> Fit:
        """Return the certified fit at alpha, warm from the one before."""
        return self._ahead.fit(alpha, self._look_ahead) or super().solve(alpha)

    def _look_ahead(self, alpha: float) -> list[Fit]:
        """Return the fits at this alpha and some expected after it, until one asks for more than
        one round."""
        problem, working, last = self.problem, self.working, self._last_alpha
        penalty, gram, bounds = problem.penalty, working.gram, self._known.bounds
        near = 0.0 < last < float("inf") and not self._pending and gram is not None
        some = self._ahead.upcoming(alpha, last) if near else np.empty(0)
        traced = problem.counts_df and penalty.l1_ratio < 1.0  # by the factor of each alpha
        if len(some) == 0 or traced or not penalty.has_l1(alpha):
            return []
        assert gram is not None
        negligible, coef = problem.negligible_gap(), self.state.coef
        moving = penalty.moving()
        bounds.penalise(*moving.box)
        found, active, size, more, coarse = ahead.solve_ahead(
            bounds, working.active, gram, coef, working.members, moving, some, last,
            self.state.size, partial(self._join, moving.box), working.image, working_set.LEAST,
            working_set.GRAM_LIMIT, INNER, negligible, SAFE * negligible,
            math.sqrt(problem.y_sq), problem.max_iter, problem.deadline, problem.design.centred,
        )  # fmt: skip
        self._begun += more
        if found:
            self._last_alpha = float(some[len(found) - 1])
        self.state = self._arrived(active, size)
        self._coarse = coarse
        if coarse:
            self._known.reread(working.members)
        return [
            Fit(
                float(alpha), index, values, gap, "converged", n_iter, float(len(index)),
                0.5 * resid_sq,
            )
            for alpha, (index, values, gap, n_iter, resid_sq) in zip(some, found, strict=False)
        ]  # fmt: skip

    def _join(
        self, box: Box, threshold: float, active: NDArray[np.intp], size: float
    ) -> tuple[Floats | None, NDArray[np.intp]]:
        """Let those join who should, by their estimates; return H, where it can be kept, and the
        members."""
        self.state = self._arrived(active, size)
        self._threshold, self._listed = threshold, True
        self._refill(box)
        return self.working.gram, self.working.members

    def fitted(self, rows: Indices | None = None) -> Floats:
        given = self._ahead.given
        if given is None:
            return super().fitted(rows)
        fitted = self.problem.design.dot(given.index, given.coef)
        return fitted if rows is None else fitted[rows]

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
            state.coef[index], state.z[index], state.resid_sq, 0.0, box.take(index),
            self.skip[index],
        )  # fmt: skip

    def _degrees_of_freedom(self, box: Box) -> float:
        if box.l2.strides == (0,) and not box.l2[:1].any():
            return float(len(self.state.active))
        return super()._degrees_of_freedom(box)

    def _descend(self, box: Box, target: float, max_iter: int) -> tuple[int, bool]:
        problem, working, bounds = self.problem, self.working, self._known.bounds
        if self._without_gram(box):
            return self._descend_on_residual(box, target, max_iter)
        work, coef = working.members, self.state.coef
        terms = np.empty((7, len(work)))
        bounds.gather(coef, work, terms)
        n_iter, finished = working.descend(
            terms, self.state.resid_sq, target, max_iter, clocked=problem.deadline < float("inf")
        )
        bounds.advance(coef, work, terms, working.image, problem.design.centred)
        self.state = self._arrived(bounds.support(), bounds.size)
        self._coarse = self._rounding(bounds.magnitude) > SAFE * problem.negligible_gap()
        if self._coarse and not self._pending:
            self._known.reread(work)
        return n_iter, finished

    def _arrived(self, active: NDArray[np.intp], size: float) -> State:
        """Return the state where the bounds have taken coef."""
        known, coef = self._known, self.state.coef
        return State(coef, active, known.bounds.resid, known.z, known.bounds.resid_sq, size)

    def _rounding(self, magnitude: float) -> float:
        """Return the gap that z by Gram algebra can hide; magnitude = sum_k |x_k| |b_k|."""
        return dual.gram_rounding(
            self.state.resid_sq, magnitude, math.sqrt(self.problem.y_sq)
        )  # fmt: skip

    def _state(self, coef: Floats) -> State:
        """Return the state at coef, from the data; z of the members is read."""
        known = self._known
        pending, self._pending = self._pending, True
        state = super()._state(coef)
        self._pending = pending
        known.move(state.resid, state.resid_sq)
        known.reread(self.working.members)
        state.z = known.z
        return state
