"""Peak memory of cross-validation above X: so much for each fit, and Gram matrices; no copy of X.

NumPy reports every array to tracemalloc. LANE are the numbers that a fit keeps for a column: its
mean and variance, its correlations and their bounds, its coefficients before and after a step.
"""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

import riata
from riata.design.fetched import FetchedColumns

LANE = 88  # bytes a column and fit
FOLDS = 5
GRID = {"n_alphas": 12, "alpha_min_ratio": 0.4, "n_threads": 2, "cv": FOLDS}


def traced(X, y, **settings):
    """Return a result and the peak of the memory that was taken for it, in bytes."""
    tracemalloc.start()
    try:
        cv = riata.cross_validate(X, y, **settings)
        return cv, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def allowed(cv, X):
    """Return what the fits may take: numbers by column and row, and working sets of twice the
    support and 64: their Gram matrix, its factor and their columns."""
    n, p = X.shape
    members = 2 * max(path.support_sizes().max() for path in cv.paths) + 64
    grams = 8 * (3 * members**2 + 2 * members * n)
    references = 8 * n * 60
    return (FOLDS + 1) * (LANE * p + grams + references) + 5e5


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
def test_a_wide_dense_x_is_not_copied(family, order):
    rng = np.random.default_rng(0)
    X = np.array(rng.standard_normal((300, 20000)), order=order)
    eta = X[:, :10].sum(axis=1)
    y = {
        "gaussian": eta + rng.standard_normal(300),
        "binomial": (eta > 0.0).astype(int),
        "poisson": rng.poisson(np.exp(0.2 * eta)),
    }[family]
    cv, peak = traced(X, y, family=family, **GRID)
    assert peak <= allowed(cv, X), (peak / X.nbytes, allowed(cv, X) / X.nbytes)
    assert peak <= 0.35 * X.nbytes, peak / X.nbytes


def test_a_wide_sparse_x_is_not_copied():
    rng = np.random.default_rng(0)
    X = sp.random_array((2000, 20000), density=0.02, format="csr", rng=rng)
    y = X[:, :50].sum(axis=1) + 0.1 * rng.standard_normal(2000)
    cv, peak = traced(X, y, **GRID)
    assert peak <= allowed(cv, X), (peak / 1e6, allowed(cv, X) / 1e6)


def test_the_folds_coefficients_are_not_kept():
    """Of ridge regression, all of them at every alpha: those on all data are the result."""
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((100, 4000)))
    y = X[:, :10].sum(axis=1) + rng.standard_normal(100)
    settings = {**GRID, "n_alphas": 100, "l1_ratio": 0.0}
    cv, peak = traced(X, y, **settings)
    result = 16 * 4000 * 100
    assert cv.path.coefs.nnz == 4000 * 100
    rows = (FOLDS + 1) * 8 * 6 * 100**2  # inner products of the rows, decomposed
    assert peak <= 2 * result + (FOLDS + 1) * LANE * 4000 + rows + 1e6, (peak, result)
    kept, _ = traced(X, y, keep_fold_paths=True, **settings)
    assert np.array_equal(kept.scores, cv.scores)
    assert kept.fold_paths[0][0].coefs.nnz == 4000 * 100


@pytest.mark.parametrize(
    "settings",
    [
        {"cv": 3, "l1_ratio": 0.0, "n_alphas": 5},
        {"cv": 3, "alphas": [0.003, 0.002, 1e-7]},
        {"alphas": [0.0], "lower_bounds": 0.0},
    ],
    ids=str,
)
def test_what_is_fetched_of_rows_stays_near_the_supports(monkeypatch, settings):
    """Danger: on a coarse grid, or without an L1 part, every feature is urgent."""
    fetch, held = FetchedColumns.fetch, [0]

    def counted(columns, *what):
        fetch(columns, *what)
        held.append(len(columns.columns))

    monkeypatch.setattr(FetchedColumns, "fetch", counted)
    rng = np.random.default_rng(0)
    X = sp.random_array((400, 5000), density=0.02, rng=rng, format="csr")
    y = X[:, :20].sum(axis=1) + 0.3 * rng.standard_normal(400)
    (riata.cross_validate if "cv" in settings else riata.fit_path)(X, y, **settings)
    assert max(held) <= 0.4 * 5000
