"""The neutral referee of other losses than the squared one, and of several responses.

The problem, for one alpha, f half the unit deviance (the sum over classes or responses in it):

    P = (1/n) sum_i f(y_i, b0 + x_i'b) + alpha |b|_1      multigaussian: sum_j |b_j|_2 in its place

With v = -f', made to sum to 0 in the metric of f'' where there is an intercept, z = X'v / n and
c = min(1, alpha / max |z_j|), c v is dual feasible where f* is finite there, and

    P - D(c) = (1/n) sum_i [ f_i + f_i*(-c v_i) ] + alpha |b|_1

As in `referee.py` it is divided by P of the null model.
"""

import numpy as np
import scipy.sparse as sp
from referee import Referee
from scipy.special import expit, logsumexp, xlogy

OUTSIDE = 1e-9  # how far rounding may take a mean out of its range
LARGEST = 500.0  # linear predictor that is judged: beyond, its exponential overflows


def make_referee(X, y, *, family, fit_intercept, l1_ratio=1.0):
    """Return the judge of a problem, by its family."""
    if family == "gaussian":
        return Referee(X, y, fit_intercept=fit_intercept, l1_ratio=l1_ratio)
    return GLMReferee(X, y, family=family, fit_intercept=fit_intercept)


class GLMReferee(Referee):
    """The judge of a lasso problem under the loss of a family.

    y : 0 and 1 (binomial), counts (poisson), labels (multinomial), or (n, K) (multigaussian)
    """

    def __init__(self, X, y, *, family, fit_intercept):
        self.X = X.astype(np.float64, copy=False)
        self.family, self.fit_intercept, self.y_mean = family, fit_intercept, 0.0
        self.y = indicators(y) if family == "multinomial" else np.asarray(y, dtype=np.float64)
        self.n = len(self.y)
        self.n_responses = self.y.shape[1] if self.y.ndim == 2 else 1
        null, v = self._loss(np.broadcast_to(self._null_eta(), self.y.shape))
        self.null_objective = null / self.n
        self.alpha_max = self._sizes(self.X.T @ v / self.n).max()

    def _gaps(self, alphas, coefs, shift):
        coefs = coefs.toarray() if sp.issparse(coefs) else coefs
        gaps = np.full(len(alphas), np.nan)  # of what is no solution
        limit = np.inf if self.family == "multigaussian" else LARGEST
        for k, alpha in enumerate(alphas):
            b = coefs[:, k].reshape(self.n_responses, -1).T
            eta = (self.X @ b + shift[k]).reshape(self.y.shape)
            if not np.abs(eta).max() < limit:
                continue
            loss, v = self._loss(eta)
            largest = self._sizes(self.X.T @ v / self.n).max()
            c = min(1.0, alpha / largest) if largest > 0 else 1.0
            penalty = alpha * self._sizes(b).sum()
            gaps[k] = (loss + self._conjugate(c * v)) / self.n + penalty
        return gaps

    def _sizes(self, rows):
        """Return what the penalty sums of coefficients, and bounds of z."""
        return np.linalg.norm(rows, axis=1) if self.family == "multigaussian" else np.abs(rows)

    def _null_eta(self):
        """Return the linear predictor of the null model."""
        mean = self.y.mean(axis=0)
        if not self.fit_intercept:
            return 0.0 * mean
        if self.family == "multigaussian":
            return mean
        return np.log(mean / (1 - mean)) if self.family == "binomial" else np.log(mean)

    def _loss(self, eta):
        """Return sum_i f_i and v."""
        y = self.y
        if self.family == "multigaussian":
            v = y - eta
            return 0.5 * (v**2).sum(), v - v.mean(axis=0) * self.fit_intercept
        if self.family == "binomial":
            mu = expit(eta)
            return (np.logaddexp(0, eta) - y * eta).sum(), self._centred(y - mu, mu * (1 - mu))
        if self.family == "poisson":
            mu = np.exp(eta)
            return (mu - y * eta + xlogy(y, y) - y).sum(), self._centred(y - mu, mu)
        total = logsumexp(eta, axis=1, keepdims=True)
        mu = np.exp(eta - total)
        v = y - mu
        if self.fit_intercept:
            H = np.diag(mu.sum(axis=0)) - mu.T @ mu
            a = np.linalg.lstsq(H, v.sum(axis=0), rcond=1e-12)[0]
            v = v - mu * (a - (mu @ a)[:, None])
        return (total[:, 0] - (y * eta).sum(axis=1)).sum(), v

    def _centred(self, v, h):
        return v - h * (v.sum() / h.sum()) if self.fit_intercept else v

    def _conjugate(self, v):
        """Return sum_i f_i*(-v_i): of the mean y - v, and NaN where there is no such mean."""
        if self.family == "multigaussian":
            return (0.5 * v**2 - v * self.y).sum()
        q = self.y - v
        above = np.inf if self.family == "poisson" else 1.0
        if q.min() < -OUTSIDE or q.max() > above + OUTSIDE:
            return np.nan
        q = np.clip(q, 0.0, above)
        if self.family == "binomial":
            return (xlogy(q, q) + xlogy(1 - q, 1 - q)).sum()
        if self.family == "poisson":
            return (xlogy(q, q) + v - xlogy(self.y, self.y)).sum()
        return xlogy(q, q).sum()


def indicators(labels):
    """Return (n, K), 1 where a row is of that class."""
    return (np.asarray(labels)[:, None] == np.unique(labels)).astype(float)
