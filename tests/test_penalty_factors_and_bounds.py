"""Penalty factors from 0 to infinity, and boxes around zero, alone and with everything else."""

import numpy as np
import pytest
from certified import certified_fit
from oracle import Problem
from problems import FEW_STORAGES, regression, weights

import riata
from riata.kernels import dual
from riata.penalty import Box

X, Y = regression(40, 10, seed=41, density=0.7)
WIDE, WIDE_Y = regression(15, 30, seed=42)
GRID = {"n_alphas": 10, "tol": 1e-9}
INF = np.inf
FACTORS = {
    "mixed": np.r_[0.0, 0.5, INF, 2.0, 0.0, np.ones(5)],
    "all zero": np.zeros(10),
    "all infinite": np.full(10, INF),
    "one penalised": np.r_[np.zeros(9), 1.0],
    "zeros and infinities": np.r_[np.zeros(5), np.full(5, INF)],
    "tiny and huge": 10.0 ** np.arange(-5, 5),
    "scalar": 2.5,
    "integers": np.arange(10),
}
BOUNDS = {
    "non-negative": (0.0, None),
    "non-positive": (None, 0.0),
    "box": (-0.2, 0.3),
    "per feature": (-np.linspace(0, 1, 10), np.r_[INF, np.linspace(0, 2, 9)]),
    "closed": (0.0, 0.0),
    "tight": (-1e-9, 1e-9),
    "infinite": (-INF, INF),
    "half closed": (np.r_[np.zeros(5), np.full(5, -INF)], np.r_[np.full(5, INF), np.zeros(5)]),
}


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4, 0.0])
@pytest.mark.parametrize("factor", FACTORS)
def test_penalty_factors(storage, l1_ratio, factor):
    certified_fit(
        FEW_STORAGES[storage](X), Y, penalty_factor=FACTORS[factor], l1_ratio=l1_ratio, **GRID
    )


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4, 0.0])
def test_unpenalised_features_where_columns_outnumber_rows(storage, l1_ratio):
    factor = np.r_[0.0, 0.0, 0.0, INF, np.ones(26)]
    certified_fit(
        FEW_STORAGES[storage](WIDE), WIDE_Y, penalty_factor=factor, l1_ratio=l1_ratio, **GRID
    )


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4, 0.0])
@pytest.mark.parametrize("bounds", BOUNDS)
def test_bounds(storage, l1_ratio, bounds):
    lower, upper = BOUNDS[bounds]
    certified_fit(
        FEW_STORAGES[storage](X),
        Y,
        lower_bounds=lower,
        upper_bounds=upper,
        l1_ratio=l1_ratio,
        **GRID,
    )


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("bounds", BOUNDS)
def test_factors_with_bounds_weights_and_standardisation(factor, bounds):
    lower, upper = BOUNDS[bounds]
    certified_fit(
        X,
        Y,
        penalty_factor=FACTORS[factor],
        lower_bounds=lower,
        upper_bounds=upper,
        sample_weight=weights(40),
        standardize=True,
        l1_ratio=0.8,
        **GRID,
    )


@pytest.mark.parametrize("factor", ["mixed", "one penalised", "zeros and infinities"])
def test_unpenalised_features_with_bounds_and_no_l2(factor):
    certified_fit(X, Y, penalty_factor=FACTORS[factor], lower_bounds=0.0, **GRID)
    certified_fit(X, Y, penalty_factor=FACTORS[factor], lower_bounds=-0.1, upper_bounds=0.1, **GRID)


def test_an_infinite_factor_is_the_feature_left_out_even_at_alpha_zero():
    factor = np.where(np.arange(10) % 3 == 0, INF, 1.0)
    path = certified_fit(X, Y, penalty_factor=factor, alphas=[1.0, 0.1, 0.0])
    without = certified_fit(X[:, factor == 1], Y, alphas=[1.0, 0.1, 0.0])
    assert not path.coefs.toarray()[factor == INF].any()
    np.testing.assert_allclose(path.deviance_ratio, without.deviance_ratio, atol=1e-6)


def test_factors_are_never_rescaled():
    doubled = certified_fit(X, Y, penalty_factor=2.0, alphas=[0.1], tol=1e-10)
    plain = certified_fit(X, Y, alphas=[0.2], tol=1e-10)
    np.testing.assert_allclose(doubled.coef(0.1), plain.coef(0.2), atol=1e-5)


def test_a_factor_of_zero_enters_before_every_penalised_feature():
    path = certified_fit(WIDE, WIDE_Y, penalty_factor=np.r_[0.0, np.ones(29)], **GRID)
    assert path.coefs[:, [0]].nonzero()[0].tolist() == [0]
    assert path.df[0] == 1


def test_unpenalised_features_that_depend_on_one_another():
    A = X.copy()
    A[:, 1] = 2 * A[:, 0]
    A[:, 2] = A[:, 3] + A[:, 4]
    for store in FEW_STORAGES.values():
        certified_fit(store(A), Y, penalty_factor=np.r_[np.zeros(5), np.ones(5)], **GRID)


@pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)
def test_as_many_unpenalised_features_as_rows_leave_nothing_to_explain(store):
    factor = np.r_[np.zeros(16), np.ones(14)]
    certified_fit(store(WIDE), WIDE_Y, penalty_factor=factor, alphas=[0.1, 0.01])


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("factor", FACTORS)
def test_alpha_max_is_one_sided_where_the_bounds_are(bounds, factor):
    lower, upper = BOUNDS[bounds]
    settings = {
        "lower_bounds": lower,
        "upper_bounds": upper,
        "penalty_factor": FACTORS[factor],
        "l1_ratio": 0.7,
    }
    problem = Problem(X, Y, **settings)
    expected = problem.alpha_max()
    top = riata.alpha_max(X, Y, **settings)
    assert top == pytest.approx(expected, rel=1e-6, abs=problem.alpha_noise())


