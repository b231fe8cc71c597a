"""The judge of the families: objective, null model, alpha_max and gap, slowly and densely.

Nothing of riata is imported here. With w_i = s_i / sum(s), rows of weight zero removed,

    P(b0, b) = sum_i w_i f_i(o_i + b0 + x_i'b) + sum_j g_j(b_j)
    D(u)     = -sum_i [ w_i f_i*(-u_i / w_i) + u_i o_i ] - sum_j g_j*(x_j'u)

for any u with sum u = 0 (where there is an intercept) and x_j'u = 0 for what nothing holds. P - D
is formed as it stands: right to 1e-15 of P, far below the tolerances that are asked for.

f is half the unit deviance: loss_of(...)(eta) and its conjugate are written from the textbook.
"""

import numpy as np
from oracle import dense64
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, xlog1py, xlogy


def binomial(y):
    entropy = xlogy(y, y) + xlog1py(1 - y, -y)

    def conjugate(t):
        with np.errstate(invalid="ignore"):
            value = xlogy(y + t, y + t) + xlogy(1 - y - t, 1 - y - t) - entropy
        return np.where((y + t >= 0) & (y + t <= 1), value, np.inf)

    return (
        lambda eta: np.logaddexp(0, eta) - y * eta + entropy,
        lambda eta: expit(eta) - y,
        lambda eta: expit(eta) * expit(-eta),
        conjugate,
    )


def poisson(y):
    level = xlogy(y, y) - y

    def conjugate(t):
        with np.errstate(invalid="ignore"):
            value = xlogy(y + t, y + t) - (y + t) - level
        return np.where(y + t >= 0, value, np.inf)

    return (
        lambda eta: np.exp(eta) - y * eta + level,
        lambda eta: np.exp(eta) - y,
        np.exp,
        conjugate,
    )


def gamma(y):
    def conjugate(t):
        with np.errstate(invalid="ignore"):
            value = xlogy(1 - t, 1 - t) + t * np.log(y) + t
        return np.where(t <= 1, value, np.inf)

    return (
        lambda eta: y * np.exp(-eta) - 1 - np.log(y) + eta,
        lambda eta: 1 - y * np.exp(-eta),
        lambda eta: y * np.exp(-eta),
        conjugate,
    )


def tweedie(y, p=1.5):
    level = y ** (2 - p) / ((p - 1) * (2 - p))

    def loss(eta):
        return y * np.exp((1 - p) * eta) / (p - 1) + np.exp((2 - p) * eta) / (2 - p) - level

    def gradient(eta):
        return np.exp((2 - p) * eta) - y * np.exp((1 - p) * eta)

    def conjugate(t):
        # p = 1.5: x^2 - t x - y = 0 for x = exp(eta / 2)
        assert p == 1.5
        x = 0.5 * (t + np.sqrt(t**2 + 4 * y))
        eta = 2 * np.log(np.maximum(x, 1e-300))
        value = t * eta - loss(eta)
        at_zero = xlogy(2 * t, np.maximum(t, 1e-300)) - 2 * t
        return np.where(y > 0, value, np.where(t >= 0, at_zero, np.inf))

    return (
        loss,
        gradient,
        lambda eta: (p - 1) * y * np.exp((1 - p) * eta) + (2 - p) * np.exp((2 - p) * eta),
        conjugate,
    )


def huber(y, delta=1.35):
    def loss(eta):
        r = np.abs(y - eta)
        return np.where(r <= delta, r**2 / 2, delta * r - delta**2 / 2)

    return (
        loss,
        lambda eta: -np.clip(y - eta, -delta, delta),
        lambda eta: (np.abs(y - eta) <= delta).astype(float),
        lambda t: np.where(np.abs(t) <= delta * (1 + 1e-12), t**2 / 2 + t * y, np.inf),
    )


