"""What scorers and splitters are handed by `fit`: X, weights and metadata, as in scikit-learn."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.linear_model
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, make_scorer, mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold

from riata.estimators import (
    ElasticNetCV,
    LassoCV,
    LogisticRegressionCV,
    MultiTaskLassoCV,
    PoissonRegressorCV,
    RidgeCV,
)

NEW = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 9)
RNG = np.random.default_rng(8)
X = RNG.standard_normal((60, 4))
Y = X[:, 0] + RNG.standard_normal(60)
LABELS = np.where(Y > 0.0, "yes", "no")
WEIGHTS = RNG.random(60)
COST = np.abs(X[:, 3])
LOGISTIC = {"Cs": [0.01, 1.0], "cv": StratifiedKFold(3)}


def theirs(model, y, **metadata):
    """Return scikit-learn's fit of the same."""
    params = {name: getattr(model, name) for name in ("cv", "scoring")}
    if isinstance(model, RidgeCV):
        return sklearn.linear_model.RidgeCV(model.alphas, **params).fit(X, y, **metadata)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of use_legacy_attributes, before it was there
        return sklearn.linear_model.LogisticRegressionCV(
            Cs=model.Cs, l1_ratios=(0.0,), use_legacy_attributes=False, max_iter=1000,
            solver="newton-cholesky", tol=1e-12, **params,
        ).fit(X, y, **metadata)  # fmt: skip


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def price(y, predicted, amount=None, sample_weight=None):
    """Return the share of right answers, by what they cost."""
    both = (1.0 if amount is None else amount) * np.ones(len(y))
    return np.average(
        y == predicted, weights=both if sample_weight is None else both * sample_weight
    )


def right(estimator, X, y):
    """Return the share of right answers, by the last column."""
    return np.average(estimator.predict(X) == y, weights=np.abs(np.asarray(X)[:, 3]))


def near(estimator, X, y):
    """Return minus the squared error, by the last column."""
    return -np.average((estimator.predict(X) - y) ** 2, weights=np.abs(np.asarray(X)[:, 3]))


# -- X and weights ---------------------------------------------------------------------------------


@pytest.mark.skipif(not NEW, reason="before 1.9 scikit-learn had other attributes")
def test_a_scorer_of_ones_own_sees_x():
    """Danger: it saw row numbers."""
    model = LogisticRegressionCV(scoring=right, **LOGISTIC, tol=1e-12).fit(X, LABELS)
    np.testing.assert_allclose(model.scores_, theirs(model, LABELS).scores_, rtol=1e-9)
    frame = pd.DataFrame(X)
    for some in (X, X.tolist(), frame):
        assert model.score(some, LABELS) == pytest.approx(right(model, X, LABELS), rel=1e-12)


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.filterwarnings("ignore:.*take.* no sample_weight:UserWarning")
def test_ridge_shows_a_scorer_the_rows(make, weights):
    for cv in (KFold(3), None):
        model = RidgeCV(scoring=near, cv=cv).fit(make(X), Y, weights)
        if cv is None:  # where scikit-learn hands over predictions
            kept = RidgeCV(alphas=model.alpha_, store_cv_results=True, scoring="r2")
            left_out = kept.fit(X, Y, weights).cv_results_[:, 0]
            expected = -np.average((left_out - Y) ** 2, weights=COST)
        else:
            grid = [RidgeCV(alphas=alpha, scoring=near, cv=cv).fit(X, Y, weights).best_score_
                    for alpha in (0.1, 1.0, 10.0)]  # fmt: skip
            expected = max(grid)
            fold = sklearn.linear_model.Ridge(model.alpha_)
            own = [near(fold.fit(X[a], Y[a], None if weights is None else weights[a]), X[b], Y[b])
                   for a, b in cv.split(X)]  # fmt: skip
            assert expected == pytest.approx(np.mean(own), rel=1e-6)
        assert model.best_score_ == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("cv", [None, 3])
