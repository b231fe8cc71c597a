"""Problems at the edge: too small, constant, empty, dependent, saturated, unpenalised, huge."""

import warnings

import numpy as np
import pytest
from certified import certified_fit
from oracle import Problem
from problems import FEW_STORAGES, regression, weights
from scipy.sparse import csc_array

import riata

X, Y = regression(30, 8, seed=61)
WIDE, WIDE_Y = regression(12, 40, seed=62)
EACH_STORAGE = pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)


@EACH_STORAGE
def test_one_feature(store):
    certified_fit(store(X[:, :1]), Y, n_alphas=5, tol=1e-10)
    certified_fit(store(X[:, :1]), Y, n_alphas=5, fit_intercept=False, l1_ratio=0.5)


@EACH_STORAGE
@pytest.mark.parametrize("p", [1, 5])
def test_one_row(store, p):
    path = certified_fit(store(X[:1, :p]), Y[:1], n_alphas=5)
    assert path.coefs.nnz == 0
    np.testing.assert_array_equal(path.intercepts, Y[0])
    certified_fit(store(X[:1, :p]), Y[:1], n_alphas=5, fit_intercept=False, tol=1e-10)


@EACH_STORAGE
def test_two_rows(store):
    certified_fit(store(X[:2]), Y[:2], n_alphas=5, standardize=True)


@EACH_STORAGE
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1e8 / 3, 1e-20])
def test_a_constant_target_gives_the_null_model_on_a_positive_grid(store, value):
    path = certified_fit(store(X), np.full(30, value), n_alphas=6)
    assert path.coefs.nnz == 0
    assert len(set(path.status)) == 1
    np.testing.assert_allclose(path.intercepts, value, rtol=1e-15)
    np.testing.assert_array_equal(path.deviance_ratio, 0)


def test_a_constant_target_with_weights_offset_and_l2():
    s = weights(30)
    certified_fit(X, np.full(30, 0.1), sample_weight=s, l1_ratio=0.3, n_alphas=4)
    certified_fit(X, 0.1 + Y, offset=Y, sample_weight=s, n_alphas=4)


@EACH_STORAGE
def test_a_target_of_zeros_without_an_intercept(store):
    path = certified_fit(store(X), np.zeros(30), fit_intercept=False, n_alphas=4)
    assert path.coefs.nnz == 0


@EACH_STORAGE
@pytest.mark.parametrize("settings", [{}, {"standardize": True}, {"l1_ratio": 0.0}], ids=str)
def test_a_zero_column_stays_zero(store, settings):
    A = X.copy()
    A[:, [0, 5]] = 0
    path = certified_fit(store(A), Y, n_alphas=6, **settings)
    assert not path.coefs.toarray()[[0, 5]].any()


@EACH_STORAGE
def test_a_matrix_of_zeros(store):
    for intercept in (True, False):
        path = certified_fit(store(np.zeros((10, 3))), Y[:10], fit_intercept=intercept, n_alphas=3)
        certified_fit(store(np.zeros((10, 1))), Y[:10], alphas=[1.0], lower_bounds=0.0)
        assert path.coefs.nnz == 0


@EACH_STORAGE
def test_a_constant_column_is_a_feature_without_an_intercept(store):
    A = X.copy()
    A[:, 4] = 2.0
    path = certified_fit(store(A), Y + 10, fit_intercept=False, n_alphas=6)
    assert path.coefs.toarray()[4].any()


@EACH_STORAGE
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("alphas", [None, [0.1, 0.001, 0.0]])
def test_duplicate_opposite_and_scaled_columns(store, l1_ratio, alphas):
    A = np.column_stack([X, X[:, 0], -X[:, 1], 2 * X[:, 2], X[:, 3]])
    certified_fit(store(A), Y, l1_ratio=l1_ratio, alphas=alphas, n_alphas=8, tol=1e-9)


@EACH_STORAGE
@pytest.mark.parametrize("standardize", [False, True])
def test_a_column_that_is_the_sum_of_two_others(store, standardize):
    A = np.column_stack([X, X[:, 0] + X[:, 1], X[:, 0] - X[:, 2]])
    certified_fit(store(A), Y, standardize=standardize, n_alphas=10, tol=1e-9)


@EACH_STORAGE
@pytest.mark.parametrize("alphas", [None, [0.05, 0.0]])
def test_one_hot_columns_beside_their_total(store, alphas):
    label = np.random.default_rng(63).integers(0, 5, 30)
    A = np.column_stack([np.eye(5)[label], np.ones(30), X[:, :2]])
    certified_fit(store(A), Y + label, alphas=alphas, n_alphas=10, tol=1e-9)


