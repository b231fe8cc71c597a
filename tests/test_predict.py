"""What predict refuses: columns of other names or in another order, labels of unsolved alphas."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from problems import regression

import riata

X, Y = regression(40, 5, seed=7)
NAMES = ["a", "b", "c", "d", "e"]
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame}
LABELS = np.where(np.median(Y) < Y, "yes", "no")
SEVERAL = np.digitize(Y, np.quantile(Y, [0.3, 0.7]))


def frame(kind, names=NAMES):
    return FRAMES[kind](dict(zip(names, X.T, strict=True)))


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize(
    ("family", "y"), [("gaussian", Y), ("binomial", LABELS), ("multinomial", SEVERAL)]
)
def test_columns_in_another_order_or_of_other_names_are_refused(family, y, kind):
    """Danger: they went by position, and predictions were those of other data."""
    fitted = frame(kind)
    path = riata.fit_path(fitted, y, family=family, n_alphas=4)
    whole = path.predict(fitted)
    np.testing.assert_allclose(path.predict(X), whole, rtol=1e-9)  # an array has no names
    with pytest.raises(
        ValueError, match=r"^X must have its columns in the order .* got 'b' in the"
    ):
        path.predict(fitted[["b", "a", "c", "d", "e"]])
    ordered = fitted[["b", "a", "c", "d", "e"]][list(path.feature_names_in_)]
    np.testing.assert_allclose(path.predict(ordered), whole, rtol=1e-9)
    strange = frame(kind, ["a", "b", "z", "d", "y"])
    with pytest.raises(
        ValueError, match=r"^X must have the columns .* unseen 'z', 'y' and missing 'c'"
    ):
        path.predict(strange, path.alphas[2])
    with pytest.raises(ValueError, match=r"^X must have the columns .* got missing 'e'"):
        path.predict(fitted[NAMES[:4]])
    nameless = riata.fit_path(X, y, family=family, n_alphas=4)
    np.testing.assert_allclose(nameless.predict(strange), whole, rtol=1e-9)


def test_only_some_of_many_names_are_listed_and_a_column_given_twice_is_refused():
    path = riata.fit_path(frame("pandas"), Y, n_alphas=3)
    many = pd.DataFrame(np.ones((3, 12)), columns=[f"x{j}" for j in range(12)])
    with pytest.raises(
        ValueError, match=r"unseen 'x0', 'x1', 'x2', 'x3', 'x4' and 7 more and missing"
    ):
        path.predict(many)
    with pytest.raises(ValueError, match=r"^X must have the columns .* got one twice"):
        path.predict(frame("pandas")[[*NAMES, "a"]])


def test_a_frame_whose_names_are_numbers_goes_by_position():
    path = riata.fit_path(pd.DataFrame(X), Y, n_alphas=3)
    np.testing.assert_allclose(path.predict(pd.DataFrame(X[:, ::-1])), path.predict(X[:, ::-1]))


@pytest.mark.parametrize("kind", FRAMES)
def test_cross_validated_paths_look_at_the_columns(kind):
    cv = riata.cross_validate(frame(kind), Y, cv=3, n_alphas=4)
    with pytest.raises(ValueError, match=r"^X must have its columns in the order"):
        cv.predict(frame(kind)[NAMES[::-1]])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("family", "y"), [("binomial", LABELS), ("multinomial", SEVERAL)])
def test_no_label_is_made_up_for_an_alpha_that_was_not_solved(family, y):
    """Danger: NaN was above nothing, so every row was of the first class."""
    settings = {"family": family, "alphas": [0.1, 0.05, 0.01]}
    whole = riata.fit_path(X, y, **settings)
    labels = whole.predict(X, type="class")
    eta = whole.predict(X, type="link")
    best = (eta > 0).astype(int) if family == "binomial" else eta.argmax(axis=-1)
    np.testing.assert_array_equal(labels, whole.classes_[best])

    cut = riata.fit_path(X, y, max_time=1e-9, **settings)
    first = np.flatnonzero(np.isnan(cut.dual_gaps))[0]
    for asked in (None, 0.01, 0.02):
        with pytest.raises(ValueError, match=r'^type="class" must .* alpha=[\d.]+ \(time_limit\)'):
            cut.predict(X, asked, type="class")
        assert np.isnan(cut.predict(X, asked)[..., -1]).all() or asked is not None
        assert np.isnan(cut.predict(X, asked, type="probability")).any()
    for k in range(first):
        np.testing.assert_array_equal(cut.predict(X, cut.alphas[k], type="class"), labels[:, k])
    again = cut.extend(X, y, cut.alphas)
    if np.isin(again.status, "converged").all():
        np.testing.assert_array_equal(again.predict(X, type="class"), labels)
