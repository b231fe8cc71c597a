"""Degrees of freedom and information criteria of every family, recomputed from the data."""

from math import comb, log

import numpy as np
import pytest
from family_oracle import FAMILIES
from problems import weights
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax
from scipy.stats import gamma, norm, poisson
from test_cv_families import K, responses
from test_family_paths import EACH_FAMILY, data

import riata
from riata.families import Multinomial

GRID = {"n_alphas": 6, "alpha_min_ratio": 0.03, "tol": 1e-10, "n_threads": 1}


def trace(X, h, l2, intercept):
    """Return tr G (G + L2)^-1 of columns X with the weights h, less the intercept's 1."""
    A = np.hstack([np.ones((len(X), intercept)), X])
    G = A.T @ (h[:, None] * A)
    return np.trace(np.linalg.lstsq(G + np.diag(np.r_[[0.0] * intercept, l2]), G)[0]) - intercept


def check_criteria(path, k, fit, size, n, log_models):
    """All four from -2 log L, the number of parameters and of observations."""
    assert path.aic()[k] == pytest.approx(fit + 2 * size, rel=1e-6)
    correction = 2 * size * (size + 1) / (n - size - 1) if n > size + 1 else np.inf
    assert path.aicc()[k] == pytest.approx(fit + 2 * size + correction, rel=1e-6)
    assert path.bic()[k] == pytest.approx(fit + size * log(n), rel=1e-6)
    assert path.ebic(0.7)[k] == pytest.approx(fit + size * log(n) + 1.4 * log_models, rel=1e-6)


@EACH_FAMILY
@pytest.mark.parametrize("fit_intercept", [1, 0])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4, 0.0])
def test_degrees_of_freedom_are_the_trace_at_the_curvature_of_the_fit(
    family, l1_ratio, fit_intercept
):
    X, y = data(family)
    w, factor = weights(60), np.r_[0.0, np.linspace(0.5, 2.0, 24)]
    offset = np.linspace(-0.5, 0.5, 60)
    path = riata.fit_path(
        X, y, family=family, l1_ratio=l1_ratio, sample_weight=w, penalty_factor=factor,
        offset=offset, fit_intercept=bool(fit_intercept), standardize=True, **GRID,
    )  # fmt: skip
    w = w / w.sum()
    variance = w @ (X - w @ X) ** 2
    for k, alpha in enumerate(path.alphas):
        coef = path.coef(alpha)
        support = np.flatnonzero(coef)
        eta = X @ coef + path.intercept(alpha) + offset
        h = w * FAMILIES[family](y.astype(float))[2](eta)
        l2 = alpha * (1 - l1_ratio) * (factor * variance)[support]
        expected = trace(X[:, support], h, l2, fit_intercept)
        if l1_ratio == 1.0:
            expected = len(support)
        assert path.df[k] == pytest.approx(expected, rel=1e-5), (k, len(support))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma"])
def test_criteria_of_one_response(family, l1_ratio, weighted):
    X, y = data(family)
    s = np.repeat([0.0, 2.0, 2.0], 20) if weighted else np.ones(60)
    path = riata.fit_path(X, y, family=family, l1_ratio=l1_ratio,
                          sample_weight=s if weighted else None, **GRID)  # fmt: skip
    X, y = X[s > 0], y[s > 0]
    n = len(y)
    for k, alpha in enumerate(path.alphas):
        coef = path.coef(alpha)
        support = np.flatnonzero(coef)
        eta = X @ coef + path.intercept(alpha)
        mu = np.exp(eta)
        h = FAMILIES[family](y.astype(float))[2](eta) / n
        df = len(support)
        if l1_ratio < 1.0:
            df = trace(X[:, support], h, np.full(len(support), alpha * (1 - l1_ratio)), 1)
        if family == "binomial":
            fit = -2 * np.sum(np.log(np.where(y == 1, expit(eta), expit(-eta))))
        elif family == "poisson":
            fit = -2 * np.sum(poisson.logpmf(y, mu) - poisson.logpmf(y, y))
        else:

            def minus_log(t, mu=mu):
                return -gamma.logpdf(y, np.exp(t), scale=mu / np.exp(t)).sum()

            best = minimize_scalar(minus_log, bracket=(-1.0, 2.0), tol=1e-12)
            fit = 2 * best.fun - 2 * np.log(y).sum()
        size = df + 1 + (family == "gamma")
        check_criteria(path, k, fit, size, n, log(comb(25, len(support))))


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_criteria_of_several_numbers_of_one_variance(l1_ratio):
    X, Y = responses("multigaussian")
    path = riata.fit_path(X, Y, family="multigaussian", l1_ratio=l1_ratio, **GRID)
    for k, alpha in enumerate(path.alphas):
        B = path.coef(alpha)
        support = np.flatnonzero(B.any(axis=0))
        resid = Y - X @ B.T - path.intercept(alpha)
        fit = -2 * norm.logpdf(resid, scale=np.sqrt(np.mean(resid**2))).sum()
        fit -= Y.size * (1 + log(2 * np.pi))  # what no model changes
        df = K * len(support)
        if l1_ratio < 1.0:
            l2 = np.full(len(support), alpha * (1 - l1_ratio))
            df = K * trace(X[:, support], np.full(len(X), 1 / len(X)), l2, 1)
        models = log(comb(X.shape[1], len(support)))
        check_criteria(path, k, fit, df + K + 1, Y.size, models)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("fit_intercept", [1, 0])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4, 0.0])
