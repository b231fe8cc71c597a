"""Grids of alpha and C that are neither a length nor a list; intercepts that are not fitted."""

import numpy as np
import pytest
import sklearn.linear_model
from problems import regression

from riata import estimators
from riata.estimators import LogisticRegression, LogisticRegressionCV, RidgeCV

X, Y = regression(60, 6, seed=2)
WITH_ALPHAS = [
    "LassoCV", "ElasticNetCV", "MultiTaskLassoCV", "MultiTaskElasticNetCV", "PoissonRegressorCV",
    "GeneralizedLinearRegressorCV",
]  # fmt: skip
MULTITASK = [name for name in estimators.__all__ if name.startswith("MultiTask")]


@pytest.mark.parametrize("alphas", [2.5, np.float64(2.5), np.array(2.5), True, None, "many"])
@pytest.mark.parametrize("name", WITH_ALPHAS)
def test_a_single_alpha_is_refused(name, alphas):
    """Danger: 2.5 was a grid of one alpha, where scikit-learn refuses it."""
    y = np.column_stack([Y, X[:, 0]]) if name.startswith("MultiTask") else np.abs(Y)
    with pytest.raises(TypeError, match=r"^alphas must be an integer >= 1, .* a list of numbers"):
        getattr(estimators, name)(alphas=alphas).fit(X, y)
    getattr(estimators, name)(alphas=[2.5]).fit(X, y)


def test_ridge_takes_a_single_alpha_as_scikit_learn_does():
    model = RidgeCV(alphas=2.5, tol=1e-12).fit(X, Y)
    theirs = sklearn.linear_model.RidgeCV(alphas=2.5).fit(X, Y)
    assert model.alpha_ == theirs.alpha_ == 2.5
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-8)
    assert RidgeCV(alphas=2.5, cv=3).fit(X, Y).alpha_ == 2.5  # scikit-learn's fails with folds


@pytest.mark.parametrize(
    ("Cs", "message"),
    [
        (2.5, "Cs must be an integer >= 1, .* a list of numbers > 0, got 2.5: put a single C into"),
        ("a", "Cs must be an integer >= 1, .* a list of numbers > 0, got 'a'"),
        (None, "Cs must be an integer >= 1, .* a list of numbers > 0, got None"),
        (True, "Cs must be an integer >= 1, .* a list of numbers > 0, got True"),
        (["a"], "Cs must be a finite number > 0, got 'a'"),
        ([None], "Cs must be a finite number > 0, got None"),
        ([[1.0], [1.0, 2.0]], r"Cs must be a finite number > 0, got \[1.0\]"),
    ],
)
def test_wrong_values_of_c_are_named(Cs, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        LogisticRegressionCV(Cs=Cs).fit(X, Y > 0)


def test_an_infinite_c_may_be_a_float32():
    y = Y + 60.0 * np.sin(np.arange(60.0)) > 0  # no two classes that a plane parts
    most = LogisticRegression(C=np.inf).fit(X, y)
    assert np.array_equal(LogisticRegression(C=np.float32(np.inf)).fit(X, y).coef_, most.coef_)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("name", MULTITASK)
def test_targets_without_intercepts_share_scikit_learns_zero(name, n_targets):
    """Danger: it was a zero for each."""
    y = np.column_stack([Y, X[:, 0], -Y])[:, :n_targets]
    model = getattr(estimators, name)(fit_intercept=False).fit(X, y)
    theirs = getattr(sklearn.linear_model, name)(fit_intercept=False).fit(X, y)
    assert model.intercept_ == theirs.intercept_ == 0.0
    assert type(model.intercept_) is type(theirs.intercept_)
    np.testing.assert_allclose(model.predict(X), X @ model.coef_.T, atol=1e-12)
