"""Logistic, Poisson and generalised regression: scikit-learn's contract and its answers."""

import inspect
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from family_oracle import FamilyProblem
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import riata
from riata.estimators import (
    GeneralizedLinearRegressor,
    LogisticRegression,
    MultiTaskElasticNet,
    MultiTaskLasso,
    PoissonRegressor,
)
from riata.families import Tweedie

CLASSES = [LogisticRegression, PoissonRegressor, GeneralizedLinearRegressor]
VARIANTS = [
    LogisticRegression(),
    LogisticRegression(C=2.0, l1_ratio=1.0),
    LogisticRegression(C=0.5, l1_ratio=0.5, tol=1e-9),
    LogisticRegression(class_weight="balanced", l1_ratio=0.3, warm_start=True),
    PoissonRegressor(),
    PoissonRegressor(alpha=0.01, l1_ratio=1.0, standardize=True),
    MultiTaskLasso(alpha=0.01),
    MultiTaskElasticNet(alpha=0.01, l1_ratio=0.3, warm_start=True),
    GeneralizedLinearRegressor(alpha=0.01),
    GeneralizedLinearRegressor("huber", alpha=0.01, l1_ratio=0.5),
]


@parametrize_with_checks(VARIANTS)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def data(kind, n=80, p=10, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.7)
    eta = X[:, :3] @ np.array([1.0, -0.7, 0.4]) - 0.3
    if kind == "binomial":
        return X, np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no")
    return X, rng.poisson(np.exp(eta)).astype(float)


def weights(n):
    return np.random.default_rng(1).uniform(0.2, 2.0, n)


def logistic_problem(model, X, y, s):
    """Return the oracle's problem and alpha of a LogisticRegression, from the user's arguments."""
    y = (y == model.classes_[1]).astype(float)
    if model.class_weight == "balanced":
        for k in (0, 1):
            s = np.where(y == k, s * s.sum() / (2 * s[y == k].sum()), s) if k == 0 else s
    problem = FamilyProblem(
        X, y, "binomial", l1_ratio=model.l1_ratio, fit_intercept=model.fit_intercept,
        sample_weight=s,
    )  # fmt: skip
    return problem, 1 / (model.C * s.sum())


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("storage", [np.asarray, sp.csr_array])
def test_logistic_regression_is_scikit_learns(l1_ratio, fit_intercept, weighted, storage):
    X, y = data("binomial")
    s = weights(len(y)) if weighted else np.ones(len(y))
    model = LogisticRegression(C=0.7, l1_ratio=l1_ratio, fit_intercept=fit_intercept, tol=1e-12)
    model.fit(storage(X), y, sample_weight=s if weighted else None)
    solver = "newton-cholesky" if l1_ratio == 0 else "saga"
    penalty = {"penalty": "l2" if l1_ratio == 0 else "elasticnet"}
    penalty = {} if sklearn.__version__ >= "1.8" else penalty  # before, it was a parameter
    theirs = sklearn.linear_model.LogisticRegression(
        C=0.7, l1_ratio=l1_ratio, fit_intercept=fit_intercept, solver=solver, tol=1e-10,
        max_iter=100_000, **penalty,
    ).fit(X, y, sample_weight=s)  # fmt: skip
    problem, alpha = logistic_problem(model, X, y, s)
    ours_P = problem.objective(model.coef_[0], model.intercept_[0], alpha)
    theirs_P = problem.objective(theirs.coef_[0], float(theirs.intercept_[0]), alpha)
    assert ours_P <= theirs_P + 1e-12
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(
        model.predict_log_proba(X), np.log(theirs.predict_proba(X)), atol=1e-4
    )
    np.testing.assert_array_equal(model.predict(X), theirs.predict(X))
    np.testing.assert_allclose(model.decision_function(X), theirs.decision_function(X), atol=1e-4)


@pytest.mark.parametrize("class_weight", ["balanced", {"no": 3.0}, {"no": 0.5, "yes": 2.0}])
def test_class_weight_is_scikit_learns(class_weight):
    X, y = data("binomial")
    model = LogisticRegression(class_weight=class_weight, tol=1e-12).fit(X, y)
    theirs = sklearn.linear_model.LogisticRegression(
        class_weight=class_weight, solver="newton-cholesky", tol=1e-10
    ).fit(X, y)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-6)