def test_criteria_of_classes(grouped, l1_ratio, fit_intercept):
    X, y = responses("multinomial")
    n, p = X.shape
    factor = np.r_[0.0, np.ones(p - 1)]
    path = riata.fit_path(
        X, y, family=Multinomial(grouped), l1_ratio=l1_ratio, penalty_factor=factor,
        fit_intercept=bool(fit_intercept), **GRID,
    )  # fmt: skip
    codes = np.searchsorted(path.classes_, y)
    for k, alpha in enumerate(path.alphas):
        B = path.coef(alpha)
        eta = X @ B.T + path.intercept(alpha)
        mu = softmax(eta, axis=1)
        fit = -2 * np.sum(np.log(mu[np.arange(n), codes]))
        # the Hessian of all coefficients at once, by rows: K columns of the Jacobian each
        used = np.flatnonzero(B.ravel())
        G = np.zeros((K * (p + fit_intercept),) * 2)
        for x, m in zip(X, mu, strict=True):
            one = np.r_[x, 1.0] if fit_intercept else x
            G += np.kron(np.diag(m) - np.outer(m, m), np.outer(one, one)) / n
        place = np.arange(K * p) + (np.arange(K * p) // p) * fit_intercept
        own = [(p + 1) * c + p for c in range(K)] if fit_intercept else []
        both = np.r_[own, place[used]].astype(int)
        l2 = np.r_[np.zeros(len(own)), alpha * (1 - l1_ratio) * np.tile(factor, K)[used]]
        G = G[np.ix_(both, both)]
        df = np.trace(np.linalg.pinv(G + np.diag(l2), rcond=1e-10, hermitian=True) @ G)
        df -= (K - 1) * fit_intercept
        assert path.df[k] == pytest.approx(df, rel=1e-5)
        support = B.any(axis=0).sum()
        models = log(comb(p, support)) if grouped else log(comb(p * K, len(used)))
        check_criteria(path, k, fit, df + (K - 1) * fit_intercept, n, models)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
@pytest.mark.parametrize("several", [False, True])
def test_proportions_of_so_many_trials_are_their_labels(several, l1_ratio):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((40, 6))
    trials = rng.integers(1, 6, 40)
    eta = np.outer(X[:, 0], [-1.0, 0.0, 1.0] if several else [0.0, 1.5])
    counts = np.array([rng.multinomial(m, p) for m, p in zip(trials, softmax(eta, 1), strict=True)])
    rows = np.repeat(np.arange(40), trials)
    labels = np.concatenate([np.repeat(np.arange(counts.shape[1]), c) for c in counts])
    shares = counts / trials[:, None]
    y, family = (shares, "multinomial") if several else (shares[:, 1], "binomial")
    settings = {"family": family, "l1_ratio": l1_ratio, "alphas": [0.1, 0.03, 0.01], "tol": 1e-12}
    short = riata.fit_path(X, y, sample_weight=trials, **settings)
    long = riata.fit_path(X[rows], labels, **settings)
    for name in ("aic", "bic", "ebic", "aicc"):
        ours, theirs = getattr(short, name)(), getattr(long, name)()
        np.testing.assert_allclose(ours - ours[0], theirs - theirs[0], atol=1e-5)
    folds = [(np.arange(10, 40), np.arange(10)), (np.arange(30), np.arange(30, 40))]
    cv = riata.cross_validate(X, y, cv=folds, sample_weight=trials, keep_fold_paths=True,
                              **settings)  # fmt: skip
    for (train, _), path in zip(folds, cv.fold_paths[0], strict=True):
        alone = riata.fit_path(X[train], y[train], sample_weight=trials[train], **settings)
        np.testing.assert_allclose(path.bic(), alone.bic(), rtol=1e-6)
    with pytest.raises(ValueError, match=r"sample_weight must have been given .* number of trials"):
        riata.fit_path(X, y, **settings).bic()


def test_df_of_bounded_ridge_with_more_features_than_rows_is_the_trace():
    """Danger: neither row space nor a working set counts it by the way."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((60, 150))
    y = (X[:, 0] + rng.standard_normal(60) > 0.0).astype(float)
    path = riata.fit_path(
        X, y, family="binomial", l1_ratio=0.0, alphas=[1.0, 0.1], lower_bounds=-5.0,
        upper_bounds=5.0, tol=1e-10,
    )  # fmt: skip
    for alpha, df in zip(path.alphas, path.df, strict=True):
        mu = path.predict(X, alpha=alpha)
        expected = trace(X, mu * (1.0 - mu) / 60, np.full(150, alpha), 1)
        np.testing.assert_allclose(df, expected, rtol=1e-6)


@pytest.mark.parametrize("family", ["huber", "squared_hinge", "tweedie"])
def test_families_without_a_likelihood_are_refused(family):
    X, y = data(family)
    path = riata.fit_path(X, y, family=family, n_alphas=3, alpha_min_ratio=0.5)
    for criterion in (path.aic, path.aicc, path.bic, path.ebic):
        with pytest.raises(ValueError, match="family must have a likelihood for information crit"):
            criterion()
