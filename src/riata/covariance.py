"""Fits that do not read X: every feature in Gram space, where n >> p.

    z = X'(w y) - G b          |r|_w^2 = |y|_w^2 - b'(X'(w y) + z)          G = X'diag(w)X

carry an error of eps (|y| + sum_j |x_j||b_j|) in the metric of each feature, y before the free
features are fitted. As long as what that can hide is below a tenth of the tolerance, a path costs
one read of X for G and X'(w y), and one for the certificate of its last point. Where it is not, the
alpha is left to `Solver`. The alphas that are expected next are solved ahead, in one native loop.

Features that nothing penalises are eliminated (working_set.py); the null model is theirs.
"""

import numpy as np
from numpy.typing import NDArray

from .certificate import duality_gap_of
from .certify import certified_gap
from .kernels import covariance, dual
from .least_squares import KEPT
from .lookahead import LookAhead, on_the_way
from .penalty import Box
from .problem import Fit, Problem
from .solver import EPS, INNER, ROUGH, SAFE, STALLS
from .working_set import WorkingSet

Floats = NDArray[np.float64]
NULL_DIGITS = 1e-10  # relative error that the null model's objective may have


class CovarianceSolver:
    """Solves alpha after alpha from the Gram matrix of all columns, warm."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        design, penalty = problem.design, problem.penalty
        assert design.correlation is not None
        live = problem.never == 0
        self.free = np.flatnonzero(penalty.free & live)
        self.live = np.flatnonzero(~penalty.free & live)
        self._working = WorkingSet(design, self.free)
        self._working.extend(self.live)
        self._skip = np.zeros(len(self.live), dtype=np.uint8)
        unit = penalty.at(1.0).take(self.live)
        self._unit = np.array(unit[:2])
        # what is left once the free features are fitted alone
        correlation = design.correlation
        self._free_coef, lost = np.empty(0), 0.0
        if len(self.free):
            self._free_coef, lost = self._working.space.fit(problem.y, correlation[self.free])
        self._y_sq = problem.y_sq - lost
        self._correlation = correlation[self.live] - self._working.load(correlation[self.free])
        problem.null_objective = 0.5 * self._y_sq
        coef = np.zeros(len(self.live))
        norm_sq = design.norm_sq[self.live]
        self._terms = np.array([coef, self._correlation, norm_sq, *unit])  # see WorkingSet
        self._penalty = self._terms[3:5]
        self._y_size = float(np.sqrt(problem.y_sq))
        self._resid_sq, self._size = self._y_sq, 0.0
        self._last_alpha = float("inf")
        self._begun, self._ahead = 0, LookAhead()

    @staticmethod
    def suits(problem: Problem) -> bool:
        """Whether the problem is tall, and every feature either penalised or free."""
        penalty = problem.penalty
        return problem.design.whole_gram is not None and bool(
            np.all(~penalty.unpenalised | penalty.free)
        )

    @property
    def sound(self) -> bool:
        """Whether the free features can be told apart, and fitted, by their inner products, and
        leave enough of y for |y|^2 less what they explain to have its digits."""
        few = 4 * EPS * self.problem.y_sq > NULL_DIGITS * self._y_sq and len(self.free) > 0
        apart = self._working.space.condition <= KEPT**-0.5
        return self._working.gram is not None and apart and not few

    def alpha_max(self) -> float:
        """Return the smallest alpha with no penalised feature in the model."""
        z, skip = np.zeros(self.problem.design.p), np.ones(self.problem.design.p, dtype=np.uint8)
        z[self.live], skip[self.live] = self._correlation, 0
        return self.problem.penalty.alpha_max(z, skip)

    def start_from(self, coef: Floats) -> None:
        """Take coef (p,), within the bounds, as the point to start from."""
        self._terms[0] = coef[self.live]
        self._last_alpha = 0.0
        self._certify()

    def coef(self) -> Floats:
        """Return the last fit, or the point to start from, (p,)."""
        given, coef = self._ahead.given, np.zeros(self.problem.design.p)
        if given is None:
            return self._completed(self._terms[0])
        coef[given.index] = given.coef
        return coef

    def _completed(self, live_coef: Floats) -> Floats:
        """Return coef (p,), the free features fitted to those of the live ones."""
        coef = np.zeros(self.problem.design.p)
        coef[self.live] = live_coef
        coef[self.free] = self._free_coef + self._working.free_step(live_coef)
        return coef

    def expect(self, alphas: Floats) -> None:
        """Take the alphas that will be asked for, descending."""
        self._ahead.expected = alphas

    def solve(self, alpha: float) -> Fit | None:
        """Return the certified fit at alpha, None where Gram algebra is not exact enough."""
        problem = self.problem
        if self._last_alpha == float("inf"):
            self._last_alpha = max(self.alpha_max(), alpha)
        found = self._ahead.fit(alpha, self._look_ahead)
        if found is not None:
            return found
        n_iter, self._begun = self._begun, 0
        for step in on_the_way(self._last_alpha, alpha):
            rough = ROUGH * problem.null_objective
            _, status, more = self._approach(step, rough, problem.max_iter - n_iter)
            n_iter += more
            if status in ("max_iter", "time_limit"):
                break
        negligible = problem.negligible_gap()
        gap, status, more = self._approach(alpha, negligible, problem.max_iter - n_iter)
        self._last_alpha = alpha
        if not status or self._rounding() > SAFE * negligible:
            return None
        return self._here(alpha, gap, status, n_iter + more)

    def _look_ahead(self, alpha: float) -> list[Fit]:
        """Return the fits at this alpha and some expected after it, until one asks for more than a
        descent."""
        problem, gram = self.problem, self._working.gram
        assert gram is not None  # p is below its limit
        some = self._ahead.upcoming(alpha, self._last_alpha)
        traced = problem.counts_df and bool(self._unit[1].any())  # by the factor of each alpha
        if traced or len(some) == 0:
            return []
        negligible = problem.negligible_gap()
        coefs, facts = np.empty((len(some), len(self.live))), np.zeros((len(some) + 1, 4))
        facts[0, 1:] = self._resid_sq, self._size, self._begun
        solved = covariance.solve_ahead(
            self._working.active, gram, self._correlation, self._y_sq, self._terms, self._skip,
            self._unit, some, INNER * negligible, negligible, SAFE * negligible, self._y_size,
            problem.max_iter, coefs, facts,
        )  # fmt: skip
        self._resid_sq, self._size, self._begun = facts[solved, 1], facts[solved, 2], 0
        if solved < len(some):
            self._begun = int(facts[solved, 3])
        if solved:
            self._last_alpha = float(some[solved - 1])
        return [
            self._fit(
                float(some[k]), coefs[k], facts[k, 0], "converged", int(facts[k, 3]), facts[k, 1]
            )
            for k in range(solved)
        ]

    def verify(self, fit: Fit) -> Fit | None:
        """Return the fit at the present point with its certificate from X; None where it fails."""
        problem, design = self.problem, self.problem.design
        coef = self.coef()
        resid, z = design.residual(problem.y, coef)
        if design.centred:
            resid -= dual.weighted_sums(design.weights, resid)[0]
        skip = (problem.never != 0).astype(np.uint8)
        skip[self.free] = 1
        gap = certified_gap(
            design, self._working.space, coef, resid, z, problem.penalty.at(fit.alpha),
            np.empty(0, dtype=np.intp), skip,
        )  # fmt: skip
        fit.gap = gap
        return fit if gap <= problem.negligible_gap() or fit.status != "converged" else None

    def _approach(self, alpha: float, negligible: float, max_iter: int) -> tuple[float, str, int]:
        """Descend until the gap is negligible; return (gap, status, n_iter), status '' where the
        rounding of Gram algebra hides it."""
        self._penalise(alpha)
        n_iter, stalls, best = 0, 0, float("inf")
        while True:
            target = INNER * negligible * 0.01**stalls
            more, finished = self._descend(target, max_iter - n_iter)
            n_iter += more
            gap = self._certify()
            stalls = stalls + 1 if finished and gap >= 0.5 * best else 0
            best = min(best, gap)
            floor = self._rounding()
            if gap > negligible and floor > SAFE * negligible:
                return gap, "", n_iter
            status = self.problem.verdict(
                gap, negligible, floor, max_iter - n_iter, stalled=stalls >= STALLS
            )
            if status:
                return gap, status, n_iter

    def _penalise(self, alpha: float) -> None:
        np.multiply(self._unit, alpha, out=self._penalty)

    def _descend(self, target: float, max_iter: int) -> tuple[int, bool]:
        """Descend to a gap of target; return (n_iter, whether it got there or to its floor)."""
        return self._working.descend(
            self._terms, self._resid_sq, target, max_iter,
            clocked=self.problem.deadline < float("inf"),
        )  # fmt: skip

    def _certify(self) -> float:
        """Return the duality gap; it takes z, |r|^2 and sum_j |x_j||b_j| from scratch."""
        gram, terms = self._working.gram, self._terms
        assert gram is not None  # p is below its limit
        self._resid_sq, self._size, gap, slope = covariance.certificate(
            gram, self._correlation, self._y_sq, terms, self._skip
        )
        if slope <= 0.0:
            return gap
        box = Box(*terms[3:])
        return duality_gap_of(terms[0], terms[1], self._resid_sq, 0.0, box, self._skip)

    def _rounding(self) -> float:
        """Return the gap that the rounding of Gram algebra can hide.

        Of y as it was given: what the free features take of it is taken off X'(w y) too.
        """
        return dual.gram_rounding(self._resid_sq, self._size, self._y_size)

    def fitted(self, rows: NDArray[np.intp] | None = None) -> Floats:
        """Return the linear predictor at the last fit, (n,), or some of its rows."""
        coef = self.coef()
        active = np.flatnonzero(coef)
        fitted = self.problem.design.dot(active, coef[active])
        return fitted if rows is None else fitted[rows]

    def _here(self, alpha: float, gap: float, status: str, n_iter: int) -> Fit:
        """Return the present point as a fit."""
        return self._fit(alpha, self._terms[0], gap, status, n_iter, self._resid_sq)

    def _fit(
        self, alpha: float, coef: Floats, gap: float, status: str, n_iter: int, resid_sq: float
    ) -> Fit:
        """Return a fit from coef (|live|,)."""
        df = float("nan")
        if self.problem.counts_df:
            df = self._working.smoother_trace(coef, self._penalty[1])
        if len(self.free):
            coef = self._completed(coef)
            index = np.flatnonzero(coef)
            coef = coef[index]
        else:
            support = coef.nonzero()[0]
            index, coef = self.live[support], coef[support]
        return Fit(alpha, index, coef, gap, status, n_iter, df, 0.5 * resid_sq)
