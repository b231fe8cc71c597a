"""scikit-learn's scorers on classes: as its functions score explicit out-of-fold predictions."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from problems import regression
from scipy.special import log_softmax, softmax
from sklearn import metrics
from sklearn.exceptions import UndefinedMetricWarning
from test_cv_families import splits

import riata

RNG = np.random.default_rng(12)
X = RNG.standard_normal((90, 5))
ETA = X @ np.array([1.0, -1.0, 0.5, 0.0, 0.0]) + RNG.logistic(size=90)
LABELS = {
    "two": np.where(ETA > 0.3, "yes", "no"),
    "three": np.array(["low", "mid", "top"])[np.digitize(ETA, [-1.0, 1.0])],
}
ALPHAS = [0.1, 0.02]
WEIGHTS = 0.2 + RNG.random(90)


def log_odds(eta):
    return eta[:, 1] - eta[:, 0]


def best(labels, eta):
    return labels[eta.argmax(axis=1)]


def two(measure):
    """Return a measure of the log-odds of the second of two classes."""
    return lambda y, labels, eta, s: measure(y == labels[1], log_odds(eta), sample_weight=s)


def named(measure, **settings):
    """Return a measure of the likeliest labels."""
    return lambda y, labels, eta, s: measure(y, best(labels, eta), sample_weight=s, **settings)


def over(**settings):
    """Return the area under the curve of several classes."""
    return lambda y, labels, eta, s: metrics.roc_auc_score(
        y, softmax(eta, axis=1), labels=labels, sample_weight=s, **settings
    )


def log_loss(y, labels, eta, s):
    return np.average(log_softmax(eta, axis=1)[y[:, None] == labels], weights=s)


EITHER = {
    "accuracy": named(metrics.accuracy_score),
    "balanced_accuracy": named(metrics.balanced_accuracy_score),
    "f1_macro": named(metrics.f1_score, average="macro"),
    "matthews_corrcoef": named(metrics.matthews_corrcoef),
    "neg_log_loss": log_loss,
}
MEASURES = {
    "two": EITHER | {
        "roc_auc": two(metrics.roc_auc_score),
        "roc_auc_ovr": two(metrics.roc_auc_score),
    },
    "three": EITHER | {
        "roc_auc_ovr": over(multi_class="ovr"),
        "roc_auc_ovr_weighted": over(multi_class="ovr", average="weighted"),
        "top_k_accuracy": lambda y, labels, eta, s: np.average(
            (eta.argsort(axis=1)[:, -2:] == np.searchsorted(labels, y)[:, None]).any(axis=1),
            weights=s,
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("classes", "scoring"), [(classes, name) for classes, some in MEASURES.items() for name in some]
)
def test_multinomial_scores_are_those_of_explicit_predictions(classes, scoring, weighted):
    """Danger: of two classes the scorers were handed two columns, and refused them."""
    y, labels = LABELS[classes], np.unique(LABELS[classes])
    w = WEIGHTS if weighted else None
    folds = splits(90)
    settings = {"family": "multinomial", "tol": 1e-12, "alphas": ALPHAS, "l1_ratio": 0.5}
    cv = riata.cross_validate(X, y, cv=folds, scoring=scoring, sample_weight=w, **settings)
    assert cv.greater_is_better
    for f, (train, test) in enumerate(folds):
        own, held = (None, None) if w is None else (w[train], w[test])
        path = riata.fit_path(X[train], y[train], sample_weight=own, **settings)
        for k, alpha in enumerate(ALPHAS):
            eta = path.predict(X[test], alpha, type="link")
            expected = MEASURES[classes][scoring](y[test], labels, eta, held)
            assert cv.scores[0, k, f] == pytest.approx(expected, rel=1e-6)


def test_two_classes_have_the_scores_of_the_binomial_family():
    """The same model: two rows of coefficients that differ by its one, at half its ridge alpha."""
    y, folds = LABELS["two"], splits(90)
    settings = {"cv": folds, "l1_ratio": 0.0, "tol": 1e-12}
    for scoring in ("roc_auc", "average_precision", "neg_brier_score"):
        one = riata.cross_validate(X, y == "yes", family="binomial", scoring=scoring,
                                   alphas=[0.05, 0.005], **settings)  # fmt: skip
        both = riata.cross_validate(X, y == "yes", family="multinomial", scoring=scoring,
                                    alphas=[0.1, 0.01], **settings)  # fmt: skip
        np.testing.assert_allclose(both.scores, one.scores, rtol=1e-5)


@pytest.mark.parametrize("family", ["binomial", "multinomial"])
def test_one_of_two_words_is_the_positive_one(family):
    """Danger: the label 1 was meant."""
    y, folds = LABELS["two"], splits(90)
    settings = {"family": family, "tol": 1e-12, "alphas": ALPHAS}
    cv = riata.cross_validate(X, y, cv=folds, scoring="f1", **settings)
    for f, (train, test) in enumerate(folds):
        path = riata.fit_path(X[train], y[train], **settings)
        for k, alpha in enumerate(ALPHAS):
            labels = path.predict(X[test], alpha, type="class")
            assert cv.scores[0, k, f] == metrics.f1_score(y[test], labels, pos_label="yes")


def test_held_out_rows_may_lack_a_class():
    """Danger: they were taken for all classes, which the probabilities have."""
    y = LABELS["three"].copy()
    low = np.flatnonzero(y == "low")
    folds = [(np.setdiff1d(np.arange(90), test), test) for test in (low[:5], np.arange(45, 90))]
    settings = {"family": "multinomial", "tol": 1e-12, "alphas": ALPHAS}
    cv = riata.cross_validate(X, y, cv=folds, scoring="neg_log_loss", **settings)
    for f, (train, test) in enumerate(folds):
        path = riata.fit_path(X[train], y[train], **settings)
        for k, alpha in enumerate(ALPHAS):
            eta = path.predict(X[test], alpha, type="link")
            expected = log_loss(y[test], np.unique(y), eta, None)
            assert cv.scores[0, k, f] == pytest.approx(expected, rel=1e-6)


# -- what a scorer is handed, and what it may return -----------------------------------------------

NUMBERS = ETA + X[:, 4]
COST = np.abs(X[:, 4])


def costly(estimator, X, y):
    """Minus the mean squared error, of rows weighted by their last column."""
    X = X.to_numpy() if hasattr(X, "to_numpy") else X
    last = X[:, [4]]
    last = last.toarray() if sp.issparse(last) else last
    return -np.average((estimator.predict(X) - y) ** 2, weights=np.abs(last[:, 0]))


def scored(scoring, X=X, **settings):
    return riata.cross_validate(
        X, NUMBERS, cv=splits(90), scoring=scoring, alphas=ALPHAS, **settings
    )


@pytest.mark.parametrize(
    "make", [np.asarray, pd.DataFrame, sp.csr_array, sp.csc_matrix, sp.coo_array, list]
)
def test_a_scorer_of_ones_own_sees_the_held_out_rows(make):
    """Danger: row numbers stood for X, and whoever looked at it got a wrong score."""
    if make is pd.DataFrame:
        kept = scored(lambda estimator, X, y: float(list(X.columns) == ["a", "b", "c", "d", "e"]),
                      pd.DataFrame(X, columns=list("abcde")))  # fmt: skip
        assert (kept.scores == 1.0).all()
    cv = scored(costly, make(X), keep_predictions=True)
    for f, (_, test) in enumerate(splits(90)):
        wrong = (NUMBERS[test, None] - cv.predictions[0, test]) ** 2
        expected = -np.average(wrong, axis=0, weights=COST[test])
        np.testing.assert_allclose(cv.scores[0, :, f], expected, rtol=1e-12)


def test_a_scorer_cannot_ask_for_other_rows():
    """Danger: it got the predictions of the held-out ones."""
    for asked in (lambda X: X[:5], lambda X: X[::-1], lambda X: X + 1.0):
        with pytest.raises(ValueError, match=r"scoring='<lambda>' .* those of others"):
            scored(lambda estimator, X, y, asked=asked: estimator.predict(asked(X)).sum())
    same = scored(lambda estimator, X, y: estimator.predict(X.tolist()).sum())
    assert np.array_equal(same.scores, scored(lambda e, X, y: e.predict(X).sum()).scores)


def test_a_scorer_may_have_the_name_of_a_score():
    """Danger: the squared errors of that name were taken for its values, and the worst for best."""

    def mse(estimator, X, y):
        return -np.mean((estimator.predict(X) - y) ** 2)

    X, y = regression(200, 5)
    settings = {"cv": splits(200), "alphas": [1.0, 0.1, 0.01]}
    own, ours = (
        riata.cross_validate(X, y, scoring=scoring, **settings) for scoring in (mse, "mse")
    )
    np.testing.assert_allclose(own.scores, -ours.scores, rtol=1e-9)
    assert own.alpha_min == ours.alpha_min


@pytest.mark.parametrize("scoring", ["neg_max_error", costly])
def test_a_scorer_without_weights_counts_rows_alike_and_that_is_said_once(scoring):
    """Danger: an unexpected keyword argument of nobody's."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cv = scored(scoring, sample_weight=WEIGHTS, keep_predictions=True)
    assert len(caught) == 1
    assert "takes no sample_weight" in str(caught[0].message)
    assert caught[0].filename == __file__
    if scoring == "neg_max_error":
        for f, (_, test) in enumerate(splits(90)):
            wrong = np.abs(NUMBERS[test, None] - cv.predictions[0, test])
            np.testing.assert_allclose(cv.scores[0, :, f], -wrong.max(axis=0), rtol=1e-12)


