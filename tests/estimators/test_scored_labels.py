"""What `score` takes, and scorers of labels: as in scikit-learn, whatever the labels are."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import sklearn.linear_model
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import StratifiedKFold

from riata import estimators
from riata.estimators import LogisticRegressionCV

NEW = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 9)
RNG = np.random.default_rng(4)
X = RNG.standard_normal((90, 4))
ETA = X[:, 0] + RNG.logistic(size=90)
LABELS = {
    "words": np.where(ETA > 0.0, "yes", "no"),
    "1, 2": np.where(ETA > 0.0, 2, 1),
    "three": np.array(["low", "mid", "top"])[np.digitize(ETA, [-1.0, 1.0])],
    "a rare one": np.array(["low", "mid", "top"])[np.digitize(ETA, [-1.0, 1.0])],
}
LABELS["a rare one"][[5, 50]] = "odd"  # which one of three folds holds out none of
TWO = ["f1", "jaccard", "precision", "recall", "roc_auc"]
SEVERAL = ["f1_macro", "jaccard_weighted", "precision_micro"]
EITHER = ["accuracy", "neg_log_loss", "neg_brier_score"]
NAMES = [name for name in estimators.__all__ if name[0].isupper()]


def targets(name):
    """Return y that an estimator can fit."""
    kind = re.match("Poisson|Logistic|MultiTask|", name)[0]
    several = np.column_stack([ETA, X[:, 1]])
    return {"Poisson": np.abs(ETA).round(), "Logistic": ETA > 0, "MultiTask": several}.get(
        kind, ETA
    )


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("name", NAMES)
def test_score_takes_a_column_or_a_frame(name, make):
    """Danger: `LogisticRegressionCV` raised an IndexError."""
    y = targets(name)
    model = getattr(estimators, name)().fit(X, y)
    expected = model.score(X, y)
    assert model.score(X, make(y.reshape(len(y), -1))) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_score_refuses_no_targets_and_too_few(name):
    y = targets(name)
    model = getattr(estimators, name)().fit(X, y)
    with pytest.raises(ValueError, match=r"y must be given|'y_true' parameter .* Got None"):
        model.score(X, None)
    with pytest.raises(ValueError, match=r"y must have shape \(90,\)|inconsistent numbers"):
        model.score(X, y[:-1])


def test_labels_of_another_kind_have_no_score():
    model = LogisticRegressionCV(Cs=2).fit(X, LABELS["words"])
    with pytest.raises(ValueError, match="y must hold labels that were fitted, got 1"):
        model.score(X, LABELS["1, 2"])


@pytest.mark.skipif(not NEW, reason="before 1.9 scikit-learn told the scorers less")
@pytest.mark.filterwarnings("ignore:The least populated class", "ignore:.* ill-defined")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("labels", "scoring"),
    [(labels, name) for labels in ("words", "1, 2") for name in TWO + EITHER]
    + [(labels, name) for labels in ("three", "a rare one") for name in SEVERAL + EITHER],
)
def test_scores_of_labels_are_scikit_learns(labels, scoring, weighted):
    """Danger: the label 1 was taken for the second class, and held-out rows for all classes."""
    y, w = LABELS[labels], 0.2 + RNG.random(90) if weighted else None
    params = {"Cs": [0.1, 1.0], "cv": StratifiedKFold(3), "scoring": scoring}
    model = LogisticRegressionCV(**params, tol=1e-13, n_threads=1).fit(X, y, sample_weight=w)
    theirs = sklearn.linear_model.LogisticRegressionCV(
        **params, l1_ratios=(0.0,), tol=1e-12, max_iter=1000, solver="newton-cholesky",
        use_legacy_attributes=False,
    ).fit(X, y, sample_weight=w)  # fmt: skip
    np.testing.assert_allclose(model.scores_, theirs.scores_, rtol=0, atol=1e-6)


def test_the_best_model_of_f1_has_an_f1():
    y = LABELS["words"]
    model = LogisticRegressionCV(Cs=3, scoring="f1").fit(X, y)
    assert model.score(X, y) == f1_score(y, model.predict(X), pos_label="yes")


@pytest.mark.parametrize("settings", [{"pos_label": "no"}, {"average": "macro"}])
def test_what_a_scorer_was_made_with_goes_first(settings, recwarn):
    y = LABELS["words"]
    model = LogisticRegressionCV(Cs=3, scoring=make_scorer(f1_score, **settings)).fit(X, y)
    assert model.score(X, y) == f1_score(y, model.predict(X), **settings)
    assert not recwarn.list
