"""Who takes part: riata, and the ways in which scikit-learn solves the same path.

Every entry is (solve, first tolerance): solve(tol) -> Solution. A first tolerance is the loosest
worth trying; the referee tightens it. riata's is the relative gap itself. scikit-learn stops at a
gap of tol |y|^2, which is 2 tol relative to the null model, and its largest gap over a path is
just that: half the target (the target itself with the Gram matrix, where it sometimes gets further
than it was asked to, and where another attempt costs little). For the elastic net its gap is a far
looser bound than the referee's, so it starts much higher.
"""

import warnings

import numpy as np
import scipy.sparse as sp
from referee import Solution
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, enet_path, lars_path

SWEEPS = 1_000_000  # the referee says when it is enough, not an iteration limit
CONSTANT = 1e7  # size of the column that stands for an intercept


def participants(work, referee, alphas, target, n_threads, *, every=False):
    """Return {name: (solve, first tolerance)}; `every`: also the ways that lose by far."""
    first = (0.499 if work.l1_ratio == 1 else 100) * target
    if sp.issparse(work.X):
        found = {
            "riata (CSC)": (_riata(work, work.X, referee, alphas, n_threads), target),
            "riata (CSR)": (_riata(work, work.X.tocsr(), referee, alphas, n_threads), target),
            "scikit-learn enet_path (CSC, constant column)": (
                _path_with_constant(work, referee, alphas), first
            ),
        }  # fmt: skip
        if every:
            found["scikit-learn Lasso (CSC, warm starts)"] = (_loop(work, alphas), first)
        return found
    n, p = work.X.shape
    found = {"riata": (_riata(work, work.X, referee, alphas, n_threads), target)}
    if n > p:
        found["scikit-learn enet_path (precompute='auto': Gram)"] = (
            by_path(work, referee.null_objective, alphas, "auto"), 2 * first
        )  # fmt: skip
    if n <= p or every:
        found["scikit-learn enet_path"] = (
            by_path(work, referee.null_objective, alphas, False), first
        )  # fmt: skip
    if work.l1_ratio == 1:
        found["scikit-learn lars_path (interpolated)"] = (by_corners(work, alphas), target)
    return found


def _riata(work, X, referee, alphas, n_threads):
    import riata

    def solve(tol):
        path = riata.fit_path(
            X, work.y, alphas=alphas, l1_ratio=work.l1_ratio, tol=tol,
            fit_intercept=work.fit_intercept, n_threads=n_threads,
        )  # fmt: skip
        return Solution(path.coefs, path.intercepts, path.dual_gaps / referee.null_objective)

    return solve


def by_path(work, null_objective, alphas, precompute):
    """The path function on dense Fortran data: read in place, no copy asked for."""

    def solve(tol):
        with _referee_decides():
            _, coefs, gaps = enet_path(
                work.X, work.y, l1_ratio=work.l1_ratio, alphas=alphas, tol=tol, max_iter=SWEEPS,
                precompute=precompute, copy_X=False,
            )  # fmt: skip
        return Solution(coefs, np.zeros(len(alphas)), gaps / null_objective)

    return solve


def _path_with_constant(work, referee, alphas):
    """The path function on sparse data, the intercept as the coefficient of a large constant.

    It has no intercept of its own. A column of 1e7 makes one whose penalty is nothing
    (alpha |b0| / 1e7). It comes last, so that the residual sums to nothing when the gap is
    taken. The intercept that goes with the coefficients is then computed exactly.
    """

    def solve(tol):
        n = len(work.y)
        y_mean = work.y.mean()
        column = sp.csc_array(np.full((n, 1), CONSTANT))
        X = sp.hstack([sp.csc_array(work.X), column], format="csc")
        with _referee_decides():
            _, coefs, gaps = enet_path(
                X, work.y - y_mean, l1_ratio=work.l1_ratio, alphas=alphas, tol=tol,
                max_iter=SWEEPS, copy_X=False,
            )  # fmt: skip
        coefs = coefs[:-1]
        means = np.asarray(work.X.sum(axis=0)).ravel() / n
        return Solution(coefs, y_mean - means @ coefs, gaps / referee.null_objective)

    return solve


def _loop(work, alphas):
    """The estimator, one fit per alpha, each started from the last."""

    def solve(tol):
        model = Lasso(warm_start=True, tol=tol, max_iter=SWEEPS, copy_X=False)
        coefs, intercepts = np.empty((work.X.shape[1], len(alphas))), np.empty(len(alphas))
        with _referee_decides():
            for k, alpha in enumerate(alphas):
                model.set_params(alpha=alpha).fit(work.X, work.y)
                coefs[:, k], intercepts[k] = model.coef_, model.intercept_
        return Solution(coefs, intercepts)

    return solve


def by_corners(work, alphas):
    """Least angle regression: the path's corners, and straight lines between them. No tolerance."""

    def solve(tol):
        n, p = work.X.shape
        with _referee_decides():
            corners, _, coefs = lars_path(
                work.X, work.y, method="lasso", alpha_min=alphas[-1], max_iter=20 * min(n, p),
                Gram="auto" if n > p else None,
            )  # fmt: skip
        low = np.clip(np.searchsorted(-corners, -alphas), 1, len(corners) - 1)
        share = np.clip((corners[low - 1] - alphas) / (corners[low - 1] - corners[low]), 0, 1)
        coefs = coefs[:, low - 1] * (1 - share) + coefs[:, low] * share
        return Solution(coefs, np.zeros(len(alphas)))

    return solve


class _referee_decides(warnings.catch_warnings):
    """Keep a solver's own opinion of its convergence quiet."""

    def __enter__(self):
        super().__enter__()
        warnings.simplefilter("ignore", ConvergenceWarning)