def test_ridge_takes_scorers_without_weights(cv):
    """Danger: an unexpected keyword argument of nobody's; scikit-learn warns, too."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = RidgeCV(scoring="neg_max_error", cv=cv).fit(X, Y, WEIGHTS)
    assert [warning.filename for warning in caught] == [__file__]
    assert "takes no sample_weight" in str(caught[0].message)
    if cv == 3:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert model.best_score_ == pytest.approx(
                theirs(model, Y, sample_weight=WEIGHTS).best_score_
            )


@pytest.mark.parametrize("scoring", ["neg_max_error", "r2", near])
@pytest.mark.parametrize("cv", [None, 4])
def test_rows_of_weight_0_are_in_no_score_of_ridge(scoring, cv):
    kept = np.arange(60) % 4 != 1
    model = RidgeCV(scoring=scoring, cv=cv and [(np.arange(30), np.arange(30, 60))])
    model.fit(X, Y, kept.astype(float))
    less = RidgeCV(scoring=scoring, cv=cv and [(np.arange(22), np.arange(22, 45))])
    less.fit(X[kept], Y[kept])
    assert model.best_score_ == pytest.approx(less.best_score_, rel=1e-6)


def test_one_standard_error_does_not_count_rows_of_weight_0():
    """Danger: as errors of 0 they made it another."""
    alphas = np.logspace(-2, 4, 40)
    for seed in range(40):
        kept = np.random.default_rng(seed).random(60) < 0.5
        weighted = RidgeCV(alphas, rule="1se").fit(X, Y, kept.astype(float))
        dropped = RidgeCV(alphas, rule="1se").fit(X[kept], Y[kept])
        assert weighted.alpha_ == dropped.alpha_
    found = sklearn.linear_model.RidgeCV(alphas).fit(X, Y, kept.astype(float))
    assert RidgeCV(alphas).fit(X, Y, kept.astype(float)).best_score_ == pytest.approx(
        found.best_score_
    )


@pytest.mark.parametrize(
    "scoring", [lambda *_: np.nan, lambda *_: np.inf, lambda *_: -np.inf, lambda *_: None]
)
@pytest.mark.parametrize("cv", [None, 3])
def test_ridge_refuses_scores_that_leave_no_choice(scoring, cv):
    with pytest.raises((ValueError, TypeError), match=r"scoring must .*number|finite score"):
        RidgeCV(scoring=scoring, cv=cv).fit(X, Y)


def test_ridge_refuses_one_standard_error_of_one_score_before_the_work(monkeypatch):
    monkeypatch.setattr("riata.estimators.ridge_cv.cross_validate_ridge", None)
    for settings in ({"scoring": "r2"}, {"cv": [(np.arange(30), np.arange(30, 60))]}):
        with pytest.raises(ValueError, match='rule="1se" needs'):
            RidgeCV(rule="1se", **settings).fit(X, Y)


@pytest.mark.parametrize("scoring", [None, "r2"])
@pytest.mark.parametrize("per_target", [False, True])
def test_the_best_score_of_a_column_has_scikit_learns_shape(scoring, per_target):
    settings = {"alpha_per_target": per_target, "scoring": scoring}
    ours = RidgeCV(**settings).fit(X, Y[:, None])
    other = sklearn.linear_model.RidgeCV(**settings).fit(X, Y[:, None])
    assert np.shape(ours.best_score_) == np.shape(other.best_score_)
    np.testing.assert_allclose(ours.best_score_, other.best_score_)
    assert np.shape(ours.alpha_) == np.shape(other.alpha_)


# -- metadata --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("enabled", [False, True])
def test_what_nobody_asked_for_is_refused(cv, enabled):
    """Danger: RidgeCV ignored it where it leaves out single rows."""
    with (
        sklearn.config_context(enable_metadata_routing=enabled),
        pytest.raises((TypeError, ValueError), match="foo"),
    ):
        RidgeCV(cv=cv).fit(X, Y, groups=np.arange(60), foo=3)


@pytest.mark.skipif(not NEW, reason="before 1.9 scikit-learn had other attributes")
@pytest.mark.parametrize("asked", [True, False])
def test_scorers_have_the_weights_they_ask_for(routing, asked):
    """Danger: they had them whatever they asked."""
    w = np.where(np.arange(60) % 5 == 0, 0.0, WEIGHTS)
    accuracy = make_scorer(accuracy_score).set_score_request(sample_weight=asked)
    model = LogisticRegressionCV(scoring=accuracy, **LOGISTIC, tol=1e-12)
    model.fit(X, LABELS, sample_weight=w)
    found = theirs(model, LABELS, sample_weight=w)
    np.testing.assert_allclose(model.scores_, found.scores_, rtol=1e-12)
    own = {"sample_weight": w} if asked else {}
    ours, other = (m.score(X, LABELS, **own) for m in (model, found))
    assert ours == pytest.approx(other, rel=1e-12)


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("cv", [None, 3])
def test_scorers_of_ridge_have_the_weights_they_ask_for(routing, asked, cv):
    error = make_scorer(mean_squared_error, greater_is_better=False)
    model = RidgeCV(scoring=error.set_score_request(sample_weight=asked), cv=cv)
    model.fit(X, Y, sample_weight=WEIGHTS)
    assert model.best_score_ == pytest.approx(theirs(model, Y, sample_weight=WEIGHTS).best_score_)


@pytest.mark.skipif(not NEW, reason="before 1.9 scikit-learn had other attributes")
def test_scorers_have_the_metadata_they_ask_for(routing):
    scorer = make_scorer(price).set_score_request(amount="cost", sample_weight=True)
    model = LogisticRegressionCV(scoring=scorer, **LOGISTIC, tol=1e-12)
    model.fit(X, LABELS, sample_weight=WEIGHTS, cost=COST)
    found = theirs(model, LABELS, sample_weight=WEIGHTS, cost=COST)
    np.testing.assert_allclose(model.scores_, found.scores_, rtol=1e-12)
    ours, other = (m.score(X, LABELS, cost=COST) for m in (model, found))
    assert ours == pytest.approx(other, rel=1e-12)
    scorer = make_scorer(price).set_score_request(amount=True)
    y = np.abs(Y).round()
    whole = PoissonRegressorCV(alphas=3, scoring=scorer).fit(X, y, amount=2.0)
    assert np.array_equal(
        whole.scores_, PoissonRegressorCV(alphas=3, scoring=scorer).fit(X, y).scores_
    )


def test_weights_nobody_spoke_of_are_refused_as_in_scikit_learn(routing):
    with pytest.raises(ValueError, match="not explicitly set"):
        LogisticRegressionCV(scoring="accuracy", **LOGISTIC).fit(X, LABELS, WEIGHTS)
    with pytest.raises(ValueError, match="not explicitly set"):
        RidgeCV(scoring="r2").fit(X, Y, WEIGHTS)


@pytest.mark.parametrize("scoring", [None, "deviance"])
def test_scores_that_take_weights_anyway_have_them(scoring):
    params = {"scoring": scoring, **LOGISTIC}
    expected = LogisticRegressionCV(**params).fit(X, LABELS, WEIGHTS).scores_
    with sklearn.config_context(enable_metadata_routing=True):
        found = LogisticRegressionCV(**params).fit(X, LABELS, WEIGHTS).scores_
    assert np.array_equal(found, expected)


def test_score_takes_metadata_with_routing_only():
    model = LogisticRegressionCV(**LOGISTIC).fit(X, LABELS)
    with pytest.raises(ValueError, match="score takes amount only with"):
        model.score(X, LABELS, amount=COST)


# -- grids and warnings ----------------------------------------------------------------------------


def test_an_alpha_given_twice_is_there_twice():
    alphas = [0.1, 0.2, 0.1, 0.01]
    for cls, more in ((ElasticNetCV, {"l1_ratio": [0.5, 0.9]}), (LassoCV, {})):
        model = cls(alphas=alphas, **more, tol=1e-12).fit(X, Y)
        other = getattr(sklearn.linear_model, cls.__name__)(alphas=alphas, **more).fit(X, Y)
        np.testing.assert_array_equal(model.alphas_, other.alphas_)
        assert model.mse_path_.shape == other.mse_path_.shape
        np.testing.assert_allclose(model.mse_path_, other.mse_path_, rtol=1e-2)


def test_the_class_for_several_targets_is_named():
    with pytest.raises(ValueError, match="fit one LassoCV each, or MultiTaskLassoCV"):
        LassoCV().fit(X, np.column_stack([Y, Y]))


@pytest.mark.parametrize(
    ("model", "y", "strength"),
    [
        (LassoCV(max_iter=1), Y, "at alpha="),
        (PoissonRegressorCV(max_iter=1), np.abs(Y).round(), "at alpha="),
        (MultiTaskLassoCV(max_iter=1), np.column_stack([Y, X[:, 1] + Y]), "at alpha="),
        (LogisticRegressionCV(Cs=[1.0], max_iter=1), LABELS, "at C=1 .*use a smaller C"),
    ],
)
def test_a_warning_names_the_parameter_and_the_callers_line(model, y, strength):
    """Danger: an alpha that nobody had given, in a file that nobody knows."""
    with pytest.warns(ConvergenceWarning, match=strength) as caught:
        model.fit(X, y)
    assert [warning.filename for warning in caught] == [__file__]
