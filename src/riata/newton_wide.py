"""Newton under any convex loss where the working set's Gram matrix would be too large.

    F(b + d) ~ F(b) - u'(X d + s) + 1/2 |X d + s|_h^2 + g(b + d)       u = -w f', h = w f''

With m = sum h and q = u / h, that is m times least squares of q on X_W under the weights h / m and
a penalty divided by m.

without a Gram    Newton on its dual or coordinate descent on the residual (without_gram.py),
matrix            columns and q centred by h / m; the step s of the intercept follows from d
in row space      no L1 part, no bounds, n < p: with K = X diag(l2)^-1 X', made once, and
                  F = [1, X_Z] the columns that nothing penalises (row_space.py),

                  (K + diag(h)^-1) c + F a = b0 + X b + q,   F'c = 0,   b_new = diag(l2)^-1 X'c

                  by Cholesky of I + h^1/2 K h^1/2: n^3 / 6 multiply-adds a step, and one pass

The line search and the certificate are those of newton.py, and the curvature is that of every
point: it costs no Gram matrix.

Source: van Houwelingen et al., "Cross-validated Cox regression on microarray gene expression data",
Stat. Med. 25(18), 2006, section 3 (the row form of penalised Newton steps).
"""

from contextlib import suppress

import numpy as np

from . import working_set
from .certify import LossAt
from .kernels import coordinate, dual
from .kernels.line_search import line_search
from .kernels.trips import Trip
from .newton import EXACT, POOR, ROUGHLY, NewtonSolver
from .penalty import Box
from .problem import Fit, OutOfTime
from .row_space import RowSpace
from .solver import RESIDUAL_SWEEPS, Floats, Indices

SMALLEST = 1e-8  # share of the largest curvature that stands for less: it only makes steps shorter


