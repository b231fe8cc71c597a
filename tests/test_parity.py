"""The oracle judges riata and scikit-learn alike: riata's objective is never the larger one."""

import numpy as np
import pytest
import sklearn.linear_model
from certified import certified_fit
from oracle import Problem
from problems import FEW_STORAGES, regression, weights

DATA = {
    "tall": regression(60, 15, seed=121),
    "wide": regression(20, 70, seed=122),
    "sparse": regression(50, 40, seed=123, density=0.15),
    "correlated": regression(30, 50, seed=124, correlation=20.0),
}
EACH_DATA = pytest.mark.parametrize("data", DATA)
SHARES = [0.7, 0.2, 0.02]


def no_worse(A, y, path, fits, **settings):
    """Assert that at every alpha P(riata) <= P(scikit-learn), and that both are near."""
    problem = Problem(A, y, **settings)
    for alpha, model in fits.items():
        ours = problem.objective(path.coef(alpha), path.intercept(alpha), alpha)
        theirs = problem.objective(np.ravel(model.coef_), float(model.intercept_), alpha)
        assert ours <= theirs + 1e-10 * problem.null_objective()
        assert problem.gap(np.ravel(model.coef_), float(model.intercept_), alpha) < 1e-4 * max(
            1, problem.null_objective()
        ), "the comparison is no better than its worse half"


@EACH_DATA
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.1])
def test_lasso_and_elastic_net(data, storage, fit_intercept, l1_ratio):
    A, y = DATA[data]
    settings = {"l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
    alphas = np.array(SHARES) * Problem(A, y, **settings).alpha_max()
    fits = {
        alpha: sklearn.linear_model.ElasticNet(
            alpha=alpha, tol=1e-10, max_iter=100_000, **settings
        ).fit(A, y)
        for alpha in alphas
    }
    path = certified_fit(FEW_STORAGES[storage](A), y, alphas=alphas, tol=1e-11, **settings)
    no_worse(A, y, path, fits, **settings)


@EACH_DATA
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_weighted_and_non_negative(data, fit_intercept):
    A, y = DATA[data]
    s = weights(len(y))
    settings = {"l1_ratio": 0.8, "fit_intercept": fit_intercept}
    ours = {**settings, "sample_weight": s, "lower_bounds": 0.0}
    alphas = np.array(SHARES) * Problem(A, y, **ours).alpha_max()
    fits = {
        alpha: sklearn.linear_model.ElasticNet(
            alpha=alpha, tol=1e-10, max_iter=100_000, positive=True, **settings
        ).fit(A, y, sample_weight=s)
        for alpha in alphas
    }
    no_worse(A, y, certified_fit(A, y, alphas=alphas, tol=1e-11, **ours), fits, **ours)


@EACH_DATA
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_ridge(data, storage, fit_intercept):
    A, y = DATA[data]
    s = weights(len(y))
    settings = {"l1_ratio": 0.0, "fit_intercept": fit_intercept, "sample_weight": s}
    alphas = [100.0, 1.0, 0.01]
    fits = {
        alpha: sklearn.linear_model.Ridge(
            alpha=alpha * s.sum(), fit_intercept=fit_intercept, solver="cholesky"
        ).fit(A, y, sample_weight=s)
        for alpha in alphas
    }
    path = certified_fit(FEW_STORAGES[storage](A), y, alphas=alphas, tol=1e-11, **settings)
    no_worse(A, y, path, fits, **settings)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_least_squares(fit_intercept):
    A, y = DATA["tall"]
    model = sklearn.linear_model.LinearRegression(fit_intercept=fit_intercept).fit(A, y)
    path = certified_fit(A, y, alphas=[0], fit_intercept=fit_intercept)
    no_worse(A, y, path, {0.0: model}, fit_intercept=fit_intercept)
    np.testing.assert_allclose(path.coef(0.0), model.coef_, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_the_real_data_of_scikit_learn(storage):
    from sklearn.datasets import load_breast_cancer, load_diabetes

    for load in (load_diabetes, load_breast_cancer):
        A, y = load(return_X_y=True)
        y = y.astype(float)
        stored = FEW_STORAGES[storage](A)
        certified_fit(stored, y, n_alphas=10, alpha_min_ratio=1e-2)
        certified_fit(stored, y, n_alphas=10, standardize=True)
