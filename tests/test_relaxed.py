"""Relaxed paths: least squares on the support of every alpha, mixed with the path."""

import numpy as np
import pytest
import scipy.sparse as sp
from certified import certified_fit
from problems import regression, weights
from scipy.optimize import lsq_linear

import riata


def refit(X, y, active, *, w, offset, fit_intercept, lower, upper):
    """Return (coef, intercept) of weighted least squares on some columns, within bounds."""
    coef = np.zeros(X.shape[1])
    root = np.sqrt(w)
    A = X[:, active]
    y = y - offset
    mean, y_mean = (np.average(A, axis=0, weights=w), np.average(y, weights=w))
    if not fit_intercept:
        mean, y_mean = 0.0 * mean, 0.0
    if len(active):
        found = lsq_linear(
            root[:, None] * (A - mean), root * (y - y_mean), (lower, upper), tol=1e-14
        )
        coef[active] = found.x
    return coef, y_mean - mean @ coef[active]


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array, sp.csc_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("bounded", [True, False])
def test_refits_are_least_squares_on_the_support(make, fit_intercept, bounded):
    X, y = regression(50, 20, density=0.7)
    w, offset = weights(50), np.random.default_rng(2).standard_normal(50)
    low, high = (-0.2, 0.4) if bounded else (-np.inf, np.inf)
    path = certified_fit(
        make(X), y, truth=X, relaxed=True, n_alphas=8, sample_weight=w, offset=offset, tol=1e-12,
        fit_intercept=fit_intercept, lower_bounds=low, upper_bounds=high,
    )  # fmt: skip
    assert set(path.relaxed_status) <= {"converged", "precision_floor"}
    for k, alpha in enumerate(path.alphas):
        active = np.flatnonzero(path.coef(alpha))
        coef, intercept = refit(X, y, active, w=w, offset=offset, fit_intercept=fit_intercept,
                                lower=low, upper=high)  # fmt: skip
        np.testing.assert_allclose(path.coef(alpha, 0.0), coef, atol=1e-6)
        assert path.intercept(alpha, 0.0) == pytest.approx(intercept, abs=1e-6)
        mixed = 0.25 * path.coef(alpha) + 0.75 * path.coef(alpha, 0.0)
        np.testing.assert_allclose(path.coef(alpha, 0.25), mixed)
        eta = X @ mixed + path.intercept(alpha, 0.25) + offset
        np.testing.assert_allclose(path.predict(make(X), alpha, offset=offset, gamma=0.25), eta)
        found = path.predict(make(X), offset=offset, gamma=0.25)[:, k]
        np.testing.assert_allclose(found, eta)


def test_a_path_that_is_not_relaxed_has_gamma_one_only():
    path = certified_fit(*regression(30, 5), n_alphas=3)
    with pytest.raises(ValueError, match="relaxed=True"):
        path.coef(path.alphas[1], 0.5)
    with pytest.raises(ValueError, match="gamma must be a number in"):
        path.coef(path.alphas[1], 1.5)


def test_an_extended_path_stays_relaxed():
    X, y = regression(30, 6)
    path = riata.fit_path(X, y, alphas=[1.0, 0.1], relaxed=True)
    merged = path.extend(X, y, [0.3])
    alone = riata.fit_path(X, y, alphas=[1.0, 0.3, 0.1], relaxed=True)
    np.testing.assert_allclose(
        merged.relaxed_coefs.toarray(), alone.relaxed_coefs.toarray(), atol=1e-9
    )
    np.testing.assert_allclose(merged.relaxed_intercepts, alone.relaxed_intercepts)


def test_a_limit_of_time_leaves_nan():
    X, y = regression(100, 300)
    with pytest.warns(riata.exceptions.convergence_warning()):
        path = riata.fit_path(X, y, relaxed=True, max_time=1e-9)
    assert np.isnan(path.relaxed_intercepts).all()
    assert (path.relaxed_status == "time_limit").all()


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csc_array])
def test_room_behind_the_last_entry_is_nobodys(kind):
    """SciPy's own selection of columns wrote past its buffers there."""
    X, y = regression(60, 12)
    tidy, roomy = kind(X), kind(X.shape)
    roomy.indptr = tidy.indptr
    roomy.data = np.concatenate([tidy.data, np.full(5000, np.nan)])
    more = np.arange(5000, dtype=tidy.indices.dtype) % 12
    roomy.indices = np.concatenate([tidy.indices, more])
    for solve in (riata.fit_path, lambda *data, **how: riata.cross_validate(*data, cv=3, **how)):
        found, wanted = (solve(M, y, n_alphas=5, relaxed=True) for M in (roomy, tidy))
        found, wanted = (getattr(path, "paths", [path])[0] for path in (found, wanted))
        assert np.array_equal(found.relaxed_coefs.toarray(), wanted.relaxed_coefs.toarray())
    assert len(roomy.data) == len(roomy.indices) == tidy.nnz + 5000
