"""scikit-learn's scorers on classes: as its functions score explicit out-of-fold predictions."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn import metrics
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