@pytest.mark.parametrize("class_weight", [{"maybe": 1.0}, "equal", 3.0])
def test_a_wrong_class_weight_is_refused(class_weight):
    X, y = data("binomial")
    with pytest.raises(ValueError, match="class_weight must"):
        LogisticRegression(class_weight=class_weight).fit(X, y)


@pytest.mark.parametrize("alpha", [0.0, 0.01, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_poisson_regression_is_scikit_learns(alpha, fit_intercept):
    X, y = data("poisson")
    s = weights(len(y))
    model = PoissonRegressor(alpha=alpha, fit_intercept=fit_intercept, tol=1e-12)
    model.fit(X, y, sample_weight=s)
    theirs = sklearn.linear_model.PoissonRegressor(
        alpha=alpha, fit_intercept=fit_intercept, solver="newton-cholesky", tol=1e-12
    ).fit(X, y, sample_weight=s)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), rtol=1e-5)
    np.testing.assert_allclose(model.score(X, y, s), theirs.score(X, y, s), atol=1e-6)


def test_tweedie_is_scikit_learns():
    X, y = data("poisson")
    model = GeneralizedLinearRegressor(Tweedie(1.7), alpha=0.05, l1_ratio=0.0, tol=1e-12).fit(X, y)
    theirs = sklearn.linear_model.TweedieRegressor(
        power=1.7, alpha=0.05, solver="newton-cholesky", tol=1e-12
    ).fit(X, y)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(model.score(X, y), theirs.score(X, y), atol=1e-6)


def test_offset_is_needed_again_to_predict():
    X, y = data("poisson")
    offset = np.log(weights(len(y)))
    model = PoissonRegressor(alpha=0.1).fit(X, y, offset=offset)
    with pytest.raises(ValueError, match="offset must be given"):
        model.predict(X)
    np.testing.assert_allclose(
        model.predict(X, offset=offset),
        np.exp(X @ model.coef_ + model.intercept_ + offset),
    )
    assert model.score(X, y, offset=offset) > 0.1


def test_one_class_is_refused():
    X, _ = data("poisson")
    with pytest.raises(ValueError, match="two classes or more, got one class"):
        LogisticRegression().fit(X, np.zeros(80))


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("storage", [np.asarray, sp.csc_array])
def test_three_classes_are_scikit_learns(l1_ratio, fit_intercept, storage):
    X, y = data("poisson")
    y = np.array(["none", "one", "more"])[np.minimum(y, 2).astype(int)]
    s = weights(len(y))
    ours = {"C": 0.7, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
    model = LogisticRegression(tol=1e-12, **ours).fit(storage(X), y, sample_weight=s)
    penalty = {"penalty": "l2" if l1_ratio == 0 else "elasticnet"}
    penalty = {} if sklearn.__version__ >= "1.8" else penalty
    solver = "newton-cg" if l1_ratio == 0 else "saga"
    theirs = sklearn.linear_model.LogisticRegression(
        solver=solver, tol=1e-10, max_iter=100_000, **ours, **penalty
    ).fit(X, y, sample_weight=s)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=2e-5)
    np.testing.assert_allclose(model.predict_proba(X), theirs.predict_proba(X), atol=2e-5)
    np.testing.assert_allclose(
        model.predict_log_proba(X), np.log(theirs.predict_proba(X)), atol=1e-3
    )
    np.testing.assert_array_equal(model.predict(X), theirs.predict(X))
    assert model.decision_function(X).shape == (len(y), 3)


@pytest.mark.parametrize("cls", [MultiTaskLasso, MultiTaskElasticNet])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.02, 0.3])
def test_multi_task_is_scikit_learns(cls, fit_intercept, alpha):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 30))
    y = X[:, :4] @ rng.standard_normal((4, 3)) + 2 + 0.3 * rng.standard_normal((50, 3))
    model = cls(alpha=alpha, fit_intercept=fit_intercept, tol=1e-13, max_iter=100_000).fit(X, y)
    theirs = getattr(sklearn.linear_model, cls.__name__)(
        alpha=alpha, fit_intercept=fit_intercept, tol=1e-12, max_iter=100_000
    ).fit(X, y)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, atol=1e-6)
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), atol=1e-5)


