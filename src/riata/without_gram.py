"""Descent on a working set that has no Gram matrix: in row space where that is smaller, by sweeps
over the residual elsewhere."""

import numpy as np
from numpy.typing import NDArray

from .design import ResidualView, Terms
from .penalty import Box
from .problem import OutOfTime, Problem
from .residual_descent import descend_on_residual
from .row_descent import RestrictedDual, descend_in_rows
from .row_space import RowSpace
from .working_set import GRAM_LIMIT, WorkingSet

Floats = NDArray[np.float64]

EXACT = 1e-4  # share of the gap wanted that row space leaves: it is nearly always the last step's
CALLS = 1e7  # multiply-adds that an alpha's calls cost in row space, besides
LEAST_L2 = 1e-8  # share of |x_j|^2; below, what a dual point makes of it is mostly rounding


class WithoutGram:
    """What a solver does where its working set has no Gram matrix, or is better off without.

    in_rows : whether steps are made in row space
    """

    in_rows = False

    def __init__(self, problem: Problem, working: WorkingSet) -> None:
        self._problem, self._working = problem, working
        self._rows: RowSpace | None = None
        self._stalled = False

    def choose(self, support: int, box: Box) -> bool:
        """Choose whether steps are to be made in row space; return whether they are.

        It takes more features in the model than rows to begin, and an L2 part that tells them
        apart to stay.

        support : how many features are in the model;  box : the penalty of the members
        """
        design, members = self._problem.design, self._working.members
        n, l2 = design.n, box.l2
        crowded = float(n) ** 3 + CALLS < float(support) ** 3 and n <= GRAM_LIMIT
        wanted = (self.in_rows or crowded) and not self._stalled and len(members) > 0
        self.in_rows = wanted and bool(np.all(l2 > LEAST_L2 * design.norm_sq[members]))
        return self.in_rows

    def abandon(self) -> None:
        """Make no more steps in row space, as they stopped gaining."""
        self._stalled = True

    def row_space(self) -> RowSpace:
        """Return row space, made when it is first asked for."""
        if self._rows is None:
            self._rows = RowSpace(self._problem.design, self._working.free, self._problem.look)
        return self._rows

    def descend(
        self, view: ResidualView, h: Floats, coef: Floats, resid: Floats, terms: Terms,
        target: float, limit: int,
    ) -> tuple[int, float]:  # fmt: skip
        """Minimise 1/2 |y - X b|_h^2 + g(b) until the gap is at most target; return (n_iter, gap).

        view : the columns of what nothing penalises, and of the members
        h : weights (n,), summing to 1; the view's
        coef : of these columns, updated
        resid : (n,), y - X coef
        terms : |x_j|_h^2, l1, l2, lower and upper of these columns
        limit : most iterations
        """
        working, k, steps = self._working, len(self._working.free), 0
        if self.in_rows:
            design = self._problem.design
            y = resid + design.dot(np.concatenate([working.free, working.members]), coef)
            norm_sq, *box = (values[k:] for values in terms)
            end = RestrictedDual(
                design, self.row_space(), view, working.members, h, y, norm_sq, Box(*box)
            )
            steps, finished = descend_in_rows(
                end, resid, EXACT * target, limit, self._problem.expired
            )
            if finished:
                coef[:k], coef[k:] = end.of_columns[len(end.of_columns) - k :], end.coef
                return steps, target
            if self._problem.expired():
                return steps, float("inf")
            self.abandon()
        sweeps, gap = descend_on_residual(view, coef, resid, terms, target, max(1, limit - steps))
        return steps + sweeps, gap

    def trace(self, coef: Floats, box: Box, h: Floats) -> float:
        """Return the trace of the smoother on the support under weights h (n,), rank(Z) included,
        in row space, NaN where time is up. coef (p,), box : the penalty of everybody."""
        members, rows = self._working.members, self.row_space()
        some = members[coef[members] != 0.0]
        if len(some) == 0:
            return float(self._working.space.rank)
        try:
            return rows.trace(h, rows.hold(some, box.l2[some]))
        except OutOfTime:
            return float("nan")
