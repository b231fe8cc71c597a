"""One fit at one alpha where every feature has K coefficients: several responses, or classes.

    minimise over b0, B   sum_i w_i f_i(eta_i) + sum_j l1_j |b_j| + l2_j/2 |b_j|_2^2
                          eta_i = o_i + b0 + B'x_i,   b_j the rows of B (p, K)

with |b_j| the Euclidean norm (grouped) or the sum of absolute values, of numbers that may have
bounds. The working-set loop is that of solver.py, which sees of every row its norm, or its largest
entry; its steps are those of multi_descent.py, of response_descent.py under squared error. The
certificate is that of certificate.py with |z_j| for z_j; by

    g(b) + g*(z) - b'z = [ g(|b|) + g*(|z|) - |b||z| ] + ( |b||z| - b'z )

the scalar formula serves rows as well.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .design import Design
from .families import MultipleFamily
from .families.multiple import Span, inner
from .kernels import dual, groups
from .multi_descent import Descent, Here
from .penalty import Box
from .problem import Fit, Problem
from .response_descent import ResponseDescent
from .rowwise import Rowwise, gap_of_rows, lengths
from .solver import EPS, Floats, Solver
from .state import State
from .working_set import Indices, WorkingSet

SEPARATED = 1e-9  # share of the intercepts' loss below which a fit is taken for perfect
LARGEST_PROJECTION = 1024  # unknowns
NULL_STEPS = 200


@dataclass
class Rows(State):
    """A point. coef and z (p,) are the sizes of the rows of B and of Z = X'(w v), the latter with
    the sign of a direction that the bounds allow; resid (n, K) is v, the projected negative
    gradient, resid_sq twice the loss.

    rows, z_rows : B and Z, (p, K)
    eta, pull : (n, K), the latter -f';  curvature (n,);  intercept (K,) of the design's columns
    """

    rows: Floats
    z_rows: Floats
    eta: Floats
    pull: Floats
    curvature: Floats
    intercept: Floats


class MultiSolver(Solver):
    """Solves one problem of K responses for alpha after alpha."""

    state: Rows

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        design, penalty, family = problem.design, problem.penalty, problem.family
        assert isinstance(family, MultipleFamily)
        self.family: MultipleFamily = family
        self.K: int = problem.y.shape[1]
        self.skip = problem.never.copy()
        self._free = np.flatnonzero(penalty.free & (problem.never == 0))
        refuse_bare_bounds(penalty.unpenalised & ~penalty.free & (problem.never == 0), self.K)
        most = min(most_unpenalised(self.K), design.n)
        if len(self._free) > most:
            raise ValueError(
                f"alpha and penalty_factor must leave no more than {most} features unpenalised "
                f"with {self.K} responses and {design.n} rows, got {len(self._free)}: penalise "
                "some, or drop columns without variance"
            )
        self._span = span_of(design, self._free)
        self._last_alpha, self._known = float("inf"), None
        self._offset = np.zeros((1, self.K)) if problem.offset is None else problem.offset
        start = family.start(problem.y, design.weights) if design.centred else np.zeros(self.K)
        if problem.offset is not None and design.centred:
            start = start - design.weights @ problem.offset
        at = self._evaluate(np.broadcast_to(self._offset + start, problem.y.shape).copy())
        self._responses: ResponseDescent | None = None
        if family.constant:  # free features are eliminated, those of other losses are members
            self.working = WorkingSet(design, self._free)
            self._responses = ResponseDescent(problem, self.working)
        else:
            none = np.empty(0, dtype=np.intp)
            self.working = WorkingSet(design, none, design.weights * at[2])
        self._descent = Descent(problem, family, self.working, at[2])
        self.state = self._point(np.zeros((design.p, self.K)), start, at)
        self._fit_null_model()

    def _fit_null_model(self) -> None:
        """Fit intercepts and free features, everybody else at zero; set the null objective."""
        if not self.family.constant:
            self._descend_to_null_model()
        elif len(self._free):
            state = self.state
            rows = self._fit_free(state.rows, state.intercept)
            self.state = self._point(rows, state.intercept)
        self.problem.null_objective = 0.5 * self.state.resid_sq
        self.skip[self._free] = 1

    def _descend_to_null_model(self) -> None:
        """Do it step by step, under a loss that is not squared error."""
        problem = self.problem
        self.working.extend(self._free)
        if len(self._free) == 0 and (problem.offset is None or not problem.design.centred):
            return
        skip, self.skip = self.skip, np.ones_like(self.skip)
        best, start = float("inf"), self.state.resid_sq
        for _ in range(NULL_STEPS):
            if problem.expired():
                break
            self._descend(problem.penalty.at(0.0), 0.0, 1)
            if self.state.resid_sq >= best * (1 - 4 * EPS):
                break
            best = self.state.resid_sq
            problem.separated = best <= SEPARATED * start
            if problem.separated:
                break
        self.skip = skip

    def _fit_free(self, rows: Floats, intercept: Floats) -> Floats:
        """Return rows (p, K) with the free ones fitted by least squares, everybody else held."""
        free, working, rows = self._free, self.working, rows.copy()
        for _ in range(2 if len(free) else 0):  # the second step removes what rounding left
            active = np.flatnonzero(rows.any(axis=1))
            fitted = self._offset + intercept + self._image(active, rows[active])
            pull = np.ascontiguousarray((self.problem.y - fitted).T)
            weighted = self.problem.design.weights * pull
            z = working.panel.transpose_dots(weighted, np.arange(len(free)))
            for k in range(self.K):
                rows[free, k] += working.space.fit(pull[k], np.ascontiguousarray(z[k]))[0]
        return rows

    # -- points ----------------------------------------------------------------------------------

    def _evaluate(self, eta: Floats) -> tuple[float, Floats, Floats]:
        problem = self.problem
        return self.family.evaluate(problem.y, eta, problem.design.weights)

    def _sizes(self, rows: Floats) -> Floats:
        return lengths(rows) if self.family.grouped else np.abs(rows).max(axis=1)

    def _pulls(self, z: Floats) -> Floats:
        """Return the sizes of the rows of Z; of single coefficients the largest entry, with its
        sign, among those that pull to where the bounds allow one to go."""
        penalty = self.problem.penalty
        if penalty.unbounded:
            return self._sizes(z)
        box = penalty.at(0.0)
        up = np.where(box.upper > 0.0, z.max(axis=1), 0.0)
        down = np.where(box.lower < 0.0, z.min(axis=1), 0.0)
        return np.where(up >= -down, np.maximum(up, 0.0), down)

    def _point(self, rows: Floats, intercept: Floats, at: Any = None, eta: Any = None) -> Rows:
        """Return the point with everything that is known of it; K passes over X."""
        problem, design = self.problem, self.problem.design
        active = np.flatnonzero(rows.any(axis=1))
        if eta is None:
            eta = self._offset + intercept + self._image(active, rows[active])
        loss, pull, curvature = self._evaluate(eta) if at is None else at
        v = pull
        if self._span.columns.shape[1]:
            v = self.family.projected(problem.y, pull, self._span)
        z = correlations(design, design.weights[:, None] * v)
        coef = self._sizes(rows)
        size = float(np.sqrt(design.norm_sq[active]) @ coef[active])
        return Rows(
            coef, active, v, self._pulls(z), 2.0 * loss, size, rows, z, eta, pull, curvature,
            intercept,
        )  # fmt: skip

    def _image(self, columns: Any, rows: Floats) -> Floats:
        """Return X_J B_J, (n, K)."""
        design = self.problem.design
        return design.dots(columns, np.ascontiguousarray(rows.T)).T

    def start_from(self, coef: Floats) -> None:
        """Take rows (p, K), or (p,) where K is 1, as the point to start from."""
        coef = coef.reshape(-1, self.K)
        self.working.extend(np.flatnonzero(coef.any(axis=1) & ~self.working.is_member))
        self.state = self._point(coef, self.state.intercept)
        self._last_alpha = 0.0

    def rounding(self) -> float:
        """Return the gap that double precision cannot tell from zero; see Solver."""
        state, design = self.state, self.problem.design
        scale = dual.weighted_sums(design.weights, inner(state.resid, state.resid))[0] ** 0.5
        of_terms = 0.5 * state.resid_sq + state.size * scale
        of_eta = EPS * self.K * max(1.0, float(state.intercept @ state.intercept))  # an exact fit's
        return 8 * EPS * (of_terms + 64 * of_eta)

    def solve(self, alpha: float) -> Fit:
        """Return the certified fit at alpha, warm from the one before; at 0 the null model of a
        problem without penalty."""
        if alpha == 0.0:
            other = MultiSolver(self.problem.lifted())
            gap = other.certify(0.0, other.problem.penalty.at(0.0))
            status = self.problem.verdict(
                gap, self.problem.negligible_gap(), other.rounding(), 1, stalled=True
            )
            self.state = other.state
            return other._fit(0.0, gap, status, 1, float(np.count_nonzero(other.state.rows)))
        n_iter = self._come_near(alpha)
        box = self.problem.penalty.at(alpha)
        gap, status, more = self._approach(
            alpha, box, self.problem.negligible_gap(), self.problem.max_iter - n_iter
        )
        df = float(np.count_nonzero(self.state.rows))
        if box.l2.any():
            members = self.working.members
            trace = self.working.smoother_trace(self.state.coef[members], box.l2[members])
            df = self.K * trace if self.family.constant else float("nan")
        return self._fit(alpha, gap, status, n_iter + more, df)

    def fitted(self, rows: Indices | None = None) -> Floats:
        """Return the linear predictors at the present point, offset and intercepts included,
        (n, K), or some of their rows."""
        return self.state.eta if rows is None else self.state.eta[rows]

    def _fit(self, alpha: float, gap: float, status: str, n_iter: int, df: float) -> Fit:
        state = self.state
        rows = state.rows[state.active]
        return Fit(
            alpha, state.active, rows, gap, status, n_iter, df, 0.5 * state.resid_sq,
            state.intercept,
        )  # fmt: skip

    # -- the certificate -------------------------------------------------------------------------

    def certify(self, alpha: float, box: Box) -> float:
        """Return the duality gap at the present point."""
        state, problem = self.state, self.problem
        along = self.family.gap_along(problem.y, state.eta, state.resid, problem.design.weights)
        return gap_of_rows(
            along, state.rows, state.z_rows, box, self.skip, grouped=self.family.grouped
        )

    # -- the working set -------------------------------------------------------------------------

    def _set_out(self, alpha: float, box: Box, negligible: float, max_iter: int) -> int:
        """Get ready for the first certificate at alpha, by a first round where the members alone
        show that a certificate would fail; return n_iter."""
        n_iter = super()._set_out(alpha, box, negligible, max_iter)
        state, work = self.state, self.working.members
        enough, held = max(negligible, self.rounding()), box.take(work)
        gap, _ = groups.certificate(
            np.ones(len(work)), state.rows[work], state.z_rows[work], state.resid_sq, held.l1,
            held.l2, self.family.grouped,
        )  # fmt: skip
        if gap <= enough or max_iter <= 0 or not self.problem.penalty.has_l1(alpha):
            return n_iter
        self._refill(box)
        self._threshold = 1.0
        return self._descend(box, self._inner * enough, max_iter)[0]

    def _descend(self, box: Box, target: float, max_iter: int) -> tuple[int, bool]:
        """Minimise on the working set; return (n_iter, whether it got to the target or its
        floor)."""
        if self._responses is not None and self.working.gram is not None:
            return self._descend_in_gram_space(self._responses, box, target, max_iter)
        if self._responses is not None:
            self._give_up_gram_space()
        state, work = self.state, self.working.members
        l1, l2, lower, upper = box.take(work)
        bounds = None if self.problem.penalty.unbounded else (lower, upper)
        penalty = Rowwise(l1, l2, self.family.grouped, bounds)
        here = Here(
            state.rows[work], state.intercept, state.eta, 0.5 * state.resid_sq, state.pull,
            state.curvature,
        )  # fmt: skip
        n_iter, finished = self._descent.run(here, penalty, target, max_iter)
        full = np.zeros_like(state.rows)
        full[work] = here.rows
        self.state = self._point(
            full, here.intercept, (here.loss, here.pull, here.curvature), here.eta
        )  # fmt: skip
        return n_iter, finished

    def _descend_in_gram_space(
        self, responses: ResponseDescent, box: Box, target: float, max_iter: int
    ) -> tuple[int, bool]:
        state, work, design = self.state, self.working.members, self.problem.design
        old, grad = state.rows[work], state.z_rows[work]
        rows, l1, l2 = old.copy(), box.l1[work], box.l2[work]
        n_iter, finished = responses.run(
            rows, grad, 0.5 * state.resid_sq, Rowwise(l1, l2, self.family.grouped), target, max_iter
        )
        full = state.rows.copy()
        full[work] = rows
        if len(self._free):
            full[self._free] += self.working.free_step(rows - old)
        intercept = state.intercept
        if design.centred:
            intercept = intercept + design.weights @ state.pull  # the weights sum to 1
        self.state = self._point(self._fit_free(full, intercept), intercept)
        return n_iter, finished

    def _give_up_gram_space(self) -> None:
        """Make the free features members, for whoever does without a Gram matrix."""
        members, none = self.working.members, np.empty(0, dtype=np.intp)
        self.working, self._responses = WorkingSet(self.problem.design, none), None
        self.working.extend(np.concatenate([self._free, members]))
        self._descent = Descent(self.problem, self.family, self.working, self.state.curvature)


def most_unpenalised(K: int) -> int:
    """Return how many features of K coefficients may go unpenalised, beside the intercepts."""
    return LARGEST_PROJECTION // K - 1


def refuse_bare_bounds(bare: Any, K: int) -> None:
    """Raise ValueError where bounds alone hold features, `bare` (p,): no dual point is known
    there."""
    if np.any(bare):
        raise ValueError(
            "alpha and penalty_factor must penalise every feature that has bounds, with "
            f"{K} classes, got {np.count_nonzero(bare)} unpenalised (as constant columns are where "
            "standardize=True): take alpha > 0 and factors > 0, or drop their bounds"
        )


def unpenalised_columns(design: Design, free: Any) -> Floats:
    """Return the constant, where there is an intercept, and the free features, (n, q)."""
    one = np.ones(1)
    columns = [np.ones(design.n)] if design.centred else []
    columns += [design.dot(np.array([j]), one) for j in free]
    return np.array(columns).reshape(-1, design.n).T


def span_of(design: Design, free: Any) -> Span:
    """Return the span of `unpenalised_columns`."""
    return Span(design.weights, unpenalised_columns(design, free))


def correlations(design: Design, u: Floats) -> Floats:
    """Return X'U, (p, K), from U (n, K)."""
    return np.ascontiguousarray(design.transpose_dots(np.ascontiguousarray(u.T)).T)
