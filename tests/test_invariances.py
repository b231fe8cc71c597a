"""Changes to a problem that must not change its answer, or change it in a known way."""

import numpy as np
import pytest
from certified import certified_fit
from problems import FEW_STORAGES, regression, weights

import riata

X, Y = regression(40, 14, seed=101, density=0.7)
WIDE, WIDE_Y = regression(18, 60, seed=102)
GRID = {"n_alphas": 10, "tol": 1e-11}
EACH_STORAGE = pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)


def close(first, second, atol=1e-5):
    np.testing.assert_allclose(first, second, atol=atol * max(1, np.abs(second).max()))


@EACH_STORAGE
@pytest.mark.parametrize("settings", [{}, {"l1_ratio": 0.5}, {"standardize": True}], ids=str)
def test_permuted_columns_permute_the_coefficients(store, settings):
    order = np.random.default_rng(103).permutation(14)
    plain = certified_fit(store(X), Y, **GRID, **settings)
    permuted = certified_fit(store(X[:, order]), Y, **GRID, **settings)
    close(permuted.coefs.toarray(), plain.coefs.toarray()[order])


@EACH_STORAGE
def test_permuted_rows_change_nothing(store):
    order, s = np.random.default_rng(104).permutation(40), weights(40)
    plain = certified_fit(store(X), Y, sample_weight=s, **GRID)
    permuted = certified_fit(store(X[order]), Y[order], sample_weight=s[order], **GRID)
    close(permuted.coefs.toarray(), plain.coefs.toarray())


@EACH_STORAGE
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_standardized_coefficients_scale_with_the_units_of_their_column(store, l1_ratio):
    unit = 10.0 ** np.random.default_rng(105).uniform(-4, 4, 14)
    settings = {**GRID, "l1_ratio": l1_ratio, "standardize": True}
    plain = certified_fit(store(X), Y, **settings)
    scaled = certified_fit(store(X * unit), Y, **settings)
    close(scaled.coefs.toarray() * unit[:, None], plain.coefs.toarray())


def test_a_column_scaled_with_its_factor_scales_its_coefficient():
    unit = 10.0 ** np.random.default_rng(106).uniform(-3, 3, 14)
    plain = certified_fit(X, Y, **GRID)
    scaled = certified_fit(X * unit, Y, penalty_factor=unit, **GRID)
    close(scaled.coefs.toarray() * unit[:, None], plain.coefs.toarray())


def test_standardisation_is_penalising_in_units_of_the_spread():
    sd = X.std(axis=0)
    standardized = certified_fit(X, Y, standardize=True, **GRID)
    by_hand = certified_fit(X / sd, Y, **GRID)
    close(standardized.coefs.toarray() * sd[:, None], by_hand.coefs.toarray())


@pytest.mark.parametrize("scale", [1e-6, 1e5])
def test_y_and_alpha_scale_together(scale):
    alphas = np.geomspace(1, 0.01, 6)
    plain = certified_fit(X, Y, alphas=alphas, tol=1e-11)
    scaled = certified_fit(X, Y * scale, alphas=alphas * scale, tol=1e-11)
    close(scaled.coefs.toarray() / scale, plain.coefs.toarray())
    np.testing.assert_allclose(scaled.null_objective / scale**2, plain.null_objective)


def test_flipped_columns_with_flipped_bounds_flip_the_coefficients():
    plain = certified_fit(X, Y, lower_bounds=-0.1, upper_bounds=0.7, **GRID)
    flipped = certified_fit(-X, Y, lower_bounds=-0.7, upper_bounds=0.1, **GRID)
    close(-flipped.coefs.toarray(), plain.coefs.toarray())


@EACH_STORAGE
def test_shifted_columns_change_the_intercept_only(store):
    plain = certified_fit(store(X), Y, **GRID)
    shifted = certified_fit(store(X + 5), Y, **GRID)
    close(shifted.coefs.toarray(), plain.coefs.toarray())
    moved = plain.intercepts - 5 * np.asarray(plain.coefs.sum(axis=0)).ravel()
    close(shifted.intercepts, moved)


@EACH_STORAGE
@pytest.mark.parametrize(("A", "y"), [(X, Y), (WIDE, WIDE_Y)], ids=["tall", "wide"])
def test_ridge_is_least_squares_on_augmented_rows(store, A, y):
    n, p = A.shape
    alphas = [10.0, 0.5, 0.01]
    settings = {"fit_intercept": False, "tol": 1e-11}
    ridge = certified_fit(store(A), y, alphas=alphas, l1_ratio=0.0, **settings)
    for k, alpha in enumerate(alphas):
        rows = np.vstack([A, np.sqrt(n * alpha) * np.eye(p)])
        squares = certified_fit(store(rows), np.r_[y, np.zeros(p)], alphas=[0], **settings)
        close(ridge.coefs.toarray()[:, k], squares.coefs.toarray()[:, 0])


