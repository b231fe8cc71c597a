"""Unpenalised columns that nearly depend on one another, in numbers that aren't decomposed as are.

What a singular value of 1e-9 still tells apart must be projected out of every dual point, and
fitted: a Gram matrix, which squares it, knows nothing of it. The reference is a Householder QR of
the columns themselves, scaled to norm 1 (the oracle's own is an SVD of the same).
"""

import numpy as np
import pytest
from certified import certified_fit, certified_gap
from scipy.linalg import qr
from scipy.sparse import csc_array, csr_array

import riata

STORAGES = {"Fortran order": np.asfortranarray, "csc_array": csc_array, "csr_array": csr_array}
CONDITIONS = [1e4, 1e6, 1e7]


def nearly_dependent(n, k, condition, *, seed, spectrum="one small"):
    """Return n x k columns of the condition number given, about their means."""
    rng = np.random.default_rng(seed)
    left = rng.standard_normal((n, k))
    left = np.linalg.qr(left - left.mean(axis=0))[0]
    right = np.linalg.qr(rng.standard_normal((k, k)))[0]
    size = np.ones(min(n, k))
    if spectrum == "one small":
        size[-3:] = 1.0 / condition
    else:  # evenly spread
        size = np.geomspace(1.0, 1.0 / condition, min(n, k))
    return np.sqrt(n) * (left[:, : len(size)] * size) @ right[: len(size)]


def problem(n=27000, k=40, extra=6, *, condition, seed=171, spectrum="one small"):
    """Return X, y and factors: k free columns, whose smallest directions matter to y, and others.

    The others lean on those directions too: a dual point that keeps them is infeasible, and their
    part in it moves every correlation.
    """
    rng = np.random.default_rng(seed + 1)
    Z = nearly_dependent(n, k, condition, seed=seed, spectrum=spectrum)
    small = np.linalg.svd(Z - Z.mean(axis=0), full_matrices=False)[0][:, k - 3 : k] * np.sqrt(n)
    others = rng.standard_normal((n, extra)) + small @ rng.standard_normal((3, extra))
    y = small @ np.array([1.0, -2.0, 1.5]) + others[:, :3].sum(axis=1)
    y += 0.5 * rng.standard_normal(n)
    return np.hstack([Z, others]), y, np.repeat([0.0, 1.0], [k, extra])


def residual_of_free(X, y, free):
    """Return |y - its projection|^2 / 2n by a QR of the centred columns, scaled to norm 1."""
    Z = X[:, free] - X[:, free].mean(axis=0)
    Q = qr(Z / np.linalg.norm(Z, axis=0), mode="economic")[0]
    r = y - y.mean()
    for _ in range(2):
        r = r - Q @ (Q.T @ r)
    return 0.5 * float(r @ r) / len(y)


EACH_STORAGE = pytest.mark.parametrize("store", STORAGES.values(), ids=STORAGES)


@EACH_STORAGE
@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_lasso_beside_many_nearly_dependent_free_columns(store, condition):
    X, y, factor = problem(condition=condition)
    path = certified_fit(
        store(X), y, truth=X, penalty_factor=factor, n_alphas=3, alpha_min_ratio=0.01
    )
    exact = residual_of_free(X, y, factor == 0)
    np.testing.assert_allclose(path.null_objective, exact, rtol=1e-7)


@pytest.mark.parametrize("spectrum", ["one small", "spread"])
@pytest.mark.parametrize("alphas", [[0.05], [0.0]])
def test_singular_values_spread_over_eight_decades(spectrum, alphas):
    X, y, factor = problem(condition=1e8, spectrum=spectrum)
    certified_fit(X, y, penalty_factor=factor, alphas=alphas)


def test_bounds_beside_nearly_dependent_free_columns():
    X, y, factor = problem(condition=1e4)
    lower = np.where(np.arange(len(factor)) % 3 == 0, 0.0, -np.inf)
    lower[factor == 0] = -np.inf
    factor[-4:] = 0.0
    certified_fit(X, y, penalty_factor=factor, lower_bounds=lower, alphas=[0.1])


