"""Descent on a working set that has no Gram matrix: in row space where that is smaller, by sweeps
over the residual elsewhere."""

import numpy as np
from numpy.typing import NDArray

from .design import ResidualView, Terms
from .penalty import Box
from .problem import Problem
from .residual_descent import descend_on_residual
from .row_descent import LEAST_L2, RestrictedDual, descend_in_rows, is_crowded
from .row_space import RowSpace
from .working_set import WorkingSet

Floats = NDArray[np.float64]


class WithoutGram:
    """What a solver does where its working set has no Gram matrix, or is better off without.

    rows : row space, once a step was made there
    """

    rows: RowSpace | None = None

    def __init__(self, problem: Problem, working: WorkingSet) -> None:
        self._problem, self._working = problem, working

    def in_rows(self, support: int, box: Box) -> bool:
        """Whether steps are to be made in row space, once they were: for good; box : the penalty
        of the members."""
        design = self._problem.design
        norm_sq = design.norm_sq[self._working.members]
        crowded = self.rows is not None or is_crowded(design.n, support)
        return crowded and bool(np.all(box.l2 > LEAST_L2 * norm_sq))

    def row_space(self) -> RowSpace:
        """Return row space, made when it is first asked for."""
        if self.rows is None:
            self.rows = RowSpace(self._problem.design, self._working.free)
        return self.rows

    def descend(
        self, view: ResidualView, h: Floats, coef: Floats, resid: Floats, terms: Terms,
        target: float, limit: int, support: int,
    ) -> tuple[int, float]:  # fmt: skip
        """Minimise 1/2 |y - X b|_h^2 + g(b) until the gap is at most target; return (n_iter, gap).

        view : the columns of what nothing penalises, and of the members
        h : weights (n,), summing to 1; the view's
        coef : of these columns, updated
        resid : (n,), y - X coef
        terms : |x_j|_h^2, l1, l2, lower and upper of these columns
        limit : most iterations
        support : how many features are in the model
        """
        working, k = self._working, len(self._working.free)
        box, n_iter = Box(*(values[k:] for values in terms[1:])), 0
        if self.in_rows(support, box):
            design, rows = self._problem.design, self.row_space()
            y = resid + design.dot(np.concatenate([working.free, working.members]), coef)
            end = RestrictedDual(design, rows, view, working.members, h, y, box)
            n_iter = descend_in_rows(end, resid, target, limit, self._problem.expired)
            coef[:k], coef[k:] = end.of_columns[len(end.of_columns) - k :], end.coef
            if end.gap <= target or n_iter >= limit:
                return n_iter, end.gap
            resid = end.resid
        sweeps, gap = descend_on_residual(view, coef, resid, terms, target, limit - n_iter)
        return n_iter + sweeps, gap

    def trace(self, coef: Floats, box: Box, h: Floats) -> float:
        """Return the trace of the smoother on the support under weights h (n,), rank(Z) included;
        NaN where no step was made in row space. coef (p,), box : the penalty of everybody."""
        if self.rows is None:
            return float("nan")
        members = self._working.members
        some = members[coef[members] != 0.0]
        if len(some) == 0:
            return float(self._working.space.rank)
        return self.rows.trace(h, self.rows.hold(some, box.l2[some]))
