"""riata.duality_gap judges any coefficients, wherever they came from, as the oracle does."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from certified import certified_fit, certified_gap
from oracle import Problem
from problems import FEW_STORAGES, regression, weights
from scipy.special import logsumexp

import riata
from riata.certify import dual_of
from riata.design import make_design

X, Y = regression(30, 12, seed=111, density=0.7)
WIDE, WIDE_Y = regression(12, 40, seed=112)
FACTOR = np.r_[0.0, 0.0, np.inf, np.linspace(0.5, 2, 9)]
SETTINGS = {
    "lasso": {},
    "elastic net": {"l1_ratio": 0.4},
    "ridge": {"l1_ratio": 0.0},
    "without intercept": {"fit_intercept": False},
    "standardized": {"standardize": True, "l1_ratio": 0.8},
    "weighted": {"sample_weight": weights(30), "offset": np.linspace(-3, 3, 30)},
    "weighted and unpenalised": {"sample_weight": weights(30), "penalty_factor": FACTOR},
    "non-negative": {"lower_bounds": 0.0},
    "boxed": {"lower_bounds": -0.5, "upper_bounds": 1.0, "l1_ratio": 0.5},
    "boxed lasso": {"lower_bounds": -0.5, "upper_bounds": 1.0},
}
EACH_SETTING = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


def candidates(settings, size):
    """Return feasible coefficients: zero, a few random ones, and rough solutions."""
    problem = Problem(X, Y, **settings)
    rng = np.random.default_rng(113)
    zero = np.zeros(12)
    near = riata.fit_path(X, Y, alphas=[0.2], tol=1e-3, **settings).coefs.toarray()[:, 0]
    for coef in (zero, near, 1.1 * near, size * rng.standard_normal(12), -near):
        yield problem, np.clip(coef, problem.lower, problem.upper)


@EACH_SETTING
@pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)
@pytest.mark.parametrize("alpha", [1e-4, 0.2, 5.0])
def test_the_gap_of_any_coefficients_is_the_oracles(settings, store, alpha):
    for size in (1e-3, 10.0):
        for problem, coef in candidates(settings, size):
            best = problem.y_mean - problem.mean @ coef if problem.fit_intercept else 0.0
            for intercept in {best, best + 0.3 * problem.fit_intercept}:
                certified_gap(store(X), Y, coef, intercept, alpha, truth=X, **settings)


def test_a_wrong_intercept_costs_half_its_square():
    coef, intercept = certified_fit(X, Y, alphas=[0.2], tol=1e-12).coef(0.2), None
    problem = Problem(X, Y)
    intercept = problem.y_mean - problem.mean @ coef
    right = certified_gap(X, Y, coef, intercept, 0.2)
    wrong = certified_gap(X, Y, coef, intercept + 0.1, 0.2)
    assert wrong - right == pytest.approx(0.005, rel=1e-6)


@EACH_SETTING
def test_the_gap_bounds_the_suboptimality(settings):
    best = certified_fit(X, Y, alphas=[0.2], tol=1e-12, **settings)
    for problem, coef in candidates(settings, 1.0):
        intercept = problem.y_mean - problem.mean @ coef if problem.fit_intercept else 0.0
        optimum = problem.objective(best.coef(0.2), best.intercept(0.2), 0.2)
        excess = problem.objective(coef, intercept, 0.2) - optimum
        gap = certified_gap(X, Y, coef, intercept, 0.2, **settings)
        assert gap >= excess - 1e-10


@EACH_SETTING
def test_the_gap_of_a_path_is_the_one_it_reports(settings):
    path = certified_fit(X, Y, n_alphas=6, tol=1e-4, **settings)
    coefs = path.coefs.toarray()
    for k, alpha in enumerate(path.alphas):
        gap = certified_gap(X, Y, coefs[:, k], path.intercepts[k], alpha, **settings)
        assert gap == pytest.approx(path.dual_gaps[k], rel=1e-6, abs=1e-12 * path.null_objective)


@pytest.mark.parametrize("alpha", [0.001, 0.1, 1.0])
def test_coefficients_of_scikit_learn_are_judged(alpha):
    for A, y in ((X, Y), (WIDE, WIDE_Y)):
        model = sklearn.linear_model.Lasso(alpha=alpha, tol=1e-3).fit(A, y)
        certified_gap(A, y, model.coef_, model.intercept_, alpha)
        model = sklearn.linear_model.ElasticNet(alpha=alpha, l1_ratio=0.3, tol=1e-3).fit(A, y)
        certified_gap(A, y, model.coef_, model.intercept_, alpha, l1_ratio=0.3)
        model = sklearn.linear_model.Ridge(alpha=alpha * len(y)).fit(A, y)
        gap = certified_gap(A, y, model.coef_, model.intercept_, alpha, l1_ratio=0.0)
        assert gap <= 1e-12


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_gap_at_alpha_zero_is_the_distance_to_least_squares(fit_intercept):
    problem = Problem(X, Y, fit_intercept=fit_intercept)
    exact = np.linalg.lstsq(problem.X, problem.y, rcond=None)[0]
    for coef in (exact, exact * 1.01, np.zeros(12)):
        intercept = problem.y_mean - problem.mean @ coef
        gap = certified_gap(X, Y, coef, intercept, 0.0, fit_intercept=fit_intercept)
        excess = problem.loss(coef, intercept) - problem.loss(
            exact, problem.y_mean - problem.mean @ exact
        )
        assert gap == pytest.approx(excess, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize(
    ("settings", "coef"),
    [
        ({"lower_bounds": 0.0}, -1e-9),
        ({"upper_bounds": 0.5}, 0.5 + 1e-9),
        ({"penalty_factor": np.inf}, 1e-9),
    ],
    ids=["lower", "upper", "excluded"],
)
def test_coefficients_outside_of_the_bounds_have_an_infinite_gap(settings, coef):
    assert riata.duality_gap(X, Y, np.full(12, coef), 0.0, 0.1, **settings) == np.inf


@pytest.mark.parametrize("shift", [1e3, 1e6, 1e8])
def test_the_gap_survives_columns_with_large_means(shift):
    A = X + shift
    coef = certified_fit(X, Y, alphas=[0.2], tol=1e-10).coef(0.2)
    problem = Problem(A, Y)
    for store in FEW_STORAGES.values():
        certified_gap(store(A), Y, coef, problem.y_mean - problem.mean @ coef, 0.2, truth=A)


def test_the_gap_is_never_negative_near_the_optimum():
    for seed in range(30):
        A, y = regression(25, 10, seed=seed)
        path = certified_fit(A, y, alphas=[0.3, 0.01], tol=1e-14)
        for alpha in path.alphas:
            assert certified_gap(A, y, path.coef(alpha), path.intercept(alpha), alpha) >= 0


@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
def test_a_row_of_weight_zero_is_no_row_however_far_out_it_is(family):
    counts = 1.0 + np.floor(np.exp(0.3 * X[:, 0]))
    coef, alpha = 0.1 * np.sign(X.T @ (counts - counts.mean())), 0.2
    far, more = np.vstack([X, 1e6 * X[:1]]), np.r_[counts, 1e100]
    alone = riata.duality_gap(X, counts, coef, 0.3, alpha, family=family)
    both = riata.duality_gap(
        far, more, coef, 0.3, alpha, family=family, sample_weight=np.r_[np.ones(30), 0.0]
    )
    assert np.isfinite(alone)
    np.testing.assert_allclose(both, alone, rtol=1e-9)


@pytest.mark.parametrize(
    "kind", [np.asfortranarray, np.ascontiguousarray, sp.csc_array, sp.csr_array]
)
@pytest.mark.parametrize("family", ["huber", "squared_hinge"])
def test_free_feature_on_rows_without_curvature(family, kind):
    """It can't be projected out in the metric of the curvature: the gap came out below what the
    point was from the optimum, or so large that the best fit was none."""
    rng = np.random.default_rng(0)
    X, noise = rng.standard_normal((60, 5)), 0.3 * rng.standard_normal(60)
    X[:, 0] = 0.0
    X[-6:, 0] = 1.0
    y = X[:, 1] + noise
    if family == "huber":
        y[-6:] += 20.0
    else:
        y = (y > 0.0).astype(int)
        X[-6:, 1] = np.where(y[-6:] > 0, 9.0, -9.0)
    factors, alpha = np.array([0.0, 1.0, 1.0, 1.0, 1.0]), 0.02
    settings = {"family": family, "penalty_factor": factors}
    path = riata.fit_path(kind(X), y, alphas=alpha, tol=1e-8, **settings)
    assert path.status.tolist() == ["converged"]
    coef, intercept = path.coef(alpha), path.intercept(alpha)

    def objective(b):
        eta = X @ b + intercept
        far = np.abs(y - eta)
        loss = np.where(far <= 1.35, far**2 / 2, 1.35 * far - 1.35**2 / 2)
        if family == "squared_hinge":
            loss = np.maximum(0.0, 1.0 - (2 * y - 1) * eta) ** 2 / 2
        return loss.mean() + alpha * np.abs(b[1:]).sum()

    for off in (0.0, 0.01, 1.0, 5.0, -3.0):
        b = coef - off * np.eye(5)[0]
        lost = objective(b) - objective(coef)
        gap = riata.duality_gap(kind(X), y, b, intercept, alpha, **settings)
        assert 0.999 * lost - 1e-8 <= gap <= 1.1 * lost + 1e-8


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("bounds", [{"lower_bounds": -0.5}, {"upper_bounds": 1.0}])
def test_constant_column_with_a_bound(bounds, family):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    X[:, 2] = 3.0
    y = X[:, 0] + 1.0 + rng.standard_normal(60)
    y = y if family == "gaussian" else y > 1.0
    settings = {"standardize": True, "sample_weight": 0.1 + rng.random(60), "family": family}
    path = riata.fit_path(X, y, n_alphas=4, **settings, **bounds)
    for k, alpha in enumerate(path.alphas):
        coef, intercept = path.coef(alpha), path.intercept(alpha)
        gap = riata.duality_gap(X, y, coef, intercept, alpha, **settings, **bounds)
        assert 0.0 <= gap <= path.dual_gaps[k] + 1e-6 * path.null_objective


LOSSES = {
    "poisson": lambda y, eta: np.exp(eta) - y * eta,
    "binomial": lambda y, eta: np.logaddexp(0.0, eta) - y * eta,
    "squared_hinge": lambda y, eta: 0.5 * np.maximum(0.0, 1.0 - (2.0 * y - 1.0) * eta) ** 2,
}
FAR = [30.0, 100.0, 200.0, 1e5, 1e100, 1e200, 1e300]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("factor", [None, [0.0, 1.0, 1.0]], ids=["penalised", "one is not"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("family", LOSSES)
def test_coefficients_far_out_are_judged_as_any(family, fit_intercept, factor):
    """Danger: exp(eta), whose square passes the largest double, made duality_gap raise."""
    rng = np.random.default_rng(9)
    X = rng.standard_normal((40, 3))
    y = (rng.random(40) < 0.5).astype(float)
    settings = {"family": family, "fit_intercept": fit_intercept, "penalty_factor": factor}
    path = riata.fit_path(X, y, alphas=[0.1], tol=1e-10, **settings)

    def objective(coef, intercept):
        with np.errstate(over="ignore"):
            loss = LOSSES[family](y, X @ coef + intercept).mean()
        return loss + 0.1 * float(np.abs(coef) @ (np.ones(3) if factor is None else factor))

    least = objective(path.coef(0.1), float(path.intercepts[0]))
    for size in FAR:
        coef = np.full(3, size)
        gap = riata.duality_gap(X, y, coef, 0.0, 0.1, **settings)
        above = objective(coef, 0.0) - least
        assert gap >= 0.999 * above, size


@pytest.mark.parametrize("factor", [None, [0.0, 1.0, 1.0]], ids=["penalised", "one is not"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_classes_far_apart_are_judged_as_any(fit_intercept, factor):
    """Danger: of a class without a chance, 690 counted at most, whatever was lost."""
    rng = np.random.default_rng(9)
    X, labels = rng.standard_normal((40, 3)), np.arange(40) % 3
    settings = {"family": "multinomial", "fit_intercept": fit_intercept, "penalty_factor": factor}
    path = riata.fit_path(X, labels, alphas=[0.1], tol=1e-10, **settings)
    weight = np.ones(3) if factor is None else np.array(factor)

    def objective(coef, intercept):
        eta = X @ coef.T + intercept
        loss = logsumexp(eta, axis=1) - eta[np.arange(40), labels]
        return loss.mean() + 0.1 * (np.abs(coef) @ weight).sum()

    least = objective(path.coef(0.1), path.intercept(0.1))
    for size in [1.0, 30.0, 1e3, 1e5, 1e100]:
        coef = size * rng.standard_normal((3, 3))
        gap = riata.duality_gap(X, labels, coef, np.zeros(3), 0.1, **settings)
        assert gap >= 0.999 * (objective(coef, 0.0) - least), size


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("family", ["gaussian", "gamma", "tweedie", "huber", "multigaussian"])
def test_coefficients_far_out_make_no_family_stumble(family):
    rng = np.random.default_rng(9)
    X, y = rng.standard_normal((40, 3)), rng.random(40) + 0.5
    y = np.column_stack([y, y[::-1]]) if family == "multigaussian" else y
    for size in FAR:
        coef = np.full((2, 3) if y.ndim == 2 else 3, size)
        intercept = np.zeros(2) if y.ndim == 2 else 0.0
        assert riata.duality_gap(X, y, coef, intercept, 0.1, family=family) > 1.0


def test_a_sum_that_has_overflowed_is_not_taken_for_zero():
    w = np.full(30, 1 / 30)
    design = make_design(X, w, centred=True, n_threads=1)
    v = 1e200 * np.random.default_rng(9).random(30)
    free = np.full(30, -np.inf), np.full(30, np.inf)
    found, _ = dual_of(design.panel(w), design, v, np.ones(30), free)
    assert np.abs(found).max() > 1e199
    assert abs(w @ found) <= 1e-14 * np.abs(found).max()


@pytest.mark.parametrize("unit", [1e-7, 1e-9])
@pytest.mark.parametrize("family", ["multinomial", "multigaussian"])
def test_units_of_unpenalised_features_do_not_hide_them_from_the_gap(family, unit):
    """Danger: small columns were taken for rounding beside large ones, and not projected out."""
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((3, 100))
    labels = np.digitize(b + 0.5 * rng.standard_normal(100), [-0.5, 0.5])
    y = labels if family == "multinomial" else np.c_[b, -b] + 0.1 * rng.standard_normal((100, 2))
    K = 3 if family == "multinomial" else 2
    start = np.log(np.bincount(labels) / 100) if family == "multinomial" else y.mean(axis=0)
    settings = {"family": family, "penalty_factor": [0.0, 0.0, 1.0]}
    best = riata.fit_path(np.c_[a, b, c], y, alphas=[0.05], tol=1e-9, **settings)
    X = np.c_[1e3 * a, 1e3 * unit * b, c]
    gap = riata.duality_gap(X, y, np.zeros((K, 3)), start, 0.05, **settings)
    fitted = np.zeros((K, 3))
    fitted[:] = best.coef(0.05) / np.array([1e3, 1e3 * unit, 1.0])
    assert riata.duality_gap(X, y, fitted, best.intercept(0.05), 0.05, **settings) < 1e-5
    constant = riata.fit_path(X[:, :1] * 0.0, y, family=family, alphas=[1.0]).null_objective
    fit = best.null_objective * (1.0 - best.deviance_ratio[0]) + 0.05 * np.linalg.norm(fitted[:, 2])
    assert gap >= 0.99 * (constant - fit)


def test_one_intercept_stands_for_that_of_all_responses():
    rng = np.random.default_rng(5)
    A, y = rng.standard_normal((30, 4)), rng.standard_normal((30, 2))
    coef = rng.standard_normal((2, 4))
    settings = {"family": "multigaussian", "fit_intercept": False}
    one = riata.duality_gap(A, y, coef, 0.0, 0.1, **settings)
    assert one == riata.duality_gap(A, y, coef, np.zeros(2), 0.1, **settings)
