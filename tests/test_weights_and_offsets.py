"""Weights and offsets mean what they say: in the grid, the penalty's units, the fit and its df."""

import numpy as np
import pytest
from certified import certified_fit
from oracle import Problem
from problems import FEW_STORAGES, regression, weights
from scipy.sparse import csc_array, csr_array

import riata

X, Y = regression(30, 12, seed=31, density=0.6)
WIDE, WIDE_Y = regression(15, 40, seed=32, density=0.6)
COUNTS = np.random.default_rng(33).integers(0, 4, size=30)
SETTINGS = [
    {},
    {"l1_ratio": 0.3},
    {"standardize": True},
    {"fit_intercept": False},
    {"standardize": True, "fit_intercept": False, "l1_ratio": 0.6},
    {"l1_ratio": 0.0, "n_alphas": 3},
    {"penalty_factor": np.r_[0.0, 0.0, np.inf, np.linspace(0.5, 2, 9)], "lower_bounds": -1.0},
]
GRID = {"n_alphas": 10, "tol": 1e-9}


def same(first, second):
    """Assert that two paths are one: grid, fits and what is said of them."""
    np.testing.assert_allclose(first.alphas, second.alphas, rtol=1e-9)
    np.testing.assert_allclose(first.df, second.df, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(first.deviance_ratio, second.deviance_ratio, atol=1e-6)
    assert first.null_objective == pytest.approx(second.null_objective, rel=1e-9)


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_weight_of_k_is_k_copies_of_the_row(storage, settings):
    settings = GRID | settings
    store = FEW_STORAGES[storage]
    copied, copied_y = np.repeat(X, COUNTS, axis=0), np.repeat(Y, COUNTS)
    weighted = certified_fit(store(X), Y, sample_weight=COUNTS, **settings)
    copies = certified_fit(store(copied), copied_y, **settings)
    same(weighted, copies)


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_weight_of_zero_removes_the_row(storage, settings):
    settings = GRID | settings
    s = weights(30)
    assert (s == 0).any()
    store = FEW_STORAGES[storage]
    spoilt = np.where(s[:, None] == 0, 1e6, X)
    zeroed = certified_fit(store(spoilt), np.where(s == 0, -1e6, Y), sample_weight=s, **settings)
    removed = certified_fit(store(X[s > 0]), Y[s > 0], sample_weight=s[s > 0], **settings)
    same(zeroed, removed)


@pytest.mark.parametrize("store", [np.ascontiguousarray, np.asfortranarray, csc_array, csr_array])
@pytest.mark.parametrize("p", [20, 300])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_row_without_weight_may_hold_anything(store, p, intercept):
    """Danger: the mean of a few rows, those without weight among them, stood in for the mean while
    the moments of tall X were summed: all digits of the others were lost, and a fit far from the
    best one was called converged."""
    rows, target = regression(120, p, seed=34)
    s = np.repeat([0.0, 1.0], [40, 80])
    spoilt = np.where(s[:, None] == 0, 1e100 * rows, rows)
    settings = {"n_alphas": 10, "tol": 1e-9, "fit_intercept": intercept}
    removed = certified_fit(store(rows[40:]), target[40:], **settings)
    zeroed = riata.fit_path(store(spoilt), target, sample_weight=s, **settings)
    same(zeroed, removed)
    folds = [(np.arange(k, 120, 2), np.arange(1 - k, 120, 2)) for k in range(2)]
    settings |= {"alphas": removed.alphas, "cv": folds}
    whole = riata.cross_validate(store(spoilt), target, sample_weight=s, **settings)
    settings["cv"] = [tuple(some[some >= 40] - 40 for some in fold) for fold in folds]
    less = riata.cross_validate(store(rows[40:]), target[40:], **settings)
    np.testing.assert_allclose(whole.scores, less.scores, rtol=1e-5)


@pytest.mark.parametrize("factor", [1e-12, 1e-3, 7.0, 1e12])
@pytest.mark.parametrize("settings", SETTINGS[:4], ids=str)
def test_a_constant_factor_on_the_weights_changes_nothing(factor, settings):
    s = weights(30)
    plain = certified_fit(X, Y, sample_weight=s, **GRID, **settings)
    scaled = certified_fit(X, Y, sample_weight=factor * s, **GRID, **settings)
    same(plain, scaled)


def test_equal_weights_are_no_weights():
    same(certified_fit(X, Y, **GRID), certified_fit(X, Y, sample_weight=np.full(30, 3.0), **GRID))
    same(certified_fit(X, Y, **GRID), certified_fit(X, Y, sample_weight=np.ones(30, bool), **GRID))


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_an_offset_shifts_y(storage, fit_intercept):
    offset = np.random.default_rng(34).normal(3, 2, size=15)
    stored = FEW_STORAGES[storage](WIDE)
    settings = {**GRID, "fit_intercept": fit_intercept, "sample_weight": weights(15)}
    with_offset = certified_fit(stored, WIDE_Y, offset=offset, **settings)
    same(with_offset, certified_fit(stored, WIDE_Y - offset, **settings))


@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_weights_of_many_orders_of_magnitude(storage):
    s = 10.0 ** np.linspace(-8, 8, 15)
    certified_fit(FEW_STORAGES[storage](WIDE), WIDE_Y, sample_weight=s, **GRID)


def test_all_weight_on_one_row_gives_the_null_model():
    s = np.zeros(30)
    s[4] = 2.0
    path = certified_fit(X, Y, sample_weight=s, n_alphas=3)
    assert path.coefs.nnz == 0
    np.testing.assert_allclose(path.intercepts, Y[4])


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_alpha_max_is_that_of_the_weighted_problem(settings):
    settings = {k: v for k, v in settings.items() if k != "n_alphas"}
    settings = {**settings, "sample_weight": weights(30), "offset": 0.3 * Y[::-1]}
    for store in FEW_STORAGES.values():
        expected = Problem(X, Y, **settings).alpha_max()
        assert riata.alpha_max(store(X), Y, **settings) == pytest.approx(expected, rel=1e-9)


def test_removed_rows_do_not_count_in_the_choice_of_alpha_min_ratio():
    s = np.r_[np.ones(10), np.zeros(20)]
    path = certified_fit(X, Y, sample_weight=s)  # 10 rows of weight < 12 columns
    assert path.alphas[-1] / path.alphas[0] == pytest.approx(1e-2)


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "multinomial"])
@pytest.mark.parametrize("what", ["X", "y", "offset"])
def test_rows_of_weight_0_are_checked_as_others(what, family, storage):
    """As in scikit-learn: whether a row counts is no matter of whether it is sound."""
    counts = np.r_[0.0, 1.0, 0.0, 2.0, np.arange(26.0) % 3]
    offset = np.zeros((30, 3) if family == "multinomial" else 30)
    given = {"X": X.copy(), "y": counts > 0 if family == "binomial" else counts, "offset": offset}
    given["y"] = given["y"].astype(float)
    given[what][0, ...] = np.nan
    given["X"] = FEW_STORAGES[storage](given["X"])
    weight = np.r_[0.0, np.ones(29)]
    with pytest.raises(ValueError, match=rf"^{what} must (not )?hold .*nan.* (row|position) 0"):
        riata.fit_path(family=family, sample_weight=weight, **given)


@pytest.mark.parametrize("family", ["binomial", "multinomial"])
@pytest.mark.parametrize("label", [None, "other", 7])
def test_but_for_the_labels_they_hold(family, label):
    y = np.where(Y > 0, "yes", "no").astype(object)
    y[:2] = label
    weight = np.r_[0.0, 0.0, np.ones(28)]
    path = riata.fit_path(X, y, family=family, sample_weight=weight, n_alphas=4)
    assert path.classes_.tolist() == ["no", "yes"]
    rest = riata.fit_path(X[2:], y[2:], family=family, n_alphas=4)
    np.testing.assert_allclose(path.predict(X), rest.predict(X), atol=1e-3)
