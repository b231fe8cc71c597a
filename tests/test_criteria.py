"""Information criteria, against their definitions on the user's data."""

from math import comb, log

import numpy as np
import pytest
from certified import certified_extend, certified_fit
from problems import regression


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_criteria_are_their_definitions(fit_intercept, l1_ratio):
    X, y = regression(40, 12)
    settings = {"fit_intercept": fit_intercept, "l1_ratio": l1_ratio, "n_alphas": 20}
    path = certified_fit(X, y, **settings)
    for k, alpha in enumerate(path.alphas):
        b = path.coef(alpha)
        active = np.flatnonzero(b)
        squares = np.sum((y - X @ b - path.intercept(alpha)) ** 2)
        # degrees of freedom: the trace of the smoother on the support
        A = X[:, active] - (X[:, active].mean(axis=0) if fit_intercept else 0.0)
        penalty = 40 * alpha * (1 - l1_ratio) * np.eye(len(active))
        df = np.trace(A @ np.linalg.solve(A.T @ A + penalty, A.T)) if len(active) else 0.0
        size = df + 1 + fit_intercept
        fit = 40 * log(squares / 40)
        assert path.aic()[k] == pytest.approx(fit + 2 * size)
        assert path.bic()[k] == pytest.approx(fit + size * log(40))
        assert path.aicc()[k] == pytest.approx(fit + 2 * size + 2 * size * (size + 1) / (39 - size))
        many = 2 * log(comb(12, len(active)))
        assert path.ebic()[k] == pytest.approx(fit + size * log(40) + 0.5 * many)
        assert path.ebic(1.0)[k] == pytest.approx(fit + size * log(40) + many)


def test_rows_of_weight_zero_do_not_count_and_a_constant_factor_changes_nothing():
    X, y = regression(30, 6)
    w = np.r_[np.zeros(5), np.full(25, 3.0)]
    weighted = certified_fit(X, y, sample_weight=w, n_alphas=8)
    less = certified_fit(X[5:], y[5:], n_alphas=8)
    for name in ("aic", "aicc", "bic", "ebic"):
        np.testing.assert_allclose(getattr(weighted, name)(), getattr(less, name)())


def test_a_correction_for_more_parameters_than_rows_is_infinite():
    X, y = regression(12, 40)
    path = certified_fit(X, y, alpha_min_ratio=1e-6)
    full = path.df >= 9
    assert full.any()
    assert np.isinf(path.aicc()[full]).all()
    assert np.isfinite(path.aicc()[~full]).all()


def test_an_extended_path_has_criteria_too():
    X, y = regression(30, 6)
    path = certified_fit(X, y, alphas=[1.0, 0.1])
    merged = certified_extend(path, X, y, [0.3])
    np.testing.assert_allclose(merged.bic()[[0, 2]], path.bic())


def test_gamma_out_of_range_is_refused():
    X, y = regression(30, 6)
    with pytest.raises(ValueError, match="gamma must be a number in"):
        certified_fit(X, y, n_alphas=3).ebic(2.0)