@pytest.mark.parametrize("condition", [1e8, 1e9, 1e10])
def test_the_gap_bounds_the_error_where_the_columns_are_known_to_few_digits(condition):
    """Columns are known to eps, their span to eps * condition, and so is what it explains."""
    X, y, factor = problem(condition=condition)
    alpha = 1e3  # the null model
    path = riata.fit_path(X, y, penalty_factor=factor, alphas=[alpha])
    assert path.status[0] in ("converged", "precision_floor")
    coef = path.coefs.toarray()[:, 0].astype(np.longdouble)
    assert not coef[factor > 0].any()
    resid = y - X @ coef - path.intercepts[0]
    exact = residual_of_free(X, y, factor == 0)
    excess = float(0.5 * np.mean(resid**2)) - exact
    slack = 4 * np.finfo(float).eps * condition * exact
    assert excess <= path.dual_gaps[0] + slack
    assert path.dual_gaps[0] <= 1e-6 * exact


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_gap_of_any_coefficients_beside_nearly_dependent_free_columns(condition):
    X, y, factor = problem(condition=condition)
    coef = np.where(factor == 0, 0.01, 0.2)
    certified_gap(X, y, coef, 0.1, 0.3, penalty_factor=factor)


@EACH_STORAGE
@pytest.mark.parametrize("spectrum", ["one small", "spread"])
@pytest.mark.parametrize("condition", [1e4, 1e7, 1e9])
def test_least_squares_with_nearly_dependent_rows(store, spectrum, condition):
    X = nearly_dependent(120, 40, condition, seed=173, spectrum=spectrum).T
    y = X @ np.random.default_rng(174).standard_normal(120)
    y += np.linalg.svd(X)[0][:, -1]  # what only the smallest direction explains
    path = certified_fit(store(X), y, truth=X, alphas=[0.0], fit_intercept=False)
    expected = np.linalg.lstsq(X, y, rcond=1e-12)[0]
    error = np.linalg.norm(path.coefs.toarray()[:, 0] - expected)
    assert error <= 1e3 * np.finfo(float).eps * condition * np.linalg.norm(expected)


@EACH_STORAGE
def test_more_free_columns_than_rows_of_which_some_nearly_repeat(store):
    X = nearly_dependent(120, 40, 1e7, seed=175).T
    rng = np.random.default_rng(176)
    X = np.hstack([X, rng.standard_normal((40, 5))])
    y = rng.standard_normal(40)
    factor = np.repeat([0.0, 1.0], [120, 5])
    certified_fit(store(X), y, truth=X, penalty_factor=factor, alphas=[0.1, 0.01])


@pytest.mark.parametrize("share", [1e2, 1e4, 1e6, 1e8])
def test_a_free_feature_that_carries_y_leaves_the_rest_its_digits(share):
    rng = np.random.default_rng(7)
    X = rng.standard_normal((2000, 30))
    rest = 2.0 * X[:, 1] + rng.standard_normal(2000)
    y = share * X[:, 0] + rest
    factor = np.where(np.arange(30) == 0, 0.0, 1.0)
    path = certified_fit(X, y, penalty_factor=factor, n_alphas=8)
    free = np.column_stack([np.ones(2000), X[:, 0]])
    left = rest - free @ np.linalg.lstsq(free, rest)[0]  # what the null model leaves of y too
    np.testing.assert_allclose(path.null_objective, 0.5 * np.mean(left**2), rtol=1e-9)
    for k, alpha in enumerate(path.alphas):
        r = left - X[:, 1:] @ path.coefs[1:, [k]].toarray().ravel()
        r -= free @ np.linalg.lstsq(free, r)[0]
        assert np.abs(X[:, 1:].T @ r).max() / 2000 <= alpha * (1 + 1e-3), "no longer near optimal"