def squared_hinge(y):
    s = 2 * y - 1
    return (
        lambda eta: np.maximum(0, 1 - s * eta) ** 2 / 2,
        lambda eta: -s * np.maximum(0, 1 - s * eta),
        lambda eta: (s * eta < 1).astype(float),
        lambda t: np.where(s * t <= 1e-12, t**2 / 2 + s * t, np.inf),
    )


FAMILIES = {
    "binomial": binomial,
    "poisson": poisson,
    "gamma": gamma,
    "tweedie": tweedie,
    "huber": huber,
    "squared_hinge": squared_hinge,
}


class FamilyProblem:
    """The user's problem; y numbers, 0 and 1 for labels."""

    def __init__(
        self, X, y, family, *, l1_ratio=1.0, fit_intercept=True, standardize=False,
        sample_weight=None, offset=None, penalty_factor=None, lower_bounds=None, upper_bounds=None,
    ):  # fmt: skip
        X, y = dense64(X), np.asarray(y, float)
        n, p = X.shape
        s = np.ones(n) if sample_weight is None else np.asarray(sample_weight, float)
        o = np.zeros(n) if offset is None else np.asarray(offset, float)
        kept = s > 0
        self.X, self.y, self.o, s = X[kept], y[kept], o[kept], s[kept]
        self.w = s / s.sum()
        self.l1_ratio, self.fit_intercept = l1_ratio, fit_intercept
        self.loss, self.gradient, self.curvature, self.conjugate = FAMILIES[family](self.y)
        sd = np.sqrt(self.w @ (self.X - self.w @ self.X) ** 2) if standardize else np.ones(p)

        def each(value, default):
            return np.broadcast_to(np.asarray(default if value is None else value, float), p)

        v = each(penalty_factor, 1.0)
        out = np.isinf(v)
        self.v, self.sd = np.where(out, 0.0, v), sd
        self.lower = np.where(out, 0.0, each(lower_bounds, -np.inf))
        self.upper = np.where(out, 0.0, each(upper_bounds, np.inf))

    def penalty(self, alpha):
        l1 = alpha * self.l1_ratio * self.v * self.sd
        return l1, alpha * (1 - self.l1_ratio) * self.v * self.sd**2

    def objective(self, coef, intercept, alpha):
        l1, l2 = self.penalty(alpha)
        if (coef < self.lower).any() or (coef > self.upper).any():
            return np.inf
        eta = self.o + intercept + self.X @ coef
        return self.w @ self.loss(eta) + l1 @ np.abs(coef) + l2 @ coef**2 / 2

    def null(self):
        """Return (b0, b) of intercept and what nothing penalises, by Newton and clipping."""
        free = (self.v * self.sd == 0) & (self.lower < self.upper)
        bounded = np.isfinite(self.lower[free]) | np.isfinite(self.upper[free])
        coef = np.zeros(self.X.shape[1])
        if not self.fit_intercept and not free.any():
            return 0.0, coef
        if not free.any():

            def slope(b0):
                return self.w @ self.gradient(self.o + b0)

            low, high = -1.0, 1.0
            while slope(low) > 0:
                low *= 2
            while slope(high) < 0:
                high *= 2
            return brentq(slope, low, high, xtol=1e-14, rtol=1e-15), coef
        assert not bounded.any(), "not needed"
        Z = np.hstack([np.ones((len(self.y), int(self.fit_intercept))), self.X[:, free]])
        b, scale = np.zeros(Z.shape[1]), 1.0
        for _ in range(500):
            eta = self.o + Z @ b
            g = Z.T @ (self.w * self.gradient(eta))
            H = Z.T @ ((self.w * self.curvature(eta))[:, None] * Z) + 1e-13 * np.eye(len(b))
            step = np.linalg.solve(H, g)
            scale = 1.0
            now = self.w @ self.loss(eta)
            while scale > 1e-10 and not self.w @ self.loss(self.o + Z @ (b - scale * step)) <= now:
                scale /= 2
            b = b - scale * step
        k = int(self.fit_intercept)
        coef[free] = b[k:]
        return (b[0] if k else 0.0), coef

    def null_objective(self):
        b0, b = self.null()
        return self.w @ self.loss(self.o + b0 + self.X @ b)

    def alpha_max(self):
        b0, b = self.null()
        z = -self.X.T @ (self.w * self.gradient(self.o + b0 + self.X @ b))
        side = np.maximum(np.where(self.upper > 0, z, 0), np.where(self.lower < 0, -z, 0))
        unit = max(self.l1_ratio, 1e-3) * self.v * self.sd
        return (side[unit > 0] / unit[unit > 0]).max(initial=0.0)

    def gap(self, coef, intercept, alpha):
        """Return P - D(c t), t the negative gradient projected by weighted least squares."""
        l1, l2 = self.penalty(alpha)
        P = self.objective(coef, intercept, alpha)
        if not np.isfinite(P):
            return np.inf
        eta = self.o + intercept + self.X @ coef
        u = -self.w * self.gradient(eta)
        h = self.w * self.curvature(eta)
        flat = (l1 == 0) & (l2 == 0) & (self.lower < self.upper)
        in_Z = flat & (
            (np.isinf(self.lower) & np.isinf(self.upper))
            | ((coef > self.lower) & (coef < self.upper))
        )
        Z = np.hstack([np.ones((len(u), int(self.fit_intercept))), self.X[:, in_Z]])
        for _ in range(3 if Z.shape[1] else 0):
            a = np.linalg.lstsq(Z.T @ (h[:, None] * Z), Z.T @ u, rcond=1e-12)[0]
            u = u - h * (Z @ a)
        rest = ~in_Z
        z = self.X[:, rest].T @ u
        l1, l2, lower, upper = (a[rest] for a in (l1, l2, self.lower, self.upper))

        def conjugate(z):
            soft = np.sign(z) * np.maximum(np.abs(z) - l1, 0)
            far = np.where(soft > 0, upper, np.where(soft < 0, lower, 0.0))
            best = np.clip(np.divide(soft, l2, where=l2 > 0, out=far.copy()), lower, upper)
            best = np.where(np.abs(soft) <= 1e-13 * (1 + np.abs(z)), 0.0, best)
            with np.errstate(invalid="ignore"):
                return z * best - l1 * np.abs(best) - l2 * best**2 / 2

        forces = (l2 == 0) & np.where(z > 0, np.isinf(upper), np.isinf(lower)) & (z != 0)
        top = min(1.0, (l1[forces] / np.abs(z[forces])).min(initial=np.inf))

        def value(c):
            t = -np.divide(c * u, self.w)
            return P + self.w @ self.conjugate(t) + c * (u @ self.o) + conjugate(c * z).sum()

        inner = minimize_scalar(value, bounds=(0, top), method="bounded", options={"xatol": 1e-10})
        return min(value(top), value(top * (1 - 1e-12)), inner.fun, value(0.0))


def check_family_path(path, X, y, family, *, tol=1e-6, **settings):
    """Assert that every alpha is solved as well as it says, and grid and null model are right."""
    problem = FamilyProblem(X, y, family, **settings)
    null = problem.null_objective()
    np.testing.assert_allclose(path.null_objective, null, rtol=1e-8)
    slack = 1e-11 * (1 + abs(null))
    for k, alpha in enumerate(path.alphas):
        coef, intercept = path.coefs[:, [k]].toarray()[:, 0], path.intercepts[k]
        gap = problem.gap(coef, intercept, alpha)
        reported = path.dual_gaps[k]
        assert path.status[k] in ("converged", "precision_floor")
        assert reported >= 0
        assert gap <= tol * null * 1.05 + slack, (alpha, gap, reported)
        assert reported <= 1.1 * gap + 1e-2 * tol * null + slack, (alpha, gap, reported)
        assert reported >= 0.9 * gap - 1e-2 * tol * null - slack, (alpha, gap, reported)
        loss = problem.w @ problem.loss(problem.o + intercept + problem.X @ coef)
        np.testing.assert_allclose(path.deviance_ratio[k], 1 - loss / null, atol=1e-9)
    return problem