class WideNewtonSolver(NewtonSolver):
    """A NewtonSolver for working sets of any size."""

    def solve(self, alpha: float) -> Fit:
        """Return the certified fit at alpha, warm from the one before."""
        penalty = self.problem.penalty
        ridge = alpha > 0.0 and penalty.unbounded and not penalty.has_l1(alpha)
        if ridge and self.problem.design.n <= min(working_set.GRAM_LIMIT, self._reachable - 1):
            return self._solve_in_rows(alpha)
        return super().solve(alpha)

    def _descend(self, box: Box, target: float, max_iter: int) -> tuple[int, bool]:
        if self._without_gram(box):
            return self._descend_on_residual(box, target, max_iter)
        return super()._descend(box, target, max_iter)

    def _weights_of(self, curvature: Floats) -> tuple[Floats, float]:
        """Return h / m, (n,), and m."""
        h = self._curvature.of(curvature)
        h = self.problem.design.weights * np.maximum(h, SMALLEST * h.max())
        mass = dual.weighted_sums(h, np.ones_like(h))[0]
        return h / mass, mass

    def _search_along(
        self, box: Box, coef: Floats, step: Floats, at: LossAt, along: Floats
    ) -> tuple[float, LossAt]:
        """Return how far to go along a step that moves eta by `along` (n,), and the loss there;
        box : the penalty of those who move."""
        w, there = self.problem.design.weights, at

        def trial(t: float) -> tuple[float, float]:
            nonlocal there
            there = self._loss.at(at.eta + t * along)
            return there.loss, dual.weighted_sums(w * there.pull, along)[0]

        trip = Trip(trial, at.loss, dual.weighted_sums(w * at.pull, along)[0])
        straight = self.problem.family.straight
        t = line_search(trip, coef, step, box.l1, box.l2, straight=straight)
        return t, at if t == 0.0 else there

    # -- on the residual -------------------------------------------------------------------------

    def _descend_on_residual(self, box: Box, target: float, max_iter: int) -> tuple[int, bool]:
        """Newton steps, each solved in row space or by coordinate descent, to which free features
        are like any other."""
        problem, state = self.problem, self.state
        design, centred = problem.design, problem.design.centred
        work = np.concatenate([self.working.free, self.working.members])
        columns = self.working.residual_view(work)
        coef, at, intercept, steps = state.coef[work], state.at, state.intercept, state.steps
        box = box.take(work)
        l1, l2, lower, upper = box
        n_iter, last, poor, finished = 0, float("inf"), 0, False
        while True:
            weights, mass = self._weights_of(at.curvature)
            view = columns.reweighed(weights)
            terms = view.column_norms(), l1 / mass, l2 / mass, lower, upper
            q = np.divide(
                design.weights * at.pull, mass * weights, out=np.zeros(design.n),
                where=weights > 0.0,
            )  # fmt: skip
            shift = dual.weighted_sums(weights, q)[0] if centred else 0.0
            at_start = view.state(q - shift)
            gap = coordinate.gap_on_working_set(
                coef, view.gradient(at_start), view.norm_sq(at_start), *terms
            )
            gap = mass * (gap + 0.5 * shift * shift)
            poor = poor + 1 if gap > 0.9 * last else 0
            last = gap
            if gap <= target or (poor >= POOR and self._curvature.damping > 0.0):
                finished = True
                break
            if n_iter >= max_iter or problem.expired():
                break
            if poor >= POOR:
                self._curvature.damping, poor, last = 1.0, 0, float("inf")
                continue
            b = coef.copy()
            limit = max(1, min(max_iter - n_iter, RESIDUAL_SWEEPS))
            aim = max(EXACT * target, ROUGHLY * gap) / mass
            n_iter += self.without_gram.descend(view, weights, b, q - shift, terms, aim, limit)[0]
            step = b - coef
            moved = np.flatnonzero(step)
            along = design.dot(work[moved], step[moved])
            s = shift - dual.weighted_sums(weights, along)[0] if centred else 0.0
            t, at = self._search_along(box, coef, step, at, along + s)
            if t == 0.0:
                if self._curvature.damping > 0.0:
                    finished = True
                    break
                self._curvature.damping, last = 1.0, float("inf")
                continue
            coef = np.clip(coef + t * step, lower, upper)  # the sum may round to beyond a bound
            intercept, steps = intercept + t * s, steps + 1
        if finished and gap > target:
            self.without_gram.abandon()
        self._curvature.damping = 0.0
        new = np.zeros_like(state.coef)
        new[work] = coef
        self.state = self._point(new, intercept, at, steps)
        return n_iter, finished

    # -- in row space ----------------------------------------------------------------------------

    def _solve_in_rows(self, alpha: float) -> Fit:
        """Return the certified ridge fit at alpha."""
        problem = self.problem
        rows, box = self.without_gram.row_space(), problem.penalty.at(alpha)
        n_iter, gaps = 0, [float("inf")]
        while True:
            gap = self.certify(alpha, box)
            status = problem.verdict(
                gap, problem.negligible_gap(), self.rounding(), problem.max_iter - n_iter,
                stalled=len(gaps) > 2 * POOR,
            )  # fmt: skip
            if status:
                break
            gaps = [gap] if gap < 0.5 * min(gaps) else [*gaps, gap]
            self._curvature.damping = 1.0 if len(gaps) > POOR else 0.0
            try:
                self._step_in_rows(rows, box)
            except OutOfTime:
                status = "time_limit"
                break
            n_iter += 1
        self._curvature.damping, self._last_alpha = 0.0, alpha
        weights, mass = self._weights_of(self.state.at.curvature)
        df = float("nan")
        if status != "time_limit":
            with suppress(OutOfTime):
                df = rows.trace(mass * weights, rows.hold(self._live, box.l2[self._live]))
        return self.fit(alpha, gap, status, n_iter, df)

    @property
    def _live(self) -> Indices:
        """The features that are penalised and may move."""
        problem = self.problem
        return np.flatnonzero((problem.never == 0) & ~problem.penalty.free)

    def _step_in_rows(self, rows: RowSpace, box: Box) -> None:
        """X b and q enter as h^1/2 (X b + b0 + q) = h^1/2 (X b + b0) + h^-1/2 u."""
        problem, state, live = self.problem, self.state, self._live
        design, free = problem.design, self.working.free
        weights, mass = self._weights_of(state.at.curvature)
        root, u = np.sqrt(mass * weights), design.weights * state.at.pull
        target = root * (state.at.eta - self._offset)
        target += np.divide(u, root, out=np.zeros_like(u), where=root > 0.0)
        c = rows.hold(live, box.l2[live])
        problem.look()
        system = rows.at(mass * weights, c)
        s, a = system.solve(target)
        new = np.zeros(design.p)
        new[live] = design.transpose_dot(root * s)[live] / box.l2[live]
        a = system.span.of_columns(a)
        new[free] = a[len(a) - len(free) :]
        a0 = float(a[0]) if design.centred else 0.0
        step = new - state.coef
        work = np.flatnonzero(step)
        along = design.dot(work, step[work]) + (a0 - state.intercept)
        t, at = self._search_along(box.take(work), state.coef[work], step[work], state.at, along)
        intercept = state.intercept + t * (a0 - state.intercept)
        self.state = self._point(state.coef + t * step, intercept, at, state.steps + 1)
