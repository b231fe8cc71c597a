"""The judge: recompute what riata reports, from the user's data, slowly and densely.

Nothing of riata is imported here, and no formula is taken from it. Everything is float64 on a
dense copy of X; scipy.sparse serves only to densify, with duplicate entries summed, and
scipy.optimize for a null model with bounds. Rows of weight zero are removed at the door.

The problem, with w_i = s_i / sum(s):

    P(b0, b) = 1/2 sum_i w_i (y_i - o_i - b0 - x_i'b)^2 + sum_j g_j(b_j)
    g_j(b)   = l1_j |b| + l2_j/2 b^2   inside [lower_j, upper_j], +inf outside
    l1_j     = alpha l1_ratio v_j sd_j,   l2_j = alpha (1 - l1_ratio) v_j sd_j^2

An infinite v_j is the box [0, 0].
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.optimize import lsq_linear

EPS = np.finfo(np.float64).eps
RANK = 1e-10  # singular values of columns of norm 1 below this are what centring left
LARGEST_DF = 4096  # features in the support; above, with an L2 part, df is not asked for
SCALING = 1.02  # a solver may stop looking for the best c where so little is left to gain
ROUNDINGS = 200  # a gap is compared to within so many units of Problem.rounding
FLOOR_ROUNDINGS = 50  # "precision_floor" may be claimed within so many of those
STATUS_WORDS = {"converged", "precision_floor", "max_iter", "time_limit", "interrupted"}


class Claim(NamedTuple):
    """What a solver says of one alpha."""

    alpha: float
    coef: np.ndarray
    intercept: float
    dual_gap: float
    status: str


def dense64(X):
    """Return a dense float64 copy of X; duplicates are summed in float64."""
    if sp.issparse(X):
        return X.astype(np.float64).toarray()
    return np.array(X, dtype=np.float64, order="C")


def centre(A, w):
    """Return the weighted mean of the columns of A, in two passes, and A less it."""
    mean = w @ A
    mean = mean + w @ (A - mean)
    constant = (A[0] == A).all(axis=0)
    mean = np.where(constant, A[0], mean)
    return mean, A - mean


def project_out(Z, r, w):
    """Return r - Z (Z'WZ)^+ Z'W r: r without its W-orthogonal projection on Z's columns."""
    root = np.sqrt(w)
    columns = root[:, None] * Z
    norms = np.linalg.norm(columns, axis=0)
    columns = columns[:, norms > 0] / norms[norms > 0]
    if columns.shape[1] == 0:
        return r.copy()
    basis, values, _ = np.linalg.svd(columns, full_matrices=False)
    basis = basis[:, values > RANK * values[0]]
    for _ in range(2):  # twice: the second pass removes what rounding left
        r = r - basis @ (basis.T @ (root * r)) / root
    return r


def _vector(value, default, p):
    return np.broadcast_to(np.asarray(default if value is None else value, float), (p,)).copy()


class Problem:
    """The user's problem without its alpha: centred data, weights and penalty units."""

    def __init__(
        self,
        X,
        y,
        *,
        l1_ratio=1.0,
        fit_intercept=True,
        standardize=False,
        sample_weight=None,
        offset=None,
        penalty_factor=None,
        lower_bounds=None,
        upper_bounds=None,
    ):
        X = dense64(X)
        n, p = X.shape
        y, offset = np.asarray(y, float).reshape(n), _vector(offset, 0.0, n)
        self.y_noise = EPS * (np.abs(y).max() + np.abs(offset).max())
        y = y - offset
        s = _vector(sample_weight, 1.0, n)
        X, y, s = X[s > 0], y[s > 0], s[s > 0]
        self.n, self.p, self.l1_ratio, self.fit_intercept = len(y), p, l1_ratio, fit_intercept
        s = s / s.max()
        self.w = s / s.sum()
        self.norms = np.sqrt(self.w @ X**2)
        mean, centred = centre(X, self.w)
        self.sd = np.sqrt(self.w @ centred**2) if standardize else np.ones(p)
        if fit_intercept:
            self.mean, self.X = mean, centred
            self.y_mean, self.y = centre(y, self.w)
        else:
            self.mean, self.X, self.y_mean, self.y = np.zeros(p), X, 0.0, y
        v = _vector(penalty_factor, 1.0, p)
        excluded = np.isinf(v)
        self.v = np.where(excluded, 0.0, v)
        box = np.array([_vector(lower_bounds, -np.inf, p), _vector(upper_bounds, np.inf, p)])
        self.bounded = np.isfinite(box).any()
        self.lower, self.upper = np.where(excluded, 0.0, box)

    def penalty(self, alpha):
        """Return l1 and l2 of every feature."""
        l1 = alpha * self.l1_ratio * self.v * self.sd
        return l1, alpha * (1 - self.l1_ratio) * self.v * self.sd**2

    def residual(self, coef, intercept):
        """Return y - o - b0 - X b; about the means, so that large ones cost no digits."""
        shift = intercept + self.mean @ coef - self.y_mean
        return self.y - self.X @ coef - shift

    def loss(self, coef, intercept):
        return 0.5 * self.w @ self.residual(coef, intercept) ** 2

    def objective(self, coef, intercept, alpha):
        l1, l2 = self.penalty(alpha)
        if (coef < self.lower).any() or (coef > self.upper).any():
            return np.inf
        return self.loss(coef, intercept) + l1 @ np.abs(coef) + 0.5 * l2 @ coef**2

    @cached_property
    def null_residual(self):
        """The residual of intercept and unpenalised features alone, bounds kept."""
        free = (self.v * self.sd == 0) & (self.lower < self.upper)
        if (np.isinf(self.lower) & np.isinf(self.upper))[free].all():
            return project_out(self.X[:, free], self.y, self.w)
        columns = free & self.X.any(axis=0)
        root = np.sqrt(self.w)
        A = root[:, None] * self.X[:, columns]
        unit = np.linalg.norm(A, axis=0)
        box = (unit * self.lower[columns], unit * self.upper[columns])
        target, best = root * self.y, self.y
        for method in ("bvls", "trf"):
            with np.errstate(all="ignore"):
                x = lsq_linear(A / unit, target, box, method, 1e-14, max_iter=1000).x
            held = np.minimum(x - box[0], box[1] - x) < 1e-6 * np.abs(x).max(initial=0.0)
            near = np.where(x - box[0] < box[1] - x, *box)
            polished = np.where(held, near, 0.0)
            rest = (A / unit)[:, ~held]
            polished[~held] = np.linalg.lstsq(rest, target - A / unit @ polished, rcond=None)[0]
            for b in (np.clip(x, *box), np.clip(polished, *box)):
                if np.abs(b).max(initial=0.0) > 1e6 * np.linalg.norm(target):
                    continue  # dependent columns: huge coefficients that cancel but for rounding
                r = self.y - self.X[:, columns] @ (b / unit)
                best = r if self.w @ r**2 < self.w @ best**2 else best
        return best

    def null_objective(self):
        return 0.5 * self.w @ self.null_residual**2

    def alpha_max(self):
        """Return the smallest alpha at which every penalised coefficient is zero."""
        z = self.X.T @ (self.w * self.null_residual)
        active = np.maximum(np.where(self.upper > 0, z, 0.0), np.where(self.lower < 0, -z, 0.0))
        ratio = self.l1_ratio if self.l1_ratio > 0 else 1e-3
        unit = ratio * self.v * self.sd
        penalised = unit > 0
        return (active[penalised] / unit[penalised]).max(initial=0.0)

    def alpha_noise(self):
        """Return what rounding alone may make of an alpha_max that is zero."""
        unit = (self.l1_ratio if self.l1_ratio > 0 else 1e-3) * self.v * self.sd
        size = (self.norms[unit > 0] / unit[unit > 0]).max(initial=0.0)
        return 100 * EPS * size * np.sqrt(self.w @ self.y**2)

    def deviance_ratio(self, coef, intercept):
        null = self.null_objective()
        return 0.0 if null == 0 else 1 - self.loss(coef, intercept) / null

    def df(self, coef, alpha):
        """Count the non-zeros; with an L2 penalty, the trace of the smoother on the support.

        Of the features that nothing holds, no penalty and no bound, their rank counts.
        """
        l1, l2 = self.penalty(alpha)
        free = (l1 == 0) & (l2 == 0) & np.isinf(self.lower) & np.isinf(self.upper)
        root = np.sqrt(self.w)[:, None]
        ridge = not (l1 > 0).any() and not self.bounded
        shrunk = (l2 > 0) & ((coef != 0) | ridge)
        others = (coef != 0) & (l2 == 0) & ~free
        smooth = (l2 > 0).any()
        Z = self.X[:, free | (others & smooth)]
        columns = root * Z[:, Z.any(axis=0)]
        columns = columns / np.linalg.norm(columns, axis=0)
        rank = (np.linalg.svd(columns, compute_uv=False) > RANK).sum() if columns.size else 0
        if not smooth:
            return float(rank + np.count_nonzero(others))
        rest = np.array([project_out(Z, x, self.w) for x in self.X[:, shrunk].T])
        scaled = root.T * rest.reshape(-1, self.n) / np.sqrt(l2[shrunk])[:, None]
        s = np.linalg.svd(scaled, compute_uv=False)
        return float(rank + (s**2 / (s**2 + 1)).sum())

    def kkt_residual(self, coef, intercept, alpha):
        """Return the largest distance of a gradient from its subdifferential, over |x_j|."""
        l1, l2 = self.penalty(alpha)
        r = self.residual(coef, intercept)
        z = self.X.T @ (self.w * r) - l2 * coef
        low = np.where(coef > 0, l1, -l1)
        high = np.where(coef < 0, -l1, l1)
        low = np.where(coef <= self.lower, -np.inf, low)
        high = np.where(coef >= self.upper, np.inf, high)
        distance = np.maximum(np.maximum(low - z, z - high), 0) / np.maximum(self.norms, 1e-300)
        mean = abs(self.w @ r) if self.fit_intercept else 0.0
        return max(distance.max(), mean)

    # The gap. Any u with Z'Wu = 0, Z = [1 where there is an intercept, unpenalised features],
    # is a point of the Fenchel dual
    #
    #     D(u) = 1/2 |y|_W^2 - 1/2 |y - u|_W^2 - sum_j g_j*(x_j'W u) <= min P,
    #     g*(z) = z b^ - l1 |b^| - l2 b^^2 / 2,   b^ = clip(soft(z, l1) / l2, lower, upper),
    #
    # the sum over the other features. With y = r + Z(..) + sum_j x_j b_j and Z'Wu = 0 the two
    # terms in y become 1/2 |u|^2 - r'Wu - sum_j b_j x_j'Wu, so that
    #
    #     P - D(u) = 1/2 |r - u|_W^2 + sum_j [ g_j(b_j) + g_j*(x_j'W u) - b_j x_j'W u ]:
    #
    # every term is >= 0 and vanishes at the optimum, hence no cancellation. The point taken is
    # u = c t with t = r - Z (Z'WZ)^+ Z'W r and the best c in [0, 1]. Where l2 = 0 and the bound
    # on z's side is infinite g* is finite for |c z| <= l1 only: that caps c. The rest is convex
    # in c: bisect on its slope. An unpenalised feature with one infinite bound (l1 = l2 = 0) would
    # cap c at zero for a z of one rounding error on the wrong side: it joins Z, as any feature
    # may, where it is off its bound or its z has that sign.

    def gap(self, coef, intercept, alpha):
        """Return P(b0, b) - D(c t) for the best c in [0, 1]; inf outside of the bounds."""
        if not np.isfinite(self.objective(coef, intercept, alpha)):
            return np.inf
        l1, l2 = self.penalty(alpha)
        flat = (l1 == 0) & (l2 == 0)
        in_Z = flat & np.isinf(self.lower) & np.isinf(self.upper)
        one_sided = flat & (np.isinf(self.lower) ^ np.isinf(self.upper))
        joining = one_sided & (coef > self.lower) & (coef < self.upper)
        r = self.residual(coef, intercept)
        z = self.X.T @ (self.w * r)
        while True:
            wrong = np.where(np.isinf(self.upper), z > 0, z < 0) & one_sided & ~in_Z
            in_Z = in_Z | joining | wrong
            constant = np.ones((self.n, int(self.fit_intercept)))
            t = project_out(np.hstack([constant, self.X[:, in_Z]]), r, self.w)
            z = self.X.T @ (self.w * t)
            if not (np.where(np.isinf(self.upper), z > 0, z < 0) & one_sided & ~in_Z).any():
                break
        gap = self._gap(r, t, *(a[~in_Z] for a in (coef, z, l1, l2, self.lower, self.upper)))
        return max(gap, 0.0)

    def _gap(self, r, t, b, z, l1, l2, lower, upper):
        forces = (l2 == 0) & np.where(z > 0, np.isinf(upper), np.isinf(lower)) & (z != 0)
        c_max = min(1.0, (l1[forces] / np.abs(z[forces])).min(initial=np.inf))

        def conjugate_point(c):
            soft = np.sign(z) * np.maximum(np.abs(c * z) - l1, 0)
            ratio = np.where(soft > 0, np.inf, np.where(soft < 0, -np.inf, 0.0))
            np.divide(soft, l2, out=ratio, where=l2 > 0)
            return np.where(forces, 0.0, np.clip(ratio, lower, upper))

        def value(c):
            best = conjugate_point(c)
            return (
                0.5 * self.w @ (r - c * t) ** 2
                + (l1 * (np.abs(b) - np.abs(best))).sum()
                + (l2 / 2 * (b**2 - best**2)).sum()
                + (c * z * (best - b)).sum()
            )

        def slope(c):
            return -(self.w * t) @ (r - c * t) + z @ (conjugate_point(c) - b)

        low, high = 0.0, c_max
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if slope(middle) > 0 else (middle, high)
        return min(value(low), value(c_max), value(0.0))

    def rounding(self, coef, intercept, alpha, gap):
        """Return the unit of a gap's rounding error.

        r is known to eps (|y| + sum_k |x_k| |b_k|), x_j'Wr to eps |x_j| |r| besides; each b_j
        brings the error of its own x_j'Wr into the gap. Where c is capped, it carries the relative
        error of the capping x_j'Wr, against l1_j, at the price of the gap's slope in c.
        """
        r = self.residual(coef, intercept)
        size = np.sqrt(self.w @ r**2)
        fitted = np.abs(coef) @ np.sqrt(self.w @ self.X**2)
        unit = 0.5 * size**2 + (np.abs(coef) @ self.norms) * size
        unit += fitted * (np.sqrt(self.w @ self.y**2) + fitted)
        l1, l2 = self.penalty(alpha)
        capping = (l1 > 0) & (l2 == 0)
        relative = (self.norms[capping] / l1[capping]).max(initial=0.0) * size
        slope = np.sqrt(2 * gap) * size + l1 @ np.abs(coef) + l2 @ coef**2
        relative = min(EPS * relative, 1.0)
        return EPS * unit + slope * relative + (size * relative) ** 2 + self.y_noise**2


def expected_grid(problem, alphas=None, n_alphas=100, alpha_min_ratio=None):
    """Return the grid asked for: descending, without duplicates."""
    if alphas is not None:
        return np.unique(np.atleast_1d(np.asarray(alphas, float)))[::-1]
    if alpha_min_ratio is None:
        alpha_min_ratio = 1e-2 if problem.n < problem.p else 1e-4
    return problem.alpha_max() * alpha_min_ratio ** np.linspace(0, 1, n_alphas)


def check_claim(problem, claim, null, tol):
    """Assert that one alpha's answer is feasible and its gap as reported and as promised."""
    alpha, coef, intercept, reported, status = claim
    at = f"at alpha = {alpha!r} ({status})"
    assert status in STATUS_WORDS, at
    if status in ("time_limit", "interrupted") and np.isnan(reported):
        assert np.isnan(intercept), f"an unsolved alpha is not NaN {at}"
        assert not coef.any(), f"an unsolved alpha has coefficients {at}"
        return
    assert np.isfinite(coef).all(), f"coefficients not finite {at}"
    assert np.isfinite(intercept), f"intercept not finite {at}"
    assert (coef >= problem.lower).all(), f"below a lower bound or excluded, yet not 0 {at}"
    assert (coef <= problem.upper).all(), f"above an upper bound or excluded, yet not 0 {at}"
    assert problem.fit_intercept or intercept == 0, f"an intercept where none was asked for {at}"
    gap = problem.gap(coef, intercept, alpha)
    slack = ROUNDINGS * problem.rounding(coef, intercept, alpha, gap)
    assert reported >= 0, f"a negative or NaN gap, {reported}, {at}"
    assert reported >= gap * (1 - 1e-6) - slack, f"reported {reported}, recomputed {gap} {at}"
    assert reported <= gap * SCALING + slack, f"reported {reported}, recomputed {gap} {at}"
    if status == "converged":
        assert gap <= tol * null * (1 + 1e-6) + slack, f"gap {gap} > tol {tol} * {null} {at}"
    if status == "precision_floor":
        assert gap <= FLOOR_ROUNDINGS * slack, f"gap {gap} is far above rounding, {slack}, {at}"


def check_path(path, X, y, *, tol=1e-6, alphas=None, n_alphas=100, alpha_min_ratio=None,
               grid=True, **settings):  # fmt: skip
    """Assert that a path solves what was asked for, as well as it says.

    `settings` are those of Problem. Checked for every alpha: bounds and exclusions; that the
    reported gap is the recomputed one; that it is what the status promises; df and
    deviance_ratio. For the path: shapes, null_objective, and the grid (unless grid=False).
    """
    problem = Problem(X, y, **settings)
    L, p = len(path.alphas), problem.p
    if grid:
        wanted = expected_grid(problem, alphas, n_alphas, alpha_min_ratio)
        assert len(wanted) == L, f"{L} alphas instead of {len(wanted)}"
        if wanted[0] > problem.alpha_noise() or alphas is not None:
            np.testing.assert_allclose(path.alphas, wanted, rtol=1e-7)
    assert (path.alphas > 0).all() or alphas is not None, "an automatic grid must be positive"
    assert (np.diff(path.alphas) < 0).all(), "alphas are not strictly descending"
    assert path.coefs.shape == (p, L)
    assert path.coefs.dtype == np.float64
    for name in ("intercepts", "dual_gaps", "status", "n_iter", "df", "deviance_ratio"):
        assert getattr(path, name).shape == (L,), f"{name} is not of length {L}"
    null = problem.null_objective()
    slack = ROUNDINGS * problem.rounding(np.zeros(p), problem.y_mean, 1.0, 0.0)
    assert abs(path.null_objective - null) <= 1e-9 * null + slack, (path.null_objective, null)
    coefs = path.coefs.toarray()
    for k, alpha in enumerate(path.alphas):
        coef, intercept = coefs[:, k], path.intercepts[k]
        claim = Claim(alpha, coef, intercept, path.dual_gaps[k], str(path.status[k]))
        check_claim(problem, claim, null, tol)
        if np.isnan(intercept):
            continue
        if null <= slack:
            continue  # nothing to explain: both are ratios of rounding errors
        if np.count_nonzero(coef) <= LARGEST_DF or not (problem.penalty(alpha)[1] > 0).any():
            df = problem.df(coef, alpha)
            assert abs(path.df[k] - df) <= 1e-4 * (1 + df), (path.df[k], df, alpha)
        ratio = problem.deviance_ratio(coef, intercept)
        error = 1e-9 + slack / null
        assert abs(path.deviance_ratio[k] - ratio) <= error, (path.deviance_ratio[k], ratio)