@pytest.mark.parametrize("cls", [MultiTaskLasso, MultiTaskElasticNet])
def test_multi_task_has_scikit_learns_parameters(cls):
    theirs = inspect.signature(getattr(sklearn.linear_model, cls.__name__)).parameters
    ours = inspect.signature(cls).parameters
    for name, parameter in theirs.items():
        assert ours[name].kind == parameter.kind
        assert name == "tol" or ours[name].default == parameter.default


def test_the_intercept_is_not_penalised():
    X = np.random.default_rng(0).standard_normal((110, 3))
    y = np.r_[np.ones(100), np.zeros(10)]
    model = LogisticRegression(C=1e-9).fit(X, y)
    np.testing.assert_allclose(model.intercept_, np.log(10), rtol=1e-4)


@pytest.mark.parametrize("cls", CLASSES)
def test_documented_parameters_are_the_actual_ones(cls):
    sections = re.split(r"\n    (\w[\w ]*)\n    -+\n", cls.__doc__)
    text = dict(zip(sections[1::2], sections[2::2], strict=True))
    documented = re.findall(r"^    (\w+) :", text["Parameters"], flags=re.M)
    assert documented == list(inspect.signature(cls).parameters)
    X, y = data("binomial" if cls is LogisticRegression else "poisson")
    model = cls().fit(X, y)
    attributes = {name for name in vars(model) if name.endswith("_")} | {"sparse_coef_"}
    documented = set(re.findall(r"^    (\w+_) :", text["Attributes"], flags=re.M))
    assert documented == attributes | {"feature_names_in_"}


