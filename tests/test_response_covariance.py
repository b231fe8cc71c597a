"""Several responses where n >> p: from the Gram matrix alone, and left where it will not do."""

import numpy as np
import pytest
from problems import weights
from test_multi_paths import Oracle

import riata
from riata.response_covariance import ResponseCovarianceSolver
from riata.response_descent import ResponseDescent

N, P, K = 400, 12, 3
RNG = np.random.default_rng(5)
X = RNG.standard_normal((N, P)) + 0.8 * RNG.standard_normal((N, 1)) + 2.0
Y = X[:, :4] @ RNG.standard_normal((4, K)) + RNG.standard_normal((N, K)) - 3.0
SETTINGS = {
    "plain": {},
    "without intercept": {"fit_intercept": False},
    "elastic net": {"l1_ratio": 0.3},
    "ridge": {"l1_ratio": 0.0},
    "weights": {"sample_weight": weights(N)},
    "offset": {"offset": RNG.standard_normal((N, K))},
    "standardised": {"standardize": True},
    "one excluded": {"penalty_factor": np.r_[np.inf, np.linspace(0.5, 2.0, P - 1)]},
}


def certified(A, y, path, tol, shift=0.0, **settings):
    """Judge every alpha by an oracle that knows nothing of riata; path : that of A + shift."""
    oracle = Oracle(A, y, True, True, **settings)
    assert set(path.status) <= {"converged", "precision_floor"}
    for alpha in path.alphas:
        coef = path.coef(alpha)
        gap = oracle.gap(coef, path.intercept(alpha) + shift * coef.sum(axis=1), alpha)
        assert gap <= 1.05 * tol * path.null_objective + 1e-13


@pytest.mark.parametrize("order", ["F", "C"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_path_reads_x_a_few_times(settings, order, monkeypatch):
    made = []
    monkeypatch.setattr("riata.engine.MultiSolver", lambda problem: made.append(problem))
    A = np.asarray(X, order=order)
    path = riata.fit_path(A, Y, family="multigaussian", tol=1e-8, **settings)
    assert not made
    assert len(path.alphas) == 100
    assert path.n_passes <= 2 + 2 * K  # moments, X'Y, and the certificate of the last alpha
    certified(A, Y, path, 1e-8, **settings)
    again = riata.duality_gap(
        A, Y, path.coef(path.alphas[50]), path.intercept(path.alphas[50]), path.alphas[50],
        family="multigaussian", **settings,
    )  # fmt: skip
    np.testing.assert_allclose(path.dual_gaps[50], again, rtol=0.02, atol=1e-14)


def test_unpenalised_features_and_wide_data_are_left_to_others(monkeypatch):
    def refuse(problem):
        raise AssertionError("not for the Gram matrix alone")

    monkeypatch.setattr("riata.response_covariance.ResponseCovarianceSolver.__init__", refuse)
    factor = np.r_[0.0, np.ones(P - 1)]
    for A, y, settings in ((X, Y, {"penalty_factor": factor}), (X[:10], Y[:10], {})):
        path = riata.fit_path(A, y, family="multigaussian", n_alphas=5, **settings)
        certified(A, y, path, 1e-6, **settings)


def test_a_tolerance_below_rounding_goes_on_from_the_data():
    path = riata.fit_path(X, Y, family="multigaussian", n_alphas=10, tol=1e-15)
    certified(X, Y, path, 1e-14)
    assert path.dual_gaps.max() <= 1e-14 * path.null_objective


@pytest.mark.parametrize("shift", [0.0, 1e6])
@pytest.mark.parametrize("apart", [0.0, 1e-9, 1e-4])
def test_columns_that_are_nearly_one(apart, shift):
    A = np.asfortranarray(np.hstack([X, X[:, :3] + apart * RNG.standard_normal((N, 3))]) + shift)
    path = riata.fit_path(A, Y, family="multigaussian", n_alphas=20, tol=1e-7)
    certified(A - shift, Y, path, 1e-7, shift)


def test_more_alphas_start_from_those_there():
    path = riata.fit_path(X, Y, family="multigaussian", n_alphas=5, tol=1e-10)
    longer = path.extend(X, Y, [0.5 * path.alphas[-1], 1.5 * path.alphas[-1]])
    assert len(longer.alphas) == 7
    certified(X, Y, longer, 1e-10)


def test_one_response_is_the_lasso():
    one = riata.fit_path(X, Y[:, :1], family="multigaussian", n_alphas=20, tol=1e-12)
    other = riata.fit_path(X, Y[:, 0], alphas=one.alphas, tol=1e-12)
    for alpha in one.alphas:
        np.testing.assert_allclose(one.coef(alpha)[0], other.coef(alpha), atol=1e-6)


def test_the_gram_matrix_must_have_the_norms(monkeypatch):
    monkeypatch.setattr(ResponseCovarianceSolver, "sound", False)
    calls, run = [], ResponseDescent.run
    monkeypatch.setattr(ResponseDescent, "run", lambda *a: calls.append(1) or run(*a))
    path = riata.fit_path(X, Y, family="multigaussian", n_alphas=5)
    assert calls
    certified(X, Y, path, 1e-6)


def test_ends_where_it_is_told():
    with pytest.warns(UserWarning, match="max_iter"):
        path = riata.fit_path(X, Y, family="multigaussian", alphas=[1e-4], max_iter=3, tol=1e-12)
    assert path.n_iter[0] <= 3
    with pytest.warns(UserWarning, match="time_limit"):
        path = riata.fit_path(X, Y, family="multigaussian", n_alphas=4, max_time=1e-9)
    assert set(path.status) == {"time_limit"}
