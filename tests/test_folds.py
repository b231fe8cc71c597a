"""How rows are dealt out, and what a caller may pass as cv and scoring."""

import numpy as np
import pandas as pd
import pytest
from problems import regression
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, ShuffleSplit, TimeSeriesSplit

import riata
from riata.folds import make_folds, parts_of


def dealt(cv, n=30, *, groups=None, weights=None, classes=None):
    weights = np.full(n, 1.0 / n) if weights is None else weights
    return make_folds(cv, np.zeros((n, 1)), np.zeros(n), groups, weights, classes)


def test_an_int_deals_every_row_once_evenly_and_always_the_same():
    folds = dealt(4, 30)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(30))
    assert sorted(len(fold.test) for fold in folds) == [7, 7, 8, 8]
    assert all(np.array_equal(a.test, b.test) for a, b in zip(folds, dealt(4, 30), strict=True))
    part = parts_of(folds, np.ones(30))
    assert all((np.flatnonzero(part == k) == fold.test).all() for k, fold in enumerate(folds))
    assert any((np.diff(fold.test) != 1).any() for fold in folds), "not shuffled"


def test_an_int_leaves_rows_of_weight_zero_out():
    weights = np.r_[0.0, 0.0, np.ones(8)]
    folds = dealt(4, 10, weights=weights / 8)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(2, 10))


def test_an_int_spreads_classes_evenly():
    classes = np.array(list("a" * 20 + "b" * 8 + "c" * 2))
    for fold in dealt(4, 30, classes=classes):
        assert np.count_nonzero(classes[fold.test] == "a") == 5
        assert np.count_nonzero(classes[fold.test] == "b") == 2


def test_an_int_keeps_groups_whole():
    groups = np.repeat([7, 3, 9, 1, 5, 8], [10, 6, 5, 4, 3, 2])
    folds = dealt(3, 30, groups=groups)
    for fold in folds:
        assert not set(groups[fold.test]) & set(np.delete(groups, fold.test))
    assert sorted(len(fold.test) for fold in folds) == [9, 10, 11]


@pytest.mark.parametrize("splitter", [TimeSeriesSplit(3), ShuffleSplit(2, random_state=0)])
def test_splitters_are_asked(splitter):
    folds = dealt(splitter)
    for fold, (train, test) in zip(folds, splitter.split(np.zeros((30, 1))), strict=True):
        assert np.array_equal(fold.test, np.sort(test))
        weights = fold.train_weights(np.full(30, 1 / 30))
        assert np.array_equal(np.flatnonzero(weights), np.sort(train))
        assert weights.sum() == pytest.approx(1.0)
    assert parts_of(folds, np.ones(30)) is None


@pytest.mark.parametrize("splitter", [GroupKFold(3), LeaveOneGroupOut()])
def test_splitters_are_given_the_groups(splitter):
    groups = pd.Series(np.repeat(list("abc"), 10))
    X, y = regression(30, 4)
    cv = riata.cross_validate(X, y, cv=splitter, groups=groups, n_alphas=3, keep_predictions=True)
    assert cv.scores.shape == (1, 3, 3)
    assert np.isfinite(cv.predictions).all()


def test_masks_are_rows():
    mask = np.arange(30) < 20
    (fold,) = dealt([(mask, ~mask)])
    assert np.array_equal(fold.test, np.arange(20, 30))
    assert fold.train_counts is None


@pytest.mark.parametrize(
    ("cv", "error", "match"),
    [
        (1, ValueError, "cv must be an integer >= 2"),
        (True, TypeError, "cv must be an integer"),
        (2.5, TypeError, "cv must be an integer"),
        ("kfold", TypeError, "cv must be an integer >= 2, a splitter"),
        (None, TypeError, "cv must be"),
        (31, ValueError, "at most the number of rows of positive weight, 30, got 31"),
        ([], ValueError, "cv must yield a split"),
        ([3, 4], TypeError, "pairs"),
        ([([0], [30])], ValueError, r"in \[0, 30\) for the test rows of fold 0, got 30"),
        ([([0], [-1])], ValueError, "got -1"),
        ([([0], [1]), ([], [1])], ValueError, "training rows of fold 1"),
        ([([0.5], [1])], ValueError, "row numbers or a mask"),
    ],
)
def test_wrong_cv_is_refused(cv, error, match):
    with pytest.raises(error, match=match):
        dealt(cv)


