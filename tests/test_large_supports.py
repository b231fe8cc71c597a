"""Supports that are large, dense in the rows' number, or too large for a Gram matrix."""

import numpy as np
import oracle
import pytest
import scipy.sparse as sp
from certified import certified_fit
from problems import FEW_STORAGES, regression
from scipy.signal import lfilter

from riata import working_set

EACH_STORAGE = pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)
WIDE, WIDE_Y = regression(60, 150, seed=171, density=0.5)


@pytest.fixture
def small_gram_limit(monkeypatch):
    """Make everything beyond 20 members too large for a Gram matrix."""
    monkeypatch.setattr(working_set, "GRAM_LIMIT", 20)
    monkeypatch.setattr(oracle, "LARGEST_DF", 0)


def chain(n, p, rho, *, seed):
    """Return X whose neighbouring columns have correlation rho, and y of a tenth of them."""
    rng = np.random.default_rng(seed)
    X = lfilter([np.sqrt(1 - rho**2)], [1, -rho], rng.standard_normal((n, p)), axis=1)
    coef = rng.standard_normal(p) * (rng.random(p) < 0.1)
    return X, X @ coef + rng.standard_normal(n)


@EACH_STORAGE
def test_a_support_as_large_as_the_number_of_rows(store):
    A, y = chain(80, 200, 0.5, seed=172)
    path = certified_fit(store(A), y, alpha_min_ratio=1e-5, n_alphas=20, fit_intercept=False)
    assert path.df[-1] >= 78
    assert path.n_iter.max() <= 100


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.01])
def test_columns_in_a_chain_of_correlation_99(l1_ratio):
    A, y = chain(100, 400, 0.99, seed=173)
    path = certified_fit(A, y, l1_ratio=l1_ratio, n_alphas=10, tol=1e-9)
    assert np.median(path.n_iter) <= 15


@pytest.mark.parametrize("l1_ratio", [1e-3, 1e-6])
def test_an_elastic_net_that_is_nearly_ridge(l1_ratio):
    alphas = np.geomspace(1e3, 1e-2, 10)
    path = certified_fit(WIDE, WIDE_Y, l1_ratio=l1_ratio, alphas=alphas, tol=1e-9)
    assert (path.coefs[:, [-1]] != 0).sum() > 140
    assert path.n_iter.max() <= 60


def test_many_join_and_leave_at_once():
    A, y = regression(300, 400, seed=174, correlation=2.0)
    A = np.column_stack([A, A[:, :100], A[:, 100:150] - A[:, 150:200]])
    for l1_ratio, least in ((1.0, 0.03), (0.3, 1e-4)):
        alphas = [0.3, 0.2, 0.1, least]
        path = certified_fit(A, y, l1_ratio=l1_ratio, alphas=alphas, tol=1e-9)
        assert path.n_iter.max() <= 250


def test_the_gram_matrix_stays_as_long_as_the_support_fits(monkeypatch):
    A, y = regression(200, 300, seed=175)
    monkeypatch.setattr(working_set, "GRAM_LIMIT", 80)
    alphas = np.geomspace(2.0, 0.2, 30)
    path = certified_fit(A, y, alphas=alphas, tol=1e-9, fit_intercept=False)
    assert 40 < path.df[-1] < 70
    assert path.n_iter.sum() <= 5 * len(alphas)


@EACH_STORAGE
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.01])
def test_descent_on_the_residual_is_certified(small_gram_limit, store, fit_intercept, l1_ratio):
    path = certified_fit(
        store(WIDE), WIDE_Y, fit_intercept=fit_intercept, l1_ratio=l1_ratio, n_alphas=10,
        tol=1e-8, alpha_min_ratio=0.02,
    )  # fmt: skip
    assert (path.coefs[:, [-1]] != 0).sum() > 20
    assert path.n_passes <= 4 * len(path.alphas)
    assert path.n_iter.max() <= 400


@EACH_STORAGE
def test_descent_on_the_residual_with_bounds_weights_and_free_features(small_gram_limit, store):
    rng = np.random.default_rng(176)
    s = rng.random(60) * (rng.random(60) < 0.8)
    factor = np.where(np.arange(150) < 3, 0.0, 1.0)
    certified_fit(store(WIDE), WIDE_Y, sample_weight=s, penalty_factor=factor, n_alphas=6)
    certified_fit(store(WIDE), WIDE_Y, lower_bounds=-0.1, upper_bounds=0.3, n_alphas=6)
    certified_fit(store(WIDE), WIDE_Y, lower_bounds=0.0, standardize=True, n_alphas=6)


@EACH_STORAGE
def test_descent_on_the_residual_with_identical_columns(small_gram_limit, store):
    A = np.column_stack([WIDE[:, :60], WIDE[:, :40], WIDE[:, 10] - WIDE[:, 11]])
    certified_fit(store(A), WIDE_Y, n_alphas=8, alpha_min_ratio=0.02)


def test_threads_change_no_bit_of_large_supports(small_gram_limit):
    for l1_ratio in (1.0, 0.5):
        one, two = (
            certified_fit(WIDE, WIDE_Y, l1_ratio=l1_ratio, n_alphas=6, n_threads=k) for k in (1, 2)
        )
        np.testing.assert_array_equal(one.coefs.toarray(), two.coefs.toarray())


@pytest.mark.parametrize("kind", [sp.csc_array, sp.csr_array])
def test_more_than_4096_in_the_support(kind):
    rng = np.random.default_rng(177)
    A = sp.random_array((4500, 6000), density=0.002, rng=rng, format="csc")
    y = A @ (rng.standard_normal(6000) * (rng.random(6000) < 0.5))
    y += 0.1 * rng.standard_normal(4500)
    path = certified_fit(kind(A), y, l1_ratio=0.2, alphas=[3e-5, 1e-5], tol=1e-7)
    assert (path.coefs[:, [-1]] != 0).sum() > 4096
    assert path.n_iter.sum() <= 300
    assert path.n_passes <= 60  # gathering new columns reads all of a CSR matrix, twice


@pytest.mark.parametrize("shape", [(3000, 40), (60, 200)])
@pytest.mark.parametrize("settings", [{}, {"fit_intercept": False}, {"lower_bounds": 0.0}])
def test_a_gram_matrix_that_is_given_up_on_the_way(monkeypatch, shape, settings):
    joined = []

    def misses(block, *_):
        joined.append(len(block))
        return sum(joined) > 10

    monkeypatch.setattr(working_set, "misses_norms", misses)
    X, y = regression(*shape, seed=148)
    path = certified_fit(np.asfortranarray(X), y, n_alphas=5, **settings)
    assert set(path.status) == {"converged"}