@EACH_STORAGE
@pytest.mark.parametrize(("A", "y"), [(X, Y), (WIDE, WIDE_Y)], ids=["tall", "wide"])
@pytest.mark.parametrize("l1_ratio", [0.9, 0.3])
def test_the_elastic_net_is_the_lasso_on_augmented_rows(store, A, y, l1_ratio):
    n, p = A.shape
    alpha, settings = 0.1, {"fit_intercept": False, "tol": 1e-11}
    net = certified_fit(store(A), y, alphas=[alpha], l1_ratio=l1_ratio, **settings)
    rows = np.vstack([A, np.sqrt(n * alpha * (1 - l1_ratio)) * np.eye(p)])
    lasso = certified_fit(
        store(rows), np.r_[y, np.zeros(p)], alphas=[alpha * l1_ratio * n / (n + p)], **settings
    )
    close(net.coefs.toarray(), lasso.coefs.toarray())


def test_the_lasso_is_the_limit_of_the_elastic_net():
    alphas = [0.3, 0.03]
    lasso = certified_fit(X, Y, alphas=alphas, l1_ratio=1.0, tol=1e-11)
    net = certified_fit(X, Y, alphas=alphas, l1_ratio=1 - 1e-9, tol=1e-11)
    close(net.coefs.toarray(), lasso.coefs.toarray())


@EACH_STORAGE
@pytest.mark.parametrize("settings", [{}, {"standardize": True, "l1_ratio": 0.5}], ids=str)
def test_any_number_of_threads_gives_the_same_bits(store, settings):
    for shape in ((150, 400), (1500, 30)):
        A, y = regression(*shape, seed=107, density=0.5)
        fits = [
            certified_fit(store(A), y, n_alphas=4, n_threads=threads, **settings)
            for threads in (1, 2, 3)
        ]
        for other in fits[1:]:
            for name in ("alphas", "intercepts", "dual_gaps", "n_iter", "df", "deviance_ratio"):
                np.testing.assert_array_equal(getattr(other, name), getattr(fits[0], name))
            np.testing.assert_array_equal(other.coefs.toarray(), fits[0].coefs.toarray())


def test_threads_split_a_matrix_large_enough_for_blocks_without_changing_bits():
    rng = np.random.default_rng(108)
    A = rng.standard_normal((400, 8000))
    y = A[:, :20].sum(axis=1) + rng.standard_normal(400)
    gaps = [riata.alpha_max(A, y), riata.alpha_max(np.asfortranarray(A), y)]
    assert gaps[0] == pytest.approx(gaps[1], rel=1e-12)
    settings = {"n_alphas": 2, "alpha_min_ratio": 0.5}
    one, two = (certified_fit(A, y, n_threads=k, **settings) for k in (1, 2))
    np.testing.assert_array_equal(one.coefs.toarray(), two.coefs.toarray())
    np.testing.assert_array_equal(one.alphas, two.alphas)


def test_a_second_fit_gives_the_same_bits():
    one, two = (certified_fit(WIDE, WIDE_Y) for _ in range(2))
    np.testing.assert_array_equal(one.coefs.toarray(), two.coefs.toarray())
    np.testing.assert_array_equal(one.dual_gaps, two.dual_gaps)


@EACH_STORAGE
def test_float32_values_are_solved_as_the_float64_numbers_they_are(store):
    single = WIDE.astype(np.float32)
    fits = [certified_fit(store(A), WIDE_Y, **GRID) for A in (single, single.astype(float))]
    close(fits[0].coefs.toarray(), fits[1].coefs.toarray(), atol=1e-9)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
def test_coefficients_whose_squares_overflow(family):
    """Coefficients of 1e155 belong to features of 1e-155; a lasso squares none of them."""
    y = {"gaussian": Y, "binomial": (Y > 0.0) * 1.0, "poisson": np.floor(np.abs(Y))}[family]
    plain = riata.fit_path(X, y, family=family, **GRID)
    tiny = riata.fit_path(1e-155 * X, y, family=family, **GRID)
    assert set(tiny.status) <= {"converged", "precision_floor"}
    close(tiny.alphas * 1e155, plain.alphas)
    close(tiny.coefs.toarray() * 1e-155, plain.coefs.toarray())
