"""The oracle is right on problems small enough for brute force, and rejects wrong answers."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from oracle import Claim, Problem, check_claim, check_path, dense64, expected_grid
from problems import STORAGES, regression, weights

RNG = np.random.default_rng(20)
X, Y = regression(12, 4, seed=3)
SETTINGS = {
    "lasso": {},
    "elastic net": {"l1_ratio": 0.4},
    "ridge": {"l1_ratio": 0.0},
    "no intercept": {"fit_intercept": False},
    "standardized": {"standardize": True, "l1_ratio": 0.7},
    "weighted": {"sample_weight": weights(12), "offset": RNG.standard_normal(12)},
    "penalty factors": {"penalty_factor": [1.0, 0.0, np.inf, 3.0]},
    "non-negative": {"lower_bounds": 0.0},
    "boxed": {"lower_bounds": -0.3, "upper_bounds": [0.1, 2.0, 0.5, np.inf], "l1_ratio": 0.5},
    "boxed and free": {"penalty_factor": [0, 1, 0, 1], "lower_bounds": [-np.inf, -1, 0, 0]},
}


def brute_force(problem, alpha):
    """Solve by trying, for every feature, each of: zero, positive, negative, at a bound."""
    l1, l2 = problem.penalty(alpha)
    best, best_value = None, np.inf
    choices = []
    for j in range(problem.p):
        inner = [("free", 0.0)] if l1[j] == 0 else [("free", 1.0), ("free", -1.0)]
        fixed = {0.0, problem.lower[j], problem.upper[j]} - {np.inf, -np.inf}
        choices.append(inner + [("fixed", value) for value in sorted(fixed)])
    for choice in product(*choices):
        free = np.array([kind == "free" for kind, _ in choice])
        value = np.array([number for _, number in choice])
        coef = np.where(free, 0.0, value)
        A = problem.X[:, free]
        gram = A.T @ (problem.w[:, None] * A) + np.diag(l2[free])
        target = problem.y - problem.X @ coef
        coef[free] = np.linalg.lstsq(
            gram, A.T @ (problem.w * target) - l1[free] * value[free], rcond=None
        )[0]
        intercept = problem.y_mean - problem.mean @ coef
        objective = problem.objective(coef, intercept, alpha)
        if objective < best_value:
            best, best_value = (coef, intercept), objective
    return best


@pytest.fixture(params=SETTINGS)
def solved(request):
    problem = Problem(X, Y, **SETTINGS[request.param])
    alpha = 0.2 * problem.alpha_max()
    return problem, alpha, *brute_force(problem, alpha)


def accepts(problem, alpha, coef, intercept):
    """Tell whether check_claim takes these coefficients for a solution, the gap being honest."""
    null = problem.null_objective()
    gap = problem.gap(coef, intercept, alpha)
    try:
        check_claim(problem, Claim(alpha, coef, intercept, gap, "converged"), null, 1e-9)
    except AssertionError:
        return False
    return True


def test_the_gap_and_the_kkt_residual_of_a_brute_force_solution_are_zero(solved):
    problem, alpha, coef, intercept = solved
    assert problem.gap(coef, intercept, alpha) <= 1e-13 * problem.null_objective()
    assert problem.kkt_residual(coef, intercept, alpha) <= 1e-12
    assert accepts(problem, alpha, coef, intercept)


def test_the_gap_bounds_the_objective_of_any_coefficients(solved):
    problem, alpha, coef, intercept = solved
    optimum = problem.objective(coef, intercept, alpha)
    for size in (1e-6, 1e-3, 0.1, 1.0, 30.0):
        noise = size * RNG.standard_normal(problem.p)
        other = np.clip(coef + noise, problem.lower, problem.upper)
        moved = intercept + (size * RNG.standard_normal() if problem.fit_intercept else 0.0)
        excess = problem.objective(other, moved, alpha) - optimum
        assert 0 <= excess <= problem.gap(other, moved, alpha)


def test_the_gap_bounds_the_error_of_the_fit(solved):
    problem, alpha, coef, intercept = solved
    other = np.clip(coef + 0.1, problem.lower, problem.upper)
    moved = problem.residual(other, intercept) - problem.residual(coef, intercept)
    error = problem.w @ moved**2
    assert error <= 2 * problem.gap(other, intercept, alpha)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda coef, b0: (-coef, b0),
        lambda coef, b0: (coef * 1.001, b0),
        lambda coef, b0: (np.where(coef == np.abs(coef).max(), 0, coef), b0),
        lambda coef, b0: (np.roll(coef, 1), b0),
        lambda coef, b0: (coef, b0 + 1e-3),
        lambda coef, b0: (coef * 0, b0),
        lambda coef, b0: (coef * np.nan, b0),
    ],
    ids=["sign", "length", "dropped", "order", "intercept", "zero", "NaN"],
)
def test_a_wrong_answer_is_rejected(spoil):
    problem = Problem(X, Y)
    alpha = 0.2 * problem.alpha_max()
    coef, intercept = brute_force(problem, alpha)
    coef = coef * np.sign(coef[np.argmax(np.abs(coef))])
    problem = Problem(X * np.sign(coef[np.argmax(np.abs(coef))]), Y)
    coef, intercept = brute_force(problem, alpha)
    assert accepts(problem, alpha, coef, intercept)
    assert not accepts(problem, alpha, *spoil(coef, intercept))


@pytest.mark.parametrize(
    ("reported", "status", "tol"),
    [
        (0.0, "converged", 1e-2),
        (-1e-3, "converged", 1e-2),
        (np.nan, "converged", 1e-2),
        (None, "converged", 1e-9),
        (None, "precision_floor", 1e-9),
        (None, "fine", 1e-2),
    ],
    ids=["too small", "negative", "NaN", "above tol", "above rounding", "unknown word"],
)
def test_a_wrong_claim_about_a_rough_answer_is_rejected(reported, status, tol):
    problem = Problem(X, Y)
    alpha = 0.2 * problem.alpha_max()
    coef = brute_force(problem, alpha)[0] * 1.001
    gap = problem.gap(coef, problem.y_mean - problem.mean @ coef, alpha)
    assert 1e-6 < gap / problem.null_objective() < 1e-2
    claim = Claim(alpha, coef, problem.y_mean - problem.mean @ coef, gap, "converged")
    check_claim(problem, claim, problem.null_objective(), 1e-2)
    wrong = claim._replace(status=status, dual_gap=gap if reported is None else reported)
    with pytest.raises(AssertionError):
        check_claim(problem, wrong, problem.null_objective(), tol)


def test_coefficients_outside_of_their_bounds_or_excluded_are_rejected():
    problem = Problem(X, Y, penalty_factor=[1, np.inf, 1, 1], upper_bounds=1.0)
    alpha = 0.2 * problem.alpha_max()
    coef, intercept = brute_force(problem, alpha)
    assert accepts(problem, alpha, coef, intercept)
    for j, value in ((1, 1e-9), (0, 1 + 1e-9)):
        outside = coef.copy()
        outside[j] = value
        assert problem.gap(outside, intercept, alpha) == np.inf
        assert not accepts(problem, alpha, outside, intercept)


def test_at_alpha_zero_least_squares_is_accepted_and_nothing_else():
    problem = Problem(X, Y)
    coef, intercept = brute_force(problem, 0.0)
    assert accepts(problem, 0.0, coef, intercept)
    assert not accepts(problem, 0.0, coef * 1.001, intercept)


def test_the_solution_agrees_with_a_smooth_solver():
    problem = Problem(X, Y, l1_ratio=0.5, sample_weight=weights(12))
    alpha = 0.1 * problem.alpha_max()
    coef, intercept = brute_force(problem, alpha)

    def split(z):
        return problem.objective(z[:4] - z[4:8], z[8], alpha)

    start = np.append(np.zeros(8), problem.y_mean)
    bounds = [(0, None)] * 8 + [(None, None)]
    found = scipy.optimize.minimize(split, start, bounds=bounds, options={"ftol": 1e-15})
    optimum = problem.objective(coef, intercept, alpha)
    assert optimum - 1e-12 <= found.fun <= optimum * (1 + 1e-5)


def test_at_alpha_max_zero_is_a_solution_and_just_below_it_is_not(solved):
    problem, _, _, _ = solved
    if problem.l1_ratio == 0:
        return  # ridge has no such alpha; its grid's top is a convention
    top = problem.alpha_max()
    for factor, zero in ((1.0, True), (1 + 1e-9, True), (0.99, False)):
        coef, _ = brute_force(problem, top * factor)
        penalised = coef[problem.v > 0]
        assert (np.abs(penalised) <= 1e-12).all() == zero


def test_the_null_residual_with_a_bounded_unpenalised_feature_is_least_squares():
    problem = Problem(X, Y, penalty_factor=[0, 0, 1, 1], lower_bounds=[0, -0.1, -1, -1])
    A = np.sqrt(problem.w)[:, None] * problem.X[:, :2]
    best = scipy.optimize.lsq_linear(
        A, np.sqrt(problem.w) * problem.y, ([0, -0.1], [np.inf, np.inf]), tol=1e-14
    )
    assert problem.null_objective() == pytest.approx(best.cost, rel=1e-9)


def test_df_of_ridge_is_the_trace_of_its_hat_matrix():
    problem = Problem(X, Y, l1_ratio=0.0)
    hat = problem.X @ np.linalg.solve(
        problem.X.T @ problem.X / 12 + 0.3 * np.eye(4), problem.X.T / 12
    )
    assert problem.df(np.ones(4), 0.3) == pytest.approx(np.trace(hat))


@pytest.mark.parametrize("storage", STORAGES)
def test_every_storage_is_the_same_dense_array_to_the_oracle(storage):
    A, _ = regression(9, 5, density=0.5)
    assert np.array_equal(dense64(STORAGES[storage](A)), A)


def test_duplicate_float32_entries_are_summed_in_float64():
    data = np.array([1e8, 1.0, -1e8], np.float32)
    assert dense64(sp.csc_array((data, [0, 0, 0], [0, 3]), shape=(1, 1))) == 1.0


def test_a_path_with_a_truncated_grid_is_rejected():
    problem = Problem(X, Y)
    grid = expected_grid(problem, n_alphas=5)
    solutions = [brute_force(problem, alpha) for alpha in grid]
    path = SimpleNamespace(
        alphas=grid,
        coefs=sp.csc_array(np.column_stack([coef for coef, _ in solutions])),
        intercepts=np.array([intercept for _, intercept in solutions]),
        dual_gaps=np.array(
            [problem.gap(*solution, alpha) for solution, alpha in zip(solutions, grid, strict=True)]
        ),
        status=np.array(["converged"] * 5),
        n_iter=np.ones(5, int),
        df=np.array([float((coef != 0).sum()) for coef, _ in solutions]),
        deviance_ratio=np.array([problem.deviance_ratio(*solution) for solution in solutions]),
        null_objective=problem.null_objective(),
    )
    check_path(path, X, Y, n_alphas=5)
    with pytest.raises(AssertionError, match="5 alphas instead of 6"):
        check_path(path, X, Y, n_alphas=6)
    for name in ("df", "deviance_ratio", "dual_gaps"):
        spoilt = SimpleNamespace(**vars(path))
        setattr(spoilt, name, getattr(path, name) + 1e-3)
        with pytest.raises(AssertionError):
            check_path(spoilt, X, Y, n_alphas=5)
