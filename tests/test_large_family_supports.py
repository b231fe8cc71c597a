"""Other families where more features are needed than a Gram matrix is made for."""

import numpy as np
import pytest
from problems import FEW_STORAGES, weights
from test_family_paths import EACH_FAMILY, data, family_path

from riata import working_set


@pytest.fixture
def small_gram_limit(monkeypatch):
    """Make everything beyond 8 members too large for a Gram matrix."""
    monkeypatch.setattr(working_set, "GRAM_LIMIT", 8)


@EACH_FAMILY
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_descent_on_the_residual_is_certified(small_gram_limit, family, storage, fit_intercept):
    X, y = data(family)
    path = family_path(FEW_STORAGES[storage](X), y, family, truth=X, fit_intercept=fit_intercept)
    assert path.df[-1] > 8


SETTINGS = {
    "weights and offset": {"sample_weight": weights(60), "offset": np.linspace(-0.5, 0.5, 60)},
    "bounds": {"lower_bounds": -0.3, "upper_bounds": 0.2},
    "factors": {"penalty_factor": np.r_[0.0, np.inf, np.full(23, 1.0)], "alpha_min_ratio": 0.1},
    "elastic net": {"l1_ratio": 0.3},
    "standardised": {"standardize": True, "alpha_min_ratio": 0.1},
    "a tight tolerance": {"tol": 1e-9},
}


@EACH_FAMILY
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_everything_on_the_residual(small_gram_limit, family, settings):
    X, y = data(family)
    family_path(X, y, family, **settings)


RIDGE = {
    "plain": {},
    "no intercept": {"fit_intercept": False},
    "weights and offset": SETTINGS["weights and offset"],
    "unpenalised": {"penalty_factor": np.r_[0.0, 0.0, np.inf, np.full(97, 1.0)]},
    "a tight tolerance": {"tol": 1e-9},
}


@EACH_FAMILY
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("settings", RIDGE.values(), ids=RIDGE)
def test_ridge_in_row_space(family, storage, settings):
    X, y = data(family, p=100)
    store = FEW_STORAGES[storage]
    settings = {"n_alphas": 4, **settings}
    path = family_path(store(X), y, family, truth=X, l1_ratio=0.0, **settings)
    assert path.n_iter.mean() <= 8


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_ridge_with_more_features_than_a_gram_matrix_has(family):
    X, y = data(family, n=80, p=4200)
    family_path(X, y, family, l1_ratio=0.0, n_alphas=3)


def test_an_elastic_net_that_is_nearly_ridge_with_more_than_4096_members():
    X, y = data("binomial", n=80, p=4300)
    alphas = np.geomspace(1.0, 0.1, 2)
    path = family_path(X, y, "binomial", l1_ratio=1e-4, alphas=alphas)
    assert path.coefs[:, [-1]].nnz > 4096
