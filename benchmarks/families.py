"""Time paths of other losses than the squared one: python benchmarks/families.py [names].

Every path is judged by a gap recomputed here, from the definition, and printed beside its time:

    P - D(c) = sum_i w_i [ f_i + f_i*(-c v_i) ] + sum_j g_j(b_j)      (c v is dual feasible)

with v = -f' (its weighted mean subtracted, where there is an intercept, in the metric of f''),
z = X'(w v) and c = min(1, alpha / max |z_j|). `SOLVERS` may be given more entries: a function of a
Work that returns (coefs (K, p, L) or (p, L), intercepts) for its grid.
"""

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import expit, logsumexp, xlogy
from workloads import text

import riata


@dataclass(frozen=True)
class Work:
    """A lasso path with an intercept: n_alphas from alpha_max to alpha_max / depth."""

    family: str
    X: Any
    y: np.ndarray
    depth: float
    n_alphas: int = 50


def chain(n, p, strong, size, seed=0):
    """Return columns of correlation .5 with the one before, Fortran order, and X b."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((p, n))
    for j in range(1, p):
        rows[j] = 0.5 * rows[j - 1] + np.sqrt(0.75) * rows[j]
    coef = np.zeros(p)
    coef[rng.choice(p, strong, replace=False)] = size * rng.standard_normal(strong)
    return rows.T, rows.T @ coef, rng


def wide_binary():
    X, eta, rng = chain(1000, 20000, 50, 1.0)
    return Work("binomial", X, (rng.random(len(X)) < expit(eta)).astype(int), 20)


def tall_binary():
    X, eta, rng = chain(100_000, 100, 20, 0.5)
    return Work("binomial", X, (rng.random(len(X)) < expit(eta)).astype(int), 100)


def above_median(y):
    """Return 1 where y is above its median, else 0."""
    return (y > np.median(y)).astype(int)


def text_binary(depth=20):
    work = text(63540)
    return Work("binomial", work.X, above_median(work.y), depth)


def poisson():
    X, eta, rng = chain(50_000, 300, 30, 0.2)
    return Work("poisson", X, rng.poisson(np.exp(np.clip(eta - 0.5, -6, 3))), 100)


def responses(n, p, K, seed=0):
    X, _, rng = chain(n, p, 1, 1.0, seed)
    B = np.zeros((p, K))
    B[rng.choice(p, 20, replace=False)] = rng.standard_normal((20, K))
    return X, X @ B, rng


def multinomial():
    X, eta, rng = responses(5000, 2000, 10)
    return Work("multinomial", X, (eta + rng.gumbel(size=eta.shape)).argmax(axis=1), 20)


def multigaussian():
    X, eta, rng = responses(1000, 10000, 10)
    return Work("multigaussian", X, eta + 3 * rng.standard_normal(eta.shape), 20)


WORKLOADS = {
    "wide-binary": wide_binary,
    "tall-binary": tall_binary,
    "text-binary": text_binary,
    "text-binary-deep": lambda: text_binary(1000),
    "poisson": poisson,
    "multinomial": multinomial,
    "multigaussian": multigaussian,
}


def _riata(work):
    path = riata.fit_path(
        work.X, work.y, family=work.family, n_alphas=work.n_alphas, alpha_min_ratio=1 / work.depth
    )
    return path.alphas, path.coefs, path.intercepts


SOLVERS = {"riata": _riata}


def relative_gaps(work, alphas, coefs, intercepts):
    """Return P - D of every alpha over the null model's loss, from the data."""
    X, n = work.X.astype(np.float64, copy=False), work.X.shape[0]
    y = np.asarray(work.y, float)
    if work.family == "multinomial":
        y = (work.y[:, None] == np.unique(work.y)).astype(float)
    several = y.ndim == 2
    parts = coefs if isinstance(coefs, list) else [coefs]
    gaps = []
    for k, alpha in enumerate(alphas):
        B = np.column_stack([np.asarray(sp.csc_array(part)[:, [k]].todense()) for part in parts])
        eta = X @ B + np.atleast_1d(intercepts[k])
        eta = eta if several else eta[:, 0]
        loss, v = _loss(work.family, y, eta)
        z = X.T @ v / n
        size = np.linalg.norm(z, axis=1) if work.family == "multigaussian" else np.abs(z)
        c = min(1.0, alpha / size.max())
        rows = np.linalg.norm(B, axis=1) if work.family == "multigaussian" else np.abs(B)
        gaps.append((loss + _conjugate(work.family, y, c * v)) / n + alpha * rows.sum())
    null, _ = _loss(work.family, y, _null(work.family, y))
    return np.array(gaps) / (null / n)


def _null(family, y):
    mean = y.mean(axis=0)
    link = {"binomial": lambda m: np.log(m / (1 - m)), "poisson": np.log, "multinomial": np.log}
    return np.broadcast_to(link.get(family, lambda m: m)(mean), y.shape)


def _loss(family, y, eta):
    """Return sum_i f_i and v = -f', made to sum to 0."""
    if family == "multigaussian":
        v = y - eta
        return 0.5 * (v**2).sum(), v - v.mean(axis=0)
    if family == "binomial":
        mu = expit(eta)
        return (np.logaddexp(0, eta) - y * eta).sum(), _centred(y - mu, mu * (1 - mu))
    if family == "poisson":
        mu = np.exp(eta)
        return (mu - y * eta + xlogy(y, y) - y).sum(), _centred(y - mu, mu)
    total = logsumexp(eta, axis=1, keepdims=True)
    mu = np.exp(eta - total)
    H = np.diag(mu.sum(axis=0)) - mu.T @ mu
    a = np.linalg.lstsq(H, (y - mu).sum(axis=0), rcond=1e-12)[0]
    v = (y - mu) - mu * (a - (mu @ a)[:, None])
    return (total[:, 0] - (y * eta).sum(axis=1)).sum(), v


def _centred(v, h):
    return v - h * (v.sum() / h.sum())


def _conjugate(family, y, v):
    """Return sum_i f_i*(-v_i)."""
    if family == "multigaussian":
        return (0.5 * v**2 - v * y).sum()
    q = np.maximum(y - v, 0)
    if family == "binomial":
        return (xlogy(q, q) + xlogy(1 - q, 1 - q)).sum()
    if family == "poisson":
        return (xlogy(q, q) + v - xlogy(y, y)).sum()
    return xlogy(q, q).sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(WORKLOADS), help="of workloads")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    for name in options.names:
        work = WORKLOADS[name]()
        for solver, solve in SOLVERS.items():
            best = np.inf
            for _ in range(options.repeat):
                start = time.perf_counter()
                alphas, coefs, intercepts = solve(work)
                best = min(best, time.perf_counter() - start)
            worst = relative_gaps(work, alphas, coefs, intercepts).max()
            shape = " x ".join(map(str, work.X.shape))
            print(f"{name:17} {shape:15} {solver:10} {best:8.3f} s   largest gap {worst:.1e}")


if __name__ == "__main__":
    main()