@EACH_STORAGE
def test_a_saturated_lasso_has_at_most_as_many_non_zeros_as_rows(store):
    path = certified_fit(store(WIDE), WIDE_Y, alpha_min_ratio=1e-4, n_alphas=15, tol=1e-9)
    assert path.df.max() <= 12
    assert path.deviance_ratio[-1] > 0.999


@EACH_STORAGE
def test_a_saturated_elastic_net_may_have_more(store):
    certified_fit(store(WIDE), WIDE_Y, l1_ratio=0.1, alpha_min_ratio=1e-4, n_alphas=10)


@EACH_STORAGE
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_alpha_zero_is_least_squares_of_minimum_norm(store, l1_ratio, weighted, fit_intercept):
    for A, y in ((X, Y), (WIDE, WIDE_Y)):
        s = weights(len(y), seed=64) if weighted else None
        settings = {"sample_weight": s, "fit_intercept": fit_intercept, "l1_ratio": l1_ratio}
        path = certified_fit(store(A), y, alphas=[0], **settings)
        problem = Problem(A, y, **settings)
        root = np.sqrt(problem.w)
        expected = np.linalg.lstsq(root[:, None] * problem.X, root * problem.y, rcond=None)[0]
        np.testing.assert_allclose(path.coefs.toarray()[:, 0], expected, rtol=1e-6, atol=1e-8)


def test_alpha_zero_leaves_excluded_features_out_of_the_minimum_norm():
    factor = np.where(np.arange(40) % 4 == 0, np.inf, 1.0)
    path = certified_fit(WIDE, WIDE_Y, alphas=[0], penalty_factor=factor)
    kept = certified_fit(WIDE[:, factor == 1], WIDE_Y, alphas=[0])
    found = path.coefs.toarray()[factor == 1]
    np.testing.assert_allclose(found, kept.coefs.toarray(), rtol=1e-6, atol=1e-9)


@EACH_STORAGE
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
def test_alpha_zero_with_bounds_is_bounded_least_squares(store, l1_ratio):
    certified_fit(store(X), Y, alphas=[0], lower_bounds=0.0, l1_ratio=l1_ratio)
    certified_fit(store(X), Y, alphas=[0.1, 0], lower_bounds=-0.2, upper_bounds=0.2)


@EACH_STORAGE
@pytest.mark.parametrize("alpha", [1e-12, 1e-6, 0.3, 1e6, 1e300])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
def test_one_alpha_only(store, alpha, l1_ratio):
    path = certified_fit(store(X), Y, alphas=alpha, l1_ratio=l1_ratio)
    assert path.alphas.tolist() == [alpha]


def test_a_grid_of_one_is_alpha_max():
    path = certified_fit(X, Y, n_alphas=1)
    assert path.coefs.nnz == 0


@EACH_STORAGE
def test_one_huge_value_in_y(store):
    y = Y.copy()
    y[7] = 1e9
    certified_fit(store(X), y, n_alphas=8)


@pytest.mark.parametrize("scale", [1e-100, 1e-30, 1e30, 1e100])
def test_targets_and_features_of_extreme_scale(scale):
    certified_fit(X, Y * scale, n_alphas=6)
    certified_fit(X * scale, Y, n_alphas=6)


@pytest.mark.parametrize("scale", [1e200, 1e300])
@pytest.mark.parametrize("what", ["X", "y"])
def test_values_whose_squares_overflow_are_refused_by_name(scale, what):
    A, y = (X * scale, Y) if what == "X" else (X, Y * scale)
    with pytest.raises(ValueError, match=f"^{what} "):
        riata.fit_path(A, y)


@EACH_STORAGE
@pytest.mark.parametrize(
    ("of_X", "of_y"), [(1e139, 1.0), (1e-150, 1.0), (1.0, 1e138), (1.0, 1e-139)]
)
def test_up_to_the_limits_of_size_the_fit_is_the_scaled_one(store, of_X, of_y):
    """The lasso is equivariant: alpha goes with X y, coefficients with y / X."""
    plain = certified_fit(store(X), Y, n_alphas=5, tol=1e-10)
    path = riata.fit_path(store(X * of_X), Y * of_y, n_alphas=5, tol=1e-10)
    assert set(path.status) == {"converged"}
    np.testing.assert_allclose(path.alphas / of_X / of_y, plain.alphas, rtol=1e-9)
    coefs = path.coefs.toarray() * (of_X / of_y)
    np.testing.assert_allclose(coefs, plain.coefs.toarray(), atol=1e-4)