def test_too_few_groups_are_refused():
    with pytest.raises(ValueError, match="number of groups, 2, got 3"):
        dealt(3, 30, groups=np.arange(30) % 2)
    with pytest.raises(ValueError, match=r"groups must have shape \(30,\)"):
        dealt(3, 30, groups=np.zeros(29))


def test_a_training_fold_without_weight_is_named():
    """Danger W8: LassoCV divides by zero."""
    X, y = regression(30, 4)
    w = np.r_[np.zeros(10), np.ones(20)]
    folds = [(np.arange(10, 30), np.arange(10)), (np.arange(10), np.arange(10, 30))]
    with pytest.raises(ValueError, match="training row of positive weight, got none in fold 1"):
        riata.cross_validate(X, y, cv=folds, sample_weight=w)


def test_held_out_rows_without_weight_do_not_count():
    X, y = regression(30, 4)
    w = np.r_[np.zeros(10), np.ones(20)]
    parts = np.arange(30) // 10
    cv = riata.cross_validate(X, y, cv=[(parts != k, parts == k) for k in range(3)],
                              sample_weight=w, n_alphas=4)  # fmt: skip
    assert np.isnan(cv.scores[..., 0]).all()
    np.testing.assert_allclose(cv.mean, cv.scores[..., 1:].mean(axis=-1))
    assert np.isfinite(cv.alpha_1se)


@pytest.mark.parametrize("weighted", [False, True])
def test_scorings_are_their_definitions(weighted):
    X, y = regression(30, 4)
    w = np.random.default_rng(0).random(30) + 0.5 if weighted else None
    parts = np.arange(30) % 3
    folds = [(parts != k, parts == k) for k in range(3)]

    def scored(scoring):
        return riata.cross_validate(
            X, y, cv=folds, scoring=scoring, sample_weight=w, n_alphas=5, keep_predictions=True
        )

    cv = scored("deviance")
    error = y[:, None] - cv.predictions[0]
    weight = np.ones(30) if w is None else w
    mse, mae = (
        np.array([
            np.average(loss[parts == k], axis=0, weights=weight[parts == k]) for k in range(3)
        ]).T
        for loss in (error**2, np.abs(error))
    )  # fmt: skip
    for scoring, expected in (
        ("deviance", mse),
        ("mse", mse),
        ("mae", mae),
        ("neg_mean_squared_error", -mse),
        (make_scorer(mean_absolute_error, greater_is_better=False), -mae),
    ):
        cv = scored(scoring)
        np.testing.assert_allclose(cv.scores[0], expected, rtol=1e-10)
        assert cv.greater_is_better == (expected is not mse and expected is not mae)
    r2 = scored("r2")
    assert r2.greater_is_better
    assert r2.alpha_min == r2.alphas[0, np.argmax(r2.mean[0])]


@pytest.mark.parametrize(("scoring", "error"), [("nonsense", ValueError), (3, TypeError)])
def test_wrong_scorings_are_refused(scoring, error):
    with pytest.raises(error, match="scoring must be"):
        riata.cross_validate(np.eye(9), np.arange(9.0), cv=3, scoring=scoring)


@pytest.mark.parametrize("l1_ratio", [[], [[0.5]], [0.5, 0.5]])
def test_wrong_lists_of_l1_ratios_are_refused(l1_ratio):
    with pytest.raises(ValueError, match="l1_ratio must"):
        riata.cross_validate(np.eye(9), np.arange(9.0), cv=3, l1_ratio=l1_ratio)