def test_scikit_learns_tools():
    X, y = data("binomial")
    pipe = make_pipeline(StandardScaler(), LogisticRegression(l1_ratio=1.0))
    search = GridSearchCV(pipe, {"logisticregression__C": [0.1, 1.0]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.5
    X, y = data("poisson")
    assert cross_val_score(PoissonRegressor(alpha=0.1), X, y, cv=3).min() > -1
    clone(GeneralizedLinearRegressor(Tweedie(1.2))).fit(X, y)


def test_a_failed_fit_leaves_the_estimator_as_it_was():
    X, y = data("binomial")
    model = LogisticRegression().fit(X, y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.where(X > 2, np.nan, X), y)
    assert vars(model).keys() == before.keys()
    np.testing.assert_array_equal(model.coef_, before["coef_"])


@pytest.mark.parametrize("family", ["binomial", "squared_hinge"])
@pytest.mark.parametrize(
    "make",
    [
        lambda family: riata.GeneralizedLinearRegressor(family=family, alpha=0.05),
        lambda family: riata.GeneralizedLinearRegressorCV(family=family, alphas=4, cv=3),
    ],
    ids=["one alpha", "CV"],
)
def test_the_score_does_not_depend_on_how_labels_are_coded(make, family):
    """Danger: labels -1 and 1 were given a D^2 of 1.5."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    y = (X[:, 0] + rng.standard_normal(100) > 0).astype(int)
    codes = np.array([[0, 1], [-1, 1], [5, 9]])
    scores = [make(family).fit(X, code[y]).score(X, code[y]) for code in codes]
    assert 0.2 < scores[0] < 0.6
    assert scores[1] == scores[2] == scores[0]
    with pytest.raises(ValueError, match="y must hold the labels of fit"):
        make(family).fit(X, codes[1][y]).score(X, y)


@pytest.mark.parametrize(
    "family", ["gaussian", "poisson", "gamma", "tweedie", "huber", "binomial", "squared_hinge"]
)
def test_the_score_is_the_share_of_deviance_that_a_path_reports(family):
    """Danger: the null model had neither the offset nor, for huber, the best intercept."""
    rng = np.random.default_rng(1)
    X, offset = rng.standard_normal((80, 3)), 0.5 * rng.standard_normal(80)
    y = 0.5 + rng.poisson(np.exp(0.4 * X[:, 0]))
    y = (y > 1.0).astype(float) if family in ("binomial", "squared_hinge") else y
    weight = 0.1 + rng.random(80)
    data = {"sample_weight": weight, "offset": offset}
    model = riata.GeneralizedLinearRegressor(family=family, alpha=0.02).fit(X, y, **data)
    path = riata.fit_path(X, y, family=family, alphas=[0.02], **data)
    assert 0.01 < path.deviance_ratio[0] < 0.99
    assert model.score(X, y, **data) == pytest.approx(path.deviance_ratio[0], abs=1e-6)
    nothing = riata.GeneralizedLinearRegressor(family=family, alpha=1e6).fit(X, y, **data)
    assert nothing.score(X, y, **data) == pytest.approx(0.0, abs=1e-8)


def test_what_the_family_cannot_take_has_no_score():
    X, y = np.arange(6.0)[:, None], np.arange(6.0)
    model = riata.PoissonRegressor().fit(X, y)
    with pytest.raises(ValueError, match="y must be >= 0"):
        model.score(X, -y - 1.0)


@pytest.mark.parametrize("family", ["multinomial", "multigaussian"])
def test_families_of_several_responses_are_refused_by_name(family):
    X, y = np.eye(6), np.arange(6) % 3
    for kind in (riata.GeneralizedLinearRegressor, riata.GeneralizedLinearRegressorCV):
        with pytest.raises(ValueError, match="family must be one of a single response"):
            kind(family=family).fit(X, y)


@pytest.mark.parametrize("family", ["binomial", "squared_hinge"])
@pytest.mark.parametrize("kind", [np.array, pd.Series, lambda y: pd.Series(y).astype("category"),
                                  pl.Series, list])  # fmt: skip
@pytest.mark.parametrize(
    "model",
    [
        riata.GeneralizedLinearRegressor(alpha=0.05),
        riata.GeneralizedLinearRegressorCV(alphas=4, cv=3),
    ],
    ids=["one alpha", "CV"],
)
def test_words_are_labels(model, kind, family):
    """Danger: they were refused, as what cannot be converted to numbers."""
    X, y = data("binomial")
    words = clone(model).set_params(family=family).fit(X, kind(y))
    codes = clone(model).set_params(family=family).fit(X, y == "yes")
    np.testing.assert_array_equal(words.predict(X), codes.predict(X))
    assert words.score(X, kind(y)) == codes.score(X, y == "yes")
    assert np.corrcoef(words.predict(X), y == "yes")[0, 1] > 0.3


def test_objects_that_are_numbers_stay_numbers():
    X, y = data("binomial")
    shares = np.where(y == "yes", 0.8, 0.3)
    model = GeneralizedLinearRegressor("binomial", alpha=0.01).fit(X, shares.astype(object))
    expected = GeneralizedLinearRegressor("binomial", alpha=0.01).fit(X, shares)
    np.testing.assert_array_equal(model.coef_, expected.coef_)


@pytest.mark.parametrize("words", [["no", "yes", "maybe"], ["no", "no", "no"]])
def test_words_must_be_two_labels(words):
    X, _ = data("binomial")
    with pytest.raises(ValueError, match="y must hold two classes for family='binomial'"):
        GeneralizedLinearRegressor("binomial").fit(X, np.array(words)[np.arange(80) % 3])
    with pytest.raises(ValueError, match=r"could not convert|not compatible"):
        GeneralizedLinearRegressor("gaussian").fit(X, np.array(words)[np.arange(80) % 3])


@pytest.mark.parametrize("cls", [LogisticRegression, riata.LogisticRegressionCV])
def test_labels_and_rows_are_as_many(cls):
    """Danger: the message was about sample_weight, which nobody gave."""
    X, y = data("binomial")
    with pytest.raises(ValueError, match=r"^y must hold a label for each of X's 80 rows, got 79$"):
        cls().fit(X, y[:-1])


@pytest.mark.parametrize("class_weight", [{"yes": 0.0, "no": 0.0}, {"yes": 0.0}])
@pytest.mark.parametrize("cls", [LogisticRegression, riata.LogisticRegressionCV])
def test_weights_must_leave_two_classes(cls, class_weight, recwarn):
    """Danger: a division by zero, and a message about alphas."""
    X, y = data("binomial")
    with pytest.raises(ValueError, match=r"^sample_weight and class_weight must leave every class"):
        cls(class_weight=class_weight).fit(X, y)
    assert not recwarn.list


def test_one_of_three_classes_may_have_no_weight():
    X, y = data("poisson")
    y = np.minimum(y, 2)
    model = LogisticRegression(class_weight={0.0: 0.0}, tol=1e-12).fit(X, y)
    two = LogisticRegression(C=2.0, tol=1e-12).fit(X[y > 0], y[y > 0])  # its two rows as one
    np.testing.assert_array_equal(model.predict(X), two.predict(X))