@pytest.mark.parametrize(("what", "scale"), [("X", 1e141), ("y", 1e141), ("y", 1e-143),
                                             ("offset", 1e141)])  # fmt: skip
@pytest.mark.parametrize("family", ["gaussian", "poisson", "multigaussian"])
def test_beyond_the_limits_of_size_the_argument_is_named(what, scale, family):
    y = np.abs(Y) if family == "poisson" else Y if family == "gaussian" else np.c_[Y, Y]
    given = {"X": X, "y": y, "offset": np.ones_like(y)}
    given[what] = scale * given[what]
    with pytest.raises(ValueError, match=rf"^{what} must .*1e[+-]140"):
        riata.fit_path(family=family, **given)
    if what != "X" and family == "gaussian":  # of several targets, each
        given = {name: values if name == "X" else np.c_[np.ones_like(Y), values]
                 for name, values in given.items()}  # fmt: skip
        with pytest.raises(ValueError, match=rf"^{what} must .*1e[+-]140"):
            riata.fit_path(**given)


@EACH_STORAGE
@pytest.mark.parametrize("scale", [1e-158, 1e-160, 1e-163, 1e-170, 1e-300])
@pytest.mark.parametrize("shape", [(30, 8), (12, 40)], ids=str)
def test_a_column_whose_squares_vanish_is_named(store, scale, shape):
    """Danger: its coefficient is wrong, or 0, and the fit `converged`."""
    A, y = regression(*shape, seed=64, density=0.8)
    A[:, 0], A[:, 5] = 0.0, scale * A[:, 5]
    message = r"^X must have columns whose root mean square is 0 or at least 1e-156, .* column 5:"
    for settings in ({}, {"fit_intercept": False}, {"standardize": True}):
        with pytest.raises(ValueError, match=message):
            riata.fit_path(store(A), y, **settings)
    with pytest.raises(ValueError, match=message):
        riata.fit_path(store(A), (y > 0) * 1.0, family="binomial")
    with pytest.raises(ValueError, match=message):
        riata.cross_validate(store(A), y, cv=3)
    with pytest.raises(ValueError, match=message):
        riata.alpha_max(store(A), y)


@EACH_STORAGE
def test_sizes_that_defy_a_block_of_any_width(store):
    for n, p in ((7, 9), (17, 3), (33, 65), (3, 129), (257, 5)):
        A, y = regression(n, p, seed=n, density=0.8)
        certified_fit(store(A), y, n_alphas=4)


def test_almost_empty_columns():
    A = np.zeros((50, 300))
    A[np.arange(50), 6 * np.arange(50)] = 1.0
    y = np.random.default_rng(65).standard_normal(50)
    for store in FEW_STORAGES.values():
        certified_fit(store(A), y, n_alphas=8, standardize=True)
    certified_fit(csc_array(A), y, n_alphas=8, l1_ratio=0.5)


def test_strong_correlation_between_all_columns():
    rng = np.random.default_rng(66)
    A = rng.standard_normal((40, 1)) + 1e-3 * rng.standard_normal((40, 15))
    y = A[:, 0] + 0.1 * rng.standard_normal(40)
    certified_fit(A, y, n_alphas=15)
    certified_fit(A, y, n_alphas=15, l1_ratio=0.5)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_target_that_the_features_explain_exactly(fit_intercept):
    y = X @ np.arange(8.0)
    certified_fit(X, y, n_alphas=10, tol=1e-9, fit_intercept=fit_intercept)


@pytest.mark.parametrize("stalled", [False, True])
def test_a_floor_that_overflows_hides_no_gap(stalled):
    """Status precision_floor says that a gap is as small as doubles can tell."""
    some = object.__new__(riata.problem.Problem)
    some.deadline = np.inf
    assert some.verdict(1.0, 1e-6, np.inf, 0, stalled=stalled) == "max_iter"
    assert some.verdict(1e-5, 1e-6, 1e-4, 0, stalled=stalled) == "precision_floor"


def test_ridge_on_numbers_near_the_largest_makes_numpy_warn_of_nothing():
    X, y = regression(30, 4, seed=77)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = riata.fit_path(X * 1e138, y * 1e138, l1_ratio=0.0, n_alphas=4)
    assert set(path.status) == {"converged"}
    A = X - X.mean(axis=0)
    for alpha in path.alphas:
        gram = A.T @ A / len(y) + alpha / 1e138 / 1e138 * np.eye(4)
        exact = np.linalg.solve(gram, A.T @ y / len(y))
        np.testing.assert_allclose(path.coef(alpha), exact, rtol=1e-6)