def test_equal_weights_and_none_are_not_spoken_of(recwarn):
    scored("neg_max_error", sample_weight=np.where(np.arange(90) % 7 == 0, 0.0, 3.0))
    assert not recwarn.list


@pytest.mark.parametrize("scoring", [metrics.mean_squared_error, lambda y, predicted: 1.0])
def test_a_metric_is_no_scorer(scoring):
    with pytest.raises(TypeError, match=r"scoring must be callable as scorer.*make_scorer"):
        scored(scoring)


@pytest.mark.parametrize("value", [None, "1", [1.0], np.ones(3), {"r2": 1.0}])
def test_a_score_is_a_number(value):
    with pytest.raises(TypeError, match=r"scoring must return a number, got .* from '<lambda>'"):
        scored(lambda *_: value)


@pytest.mark.parametrize("value", [1, True, np.float32(1.0), np.array(1.0), np.int64(1)])
def test_numbers_of_any_kind_are_scores(value):
    assert (scored(lambda *_: value).scores == 1.0).all()


@pytest.mark.parametrize("raised", [TypeError, ValueError, IndexError])
def test_what_a_scorer_raises_is_its_own(raised):
    def careless(estimator, X, y):
        raise raised("of my own")

    named = "" if raised is IndexError else "scoring='careless' cannot score held-out rows: "
    with pytest.raises(raised, match=f"^{named}of my own"):
        scored(careless)


def test_infinite_scores_that_leave_no_choice_are_refused():
    """Danger: alpha was nan, and nothing said."""
    with pytest.raises(ValueError, match=r"one alpha at least a finite score .* got -inf from"):
        scored(lambda *_: -np.inf)
    with pytest.raises(ValueError, match="scoring must give every fold a number, got inf"):
        scored(lambda *_: np.inf)
    some = riata.cross_validate(
        X, NUMBERS, cv=splits(90), alphas=[1e3, 0.1],
        scoring=lambda e, X, y: -np.inf if np.ptp(e.predict(X)) < 1e-9 else 1.0,
    )  # fmt: skip
    assert some.alpha == 0.1


def test_a_scorers_warning_is_given_once():
    """Danger: once for each fold and alpha."""
    rare = np.where(np.arange(90) % 9 == 0, "yes", "no")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        riata.cross_validate(X, rare, family="binomial", cv=3, scoring="precision", n_alphas=20)
    assert [warning.category for warning in caught] == [UndefinedMetricWarning]
