"""Columns and targets whose mean is far from zero, and columns that hold nothing."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from certified import certified_fit
from oracle import Problem
from problems import FEW_STORAGES, STORAGES, regression, split_entries, weights

import riata

X, Y = regression(50, 8, seed=51)
WIDE, WIDE_Y = regression(20, 40, seed=52)


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("ratio", [1e3, 1e5, 1e7, 1e8])
@pytest.mark.parametrize("standardize", [False, True])
def test_means_far_above_the_spread(storage, ratio, standardize):
    for A, y in ((X, Y), (WIDE, WIDE_Y)):
        shifted = A + ratio * np.linspace(-1, 1, A.shape[1])
        certified_fit(FEW_STORAGES[storage](shifted), y, n_alphas=8, standardize=standardize)


@pytest.mark.parametrize(
    ("storage", "ratio"),
    [
        ("csc unsorted", 1e8),
        ("csr unsorted", 1e8),
        ("csc duplicate entries", 1e6),
        ("csr duplicate entries", 1e6),
    ],
)
def test_means_far_above_the_spread_unsorted_or_with_duplicates(storage, ratio):
    for A, y in ((X, Y), (WIDE, WIDE_Y)):
        shifted = A + ratio * np.linspace(-1, 1, A.shape[1])
        certified_fit(STORAGES[storage](shifted), y, truth=shifted, n_alphas=8)


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("ratio", [1e3, 1e5])
def test_means_far_above_the_spread_weighted(storage, ratio):
    stored = FEW_STORAGES[storage](WIDE + ratio)
    certified_fit(stored, WIDE_Y, n_alphas=8, sample_weight=weights(20), l1_ratio=0.7)


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("standardize", [False, True])
def test_float32_columns_with_means_a_thousand_times_the_spread(storage, standardize):
    for A, y in ((X, Y), (WIDE, WIDE_Y)):
        shifted = (A + 1e3).astype(np.float32)
        certified_fit(FEW_STORAGES[storage](shifted), y, n_alphas=8, standardize=standardize)


@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_one_far_column_does_not_spoil_the_others(storage):
    shifted = X.copy()
    shifted[:, 3] += 1e8
    path = certified_fit(FEW_STORAGES[storage](shifted), Y, n_alphas=8, tol=1e-8)
    plain = certified_fit(X, Y, n_alphas=8, tol=1e-8)
    np.testing.assert_allclose(path.coefs.toarray(), plain.coefs.toarray(), atol=1e-3)


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("shift", [1e6, -1e9])
def test_a_target_far_from_zero_keeps_its_tolerance_about_its_mean(storage, shift):
    path = certified_fit(FEW_STORAGES[storage](X), Y + shift, n_alphas=8)
    assert path.null_objective < 1e3
    assert (path.status == "converged").all()


@pytest.mark.parametrize("kind", [sp.csc_array, sp.csr_array, np.asfortranarray, np.array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("where", ["after", "before"])
def test_all_zero_columns_change_nothing(kind, dtype, where):
    A, y = regression(40, 12, seed=53, density=0.3)
    A = A.astype(dtype)
    nothing = np.zeros((40, 500), dtype)
    wide = np.hstack([A, nothing] if where == "after" else [nothing, A])
    settings = {"alphas": [0.3, 0.1, 0.01], "tol": 1e-9}
    narrow = certified_fit(kind(A), y, **settings)
    path = certified_fit(kind(wide), y, **settings)
    kept = slice(0, 12) if where == "after" else slice(500, None)
    np.testing.assert_allclose(path.coefs.toarray()[kept], narrow.coefs.toarray(), atol=1e-6)


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("spread", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_near_constant_column_under_standardisation(storage, spread):
    A = X.copy()
    A[:, 2] = 1 + spread * A[:, 2]
    certified_fit(FEW_STORAGES[storage](A), Y, n_alphas=8, standardize=True)


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("value", [1.0, 0.1, 1 / 3, 1e8 / 3, 1e-30])
@pytest.mark.parametrize("standardize", [False, True])
def test_a_constant_column_of_any_value_stays_out_beside_an_intercept(storage, value, standardize):
    A = X.copy()
    A[:, 2] = value
    path = certified_fit(FEW_STORAGES[storage](A), Y, n_alphas=8, standardize=standardize)
    assert not path.coefs.toarray()[2].any()


def test_the_weighted_mean_of_a_constant_column_leaves_nothing_behind():
    A = X.copy()
    A[:, 2] = 0.1
    path = certified_fit(A, Y, n_alphas=8, standardize=True, sample_weight=weights(50))
    assert not path.coefs.toarray()[2].any()


@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_columns_of_very_different_scale(storage):
    A = X * 10.0 ** np.linspace(-8, 8, 8)
    certified_fit(FEW_STORAGES[storage](A), Y, n_alphas=8, standardize=True)
    certified_fit(FEW_STORAGES[storage](A), Y, n_alphas=8)


@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_standardisation_uses_the_spread_about_the_mean_without_an_intercept_too(storage):
    stored = FEW_STORAGES[storage](X + 3)
    settings = {"standardize": True, "fit_intercept": False, "n_alphas": 5, "tol": 1e-9}
    path = certified_fit(stored, Y, **settings)
    sd = (X + 3).std(axis=0)
    z = np.abs((X + 3).T @ Y) / 50 / sd
    assert path.alphas[0] == pytest.approx(z.max())
    assert Problem(X + 3, Y, standardize=True).sd == pytest.approx(sd)


@pytest.mark.parametrize("kind", [sp.csc_array, sp.csr_array])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("mean", [1e6, 1e7, 1e8])
def test_inner_products_that_cancel_never_make_a_fit_blow_up(kind, l1_ratio, mean):
    """Entries in two halves are not centred one by one: from means of 1e7 on the Gram matrix is
    indefinite, at 1e8 sweeps over the residual diverge."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = mean + rng.standard_normal((40, 100))
        y = (X[:, 0] - mean) + 0.3 * rng.standard_normal(40)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", riata.exceptions.convergence_warning())
            path = riata.fit_path(
                split_entries(kind, X),
                y,
                l1_ratio=l1_ratio,
                n_alphas=30,
                alpha_min_ratio=1e-3,
                max_iter=500,
            )
        assert np.isfinite(path.dual_gaps).all()
        assert np.abs(path.coefs.toarray()).max() <= 2.0
        assert set(path.status) <= {"converged", "max_iter", "precision_floor"}
        problem, noise = Problem(X, y, l1_ratio=l1_ratio), 1e-15 * mean  # of what X'u leaves
        for k in np.flatnonzero(path.status == "converged"):
            coef = path.coefs[:, [k]].toarray()[:, 0]
            gap = problem.gap(coef, float(np.mean(y - X @ coef)), path.alphas[k])
            assert gap <= 2e-6 * path.null_objective + noise
