"""Fits of several responses that do not read X, where n >> p; see covariance.py.

    Z = X'(w Y) - G B          |R|_w^2 = |Y|_w^2 - tr B'(X'(w Y) + Z)          G = X'diag(w)X

Y less the offset and its means. Rounding and its limit are those of one response, with Euclidean
norms of rows for the sizes of coefficients and of Y.
"""

import numpy as np

from .covariance import CovarianceSolver
from .families import MultipleFamily
from .families.multiple import inner
from .kernels import dual, groups
from .lookahead import LookAhead
from .multi import correlations
from .problem import Fit, Problem
from .response_descent import ResponseDescent
from .rowwise import Rowwise, gap_of_rows, lengths
from .solver import Floats, Indices
from .working_set import WorkingSet


class ResponseCovarianceSolver(CovarianceSolver):
    """Solves alpha after alpha from the Gram matrix of all columns, warm."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        design, w = problem.design, problem.design.weights
        self.live = np.flatnonzero(problem.never == 0)
        self._working = WorkingSet(design, np.empty(0, dtype=np.intp))
        self._working.extend(self.live)
        self._descent = ResponseDescent(problem, self._working)
        y = problem.y if problem.offset is None else problem.y - problem.offset
        K = y.shape[1]
        self._intercept = problem.family.start(y, w) if design.centred else np.zeros(K)
        self._y = y - self._intercept
        self._y_sq = dual.weighted_sums(w, inner(self._y, self._y))[0]
        self._y_size = float(np.sqrt(self._y_sq))
        problem.null_objective = 0.5 * self._y_sq
        self._correlation = correlations(design, w[:, None] * self._y)[self.live]
        self._rows, self._grad = np.zeros((len(self.live), K)), self._correlation.copy()
        self._norm_sq = design.norm_sq[self.live]
        self._resid_sq, self._size = self._y_sq, 0.0
        self._last_alpha, self._begun, self._ahead = float("inf"), 0, LookAhead()

    @staticmethod
    def suits(problem: Problem) -> bool:
        """Whether the problem is tall, the loss squared error, and every feature penalised."""
        family, penalty = problem.family, problem.penalty
        squared = isinstance(family, MultipleFamily) and family.constant and family.grouped
        return squared and problem.design.tall and not np.any(penalty.unpenalised)

    @property
    def sound(self) -> bool:
        """Whether the Gram matrix has the norms of the columns right."""
        return self._working.gram is not None

    def alpha_max(self) -> float:
        z, skip = np.zeros(self.problem.design.p), np.ones(self.problem.design.p, dtype=np.uint8)
        z[self.live], skip[self.live] = lengths(self._correlation), 0
        return self.problem.penalty.alpha_max(z, skip)

    def start_from(self, coef: Floats) -> None:
        """Take rows (p, K), or (p,) where K is 1, as the point to start from."""
        self._move_to(coef.reshape(len(coef), -1)[self.live])
        self._last_alpha = 0.0

    def coef(self) -> Floats:
        """Return the last fit, or the point to start from, (p, K)."""
        coef = np.zeros((self.problem.design.p, self._rows.shape[1]))
        coef[self.live] = self._rows
        return coef

    def _look_ahead(self, alpha: float) -> list[Fit]:
        return []

    def verify(self, fit: Fit) -> Fit | None:
        problem, design = self.problem, self.problem.design
        coef, image = self.coef(), self._image()
        v = self._y - image
        if design.centred:
            v = v - design.weights @ v
        z = correlations(design, design.weights[:, None] * v)
        along = problem.family.gap_along(self._y, image, v, design.weights)
        fit.gap = gap_of_rows(
            along, coef, z, problem.penalty.at(fit.alpha), problem.never, grouped=True
        )
        return fit if fit.gap <= problem.negligible_gap() or fit.status != "converged" else None

    def _image(self) -> Floats:
        """Return X B, (n, K)."""
        some = np.flatnonzero(self._rows.any(axis=1))
        rows = np.ascontiguousarray(self._rows[some].T)
        return self.problem.design.dots(self.live[some], rows).T

    def fitted(self, rows: Indices | None = None) -> Floats:
        """Return the linear predictors at the last fit, offset and intercepts included, (n, K), or
        some of their rows."""
        offset = self.problem.offset
        eta = self._image() + self._intercept
        eta = eta if offset is None else eta + offset
        return eta if rows is None else eta[rows]

    def _penalise(self, alpha: float) -> None:
        self._box = self.problem.penalty.at(alpha).take(self.live)
        self._held = Rowwise(self._box.l1, self._box.l2, grouped=True)

    def _descend(self, target: float, max_iter: int) -> tuple[int, bool]:
        return self._descent.run(
            self._rows, self._grad, 0.5 * self._resid_sq, self._held, target, max_iter
        )

    def _certify(self) -> float:
        """Return the duality gap; it takes Z, |R|^2 and sum_j |x_j||b_j| from scratch."""
        self._move_to(self._rows)
        gap, slope = groups.certificate(
            self._norm_sq, self._rows, self._grad, self._resid_sq, self._box.l1, self._box.l2, True
        )
        if slope <= 0.0:
            return gap
        none = np.zeros(len(self.live), dtype=np.uint8)

        def along(c: float, _: bool) -> tuple[float, float]:
            return 0.5 * (1.0 - c) ** 2 * self._resid_sq, -(1.0 - c) * self._resid_sq

        return gap_of_rows(along, self._rows, self._grad, self._box, none, grouped=True)

    def _move_to(self, rows: Floats) -> None:
        """Make rows (|live|, K) the present point."""
        gram, size = self._working.gram, len(rows)
        assert gram is not None  # else it is not sound
        self._rows = rows
        self._grad = self._correlation - gram[:size, :size] @ rows
        explained = float((rows * (self._correlation + self._grad)).sum())
        self._resid_sq = max(self._y_sq - explained, 0.0)
        self._size = float(np.sqrt(self._norm_sq) @ lengths(rows))

    def _here(self, alpha: float, gap: float, status: str, n_iter: int) -> Fit:
        rows = self._rows
        some, df = np.flatnonzero(rows.any(axis=1)), float(np.count_nonzero(rows))
        if self._held.l2.any():
            df = float("nan")
            if self.problem.counts_df:
                df = rows.shape[1] * self._working.smoother_trace(lengths(rows), self._held.l2)
        return Fit(
            alpha, self.live[some], rows[some], gap, status, n_iter, df, 0.5 * self._resid_sq,
            self._intercept,
        )  # fmt: skip