def test_bounds_hold_exactly_and_in_units_of_X():
    bounds = {"lower_bounds": -2e-4, "upper_bounds": 1e-4}
    coefs = certified_fit(X * 1e3, Y, standardize=True, **bounds, **GRID).coefs.toarray()
    assert coefs.min() == -2e-4
    assert coefs.max() == 1e-4


def test_a_bounded_wide_problem_may_have_more_non_zeros_than_rows():
    certified_fit(WIDE, WIDE_Y, lower_bounds=-0.05, upper_bounds=0.05, alpha_min_ratio=1e-4, **GRID)
    certified_fit(WIDE, WIDE_Y, lower_bounds=-0.05, upper_bounds=0.05, alphas=[0.0])


@pytest.mark.parametrize("seed", range(40, 110))
def test_unpenalised_features_among_boxes_of_every_kind(seed):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(5, 40)), int(rng.integers(3, 20))
    A, y = regression(n, p, seed=seed)
    certified_fit(
        A,
        y,
        penalty_factor=(rng.random(p) < 0.5) * 1.0,
        lower_bounds=rng.choice([0.0, -0.1, -1, -INF], size=p),
        upper_bounds=rng.choice([0.0, 0.1, 1, INF], size=p),
        n_alphas=2,
        tol=1e-3,
    )


def test_duplicates_among_bounded_unpenalised_features():
    A = X[:, [0, 1, 2, 3, 0, 1, 2, 3, 4, 5]]
    lower = np.r_[-1.0, -INF, -1.0, -INF, -1.0, -INF, -INF, -0.1, -INF, -INF]
    certified_fit(A, Y, penalty_factor=np.r_[np.zeros(8), 1, 1], lower_bounds=lower, **GRID)


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("grid", [(), (3.0, 0.3, 0.1, 0.03)])
def test_non_negative_least_squares_where_every_column_comes_twice(seed, grid):
    """Of a column whose copy is projected out rounding is left, on either side of its bound."""
    rng = np.random.default_rng(seed)
    half = rng.standard_normal((180, 200))
    A = np.hstack([half, half])
    target = A[:, :133] @ rng.standard_normal(133) + 0.3 * rng.standard_normal(180)
    certified_fit(A, target, alphas=[*grid, 0.0], lower_bounds=0.0, tol=1e-10)


def test_the_penalty_and_its_derivative_are_those_of_the_formula():
    rng, h = np.random.default_rng(5), 1e-7
    for _ in range(50):
        b, step = rng.standard_normal((2, 12))
        b *= rng.random(12) < 0.5
        l1, l2 = rng.random((2, 12))
        box = Box(l1, l2, np.full(12, -np.inf), np.full(12, np.inf))
        value = (l1 * np.abs(b) + 0.5 * l2 * b**2).sum()
        ahead = (l1 * np.abs(b + h * step) + 0.5 * l2 * (b + h * step) ** 2).sum()
        assert box.value(b) == pytest.approx(value, rel=1e-14)
        assert dual.penalty_slope(b, step, l1, l2) == pytest.approx((ahead - value) / h, abs=1e-5)


def test_a_square_that_overflows_counts_only_where_there_is_l2():
    large, none = np.array([1e200, -1e200]), np.zeros(2)
    assert Box(np.ones(2), none, none, none).value(large) == 2e200
    assert Box(np.ones(2), np.array([0.0, 1e-9]), none, none).value(large) == np.inf


@pytest.mark.parametrize("far", [1e6, 1e12, 1e20, 1e308])
@pytest.mark.parametrize(
    "family", ["gaussian", "binomial", "poisson", "huber", "squared_hinge", "multinomial"]
)
def test_bounds_that_are_far_away_are_none(family, far):
    """(|z| - l1) times the bound is what a violation of 1e-16 may add to the gap there."""
    y = np.digitize(Y, np.quantile(Y, [0.4, 0.7])).astype(float)
    y = np.minimum(y, 1.0) if family in ("binomial", "squared_hinge") else y
    settings = {"family": family, "n_alphas": 8, "tol": 1e-8, "alpha_min_ratio": 0.01}
    without = riata.fit_path(X, y, **settings)
    path = riata.fit_path(X, y, lower_bounds=-far, upper_bounds=far, **settings)
    assert set(path.status) == {"converged"}
    assert path.n_iter.sum() <= 2 * without.n_iter.sum() + 20  # ten thousands, before
    for alpha in path.alphas:
        np.testing.assert_allclose(path.coef(alpha), without.coef(alpha), atol=1e-4)
        gap = riata.duality_gap(
            X, y, path.coef(alpha), path.intercept(alpha), alpha, family=family
        )  # fmt: skip
        assert gap <= 1.05e-8 * path.null_objective


@pytest.mark.parametrize("shape", [(30, 8), (8, 20)])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("lower", [0.0, -0.1])
def test_least_squares_where_some_features_have_a_bound(shape, fit_intercept, lower):
    A, y = regression(*shape, seed=47)
    settings = {
        "lower_bounds": np.where(np.arange(shape[1]) % 3 == 0, lower, -INF),
        "fit_intercept": fit_intercept,
    }
    path = riata.fit_path(A, y, alphas=[0.1, 0.0], tol=1e-9, **settings)
    assert set(path.status) <= {"converged", "precision_floor"}
    gap = Problem(A, y, **settings).gap(path.coef(0.0), path.intercept(0.0), 0.0)
    assert max(gap, path.dual_gaps[-1]) <= 1.05e-9 * path.null_objective
