"""Bounds on the coefficients of classes: judged by the oracle of several responses, by another
solver, and by two classes under one response."""

import numpy as np
import pytest
from problems import FEW_STORAGES, weights
from scipy.optimize import minimize
from scipy.special import logsumexp
from test_multi_paths import LABELS, ONE_HOT, RNG, SETTINGS, K, N, Oracle, P, X, judged

import riata
from riata.estimators import LogisticRegression, LogisticRegressionCV, logistic_alpha
from riata.families import Multinomial
from riata.multi_descent import Descent

BOUNDS = {
    "not negative": {"lower_bounds": 0.0},
    "not positive": {"upper_bounds": 0.0},
    "boxes": {"lower_bounds": -0.3, "upper_bounds": 0.2},
    "one side": {"upper_bounds": np.linspace(0.0, 0.5, P)},
    "each its own": {
        "lower_bounds": np.where(np.arange(P) % 3, -np.inf, -0.1),
        "upper_bounds": np.where(np.arange(P) % 4, np.inf, 0.0),
    },
    "far out": {"lower_bounds": -1e6, "upper_bounds": 1e6},
}
NEAR = [name for name in BOUNDS if name != "far out"]  # where L-BFGS-B takes its time
EVERY = pytest.mark.parametrize("bounds", BOUNDS.values(), ids=BOUNDS)
PENALISED = {name: given for name, given in SETTINGS.items() if name != "unpenalised"}


def bounded(bounds, *args, **settings):
    path = judged("multinomial", LABELS, ONE_HOT, False, *args, **bounds, **settings)
    for alpha in path.alphas:
        coef = path.coef(alpha)
        assert (coef >= bounds.get("lower_bounds", -np.inf)).all()
        assert (coef <= bounds.get("upper_bounds", np.inf)).all()
    return path


@EVERY
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_every_storage(bounds, storage, fit_intercept):
    bounded(bounds, FEW_STORAGES[storage](X), fit_intercept=fit_intercept)


@EVERY
@pytest.mark.parametrize("settings", PENALISED.values(), ids=PENALISED)
def test_settings(bounds, settings):
    bounded(bounds, **settings)


@EVERY
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
def test_a_tight_tolerance(bounds, l1_ratio):
    bounded(bounds, tol=1e-9, l1_ratio=l1_ratio)


def test_features_without_bounds_may_go_unpenalised():
    lower = np.r_[-np.inf, -np.inf, np.zeros(P - 2)]
    bounded({"lower_bounds": lower}, **SETTINGS["unpenalised"])


@EVERY
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_without_the_full_curvature(bounds, l1_ratio, fit_intercept, monkeypatch):
    monkeypatch.setattr("riata.multi_descent.SIZE", 5)
    monkeypatch.setattr(Descent, "_coupled_step", None)
    bounded(bounds, l1_ratio=l1_ratio, fit_intercept=fit_intercept, tol=1e-8)


@EVERY
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_without_a_gram_matrix(bounds, l1_ratio, storage, monkeypatch):
    monkeypatch.setattr("riata.working_set.GRAM_LIMIT", 5)
    bounded(bounds, FEW_STORAGES[storage](X), l1_ratio=l1_ratio)


def fitted_elsewhere(oracle, alpha):
    """Return the least objective that L-BFGS-B finds over b = b+ - b-, both >= 0."""
    n_classes, p = oracle.y.shape[1], oracle.X.shape[1]
    l1, l2, _ = oracle.penalty(np.zeros((n_classes, p)), alpha)
    size = n_classes * p

    def value(parts):
        up, down = (half.reshape(n_classes, p) for half in np.split(parts[: 2 * size], 2))
        coef = up - down
        eta = oracle.o + parts[2 * size :] * oracle.fit_intercept + oracle.X @ coef.T
        pull = oracle.w[:, None] * (np.exp(eta - logsumexp(eta, axis=1, keepdims=True)) - oracle.y)
        slope = pull.T @ oracle.X + l2 * coef
        objective = oracle.loss(eta) + (l1 * (up + down)).sum() + (l2 * coef**2).sum() / 2
        return objective, np.concatenate(
            [(slope + l1).ravel(), (l1 - slope).ravel(), pull.sum(axis=0) * oracle.fit_intercept]
        )

    ends = np.concatenate([np.tile(oracle.upper, n_classes), np.tile(-oracle.lower, n_classes)])
    bounds = [(0.0, end) for end in ends] + [(None, None)] * n_classes
    found = minimize(
        value, np.zeros(2 * size + n_classes), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 50_000, "maxfun": 100_000, "ftol": 1e-16, "gtol": 1e-11, "maxcor": 50},
    )  # fmt: skip
    return found.fun


@pytest.mark.parametrize(("n_classes", "l1_ratio"), [(3, 1.0), (4, 0.5), (5, 0.9)])
@pytest.mark.parametrize("bounds", [BOUNDS[name] for name in NEAR], ids=NEAR)
def test_another_solver_finds_nothing_better(bounds, n_classes, l1_ratio):
    rng = np.random.default_rng(n_classes)
    labels = np.argmax(X[:, :n_classes] + rng.gumbel(size=(N, n_classes)), axis=1)
    settings = {
        **bounds,
        "l1_ratio": l1_ratio,
        "sample_weight": weights(N) + 0.01,
        "offset": 0.3 * rng.standard_normal((N, n_classes)),
        "fit_intercept": n_classes != 4,
    }
    path = riata.fit_path(
        X, labels, family="multinomial", n_alphas=3, alpha_min_ratio=0.05, tol=1e-10, **settings
    )
    oracle = Oracle(X, np.eye(n_classes)[labels], False, False, **settings)
    for k, alpha in enumerate(path.alphas):
        objective = oracle.objective(path.coef(alpha), path.intercept(alpha), alpha)
        other = fitted_elsewhere(oracle, alpha)
        assert objective - path.dual_gaps[k] <= other + 1e-13
        assert abs(objective - other) <= 1e-10 * path.null_objective


@pytest.mark.parametrize("lower", [0.0, -0.2, -np.inf])
@pytest.mark.parametrize("upper", [0.0, 0.1, np.inf])
def test_two_classes_are_one_response_between_what_both_allow(lower, upper):
    """b_1 - b_0 reaches from lower - upper to upper - lower, at its own lasso penalty."""
    y = LABELS == 0
    settings = {"n_alphas": 8, "alpha_min_ratio": 0.02, "tol": 1e-11, "sample_weight": weights(N)}
    if lower == upper == 0.0:
        settings.update(alphas=[1.0])
    one = riata.fit_path(
        X, y, family="binomial", lower_bounds=lower - upper, upper_bounds=upper - lower, **settings
    )
    two = riata.fit_path(
        X, y, family="multinomial", lower_bounds=lower, upper_bounds=upper, **settings
    )
    np.testing.assert_allclose(two.alphas, one.alphas, rtol=1e-9)
    np.testing.assert_allclose(two.null_objective, one.null_objective, rtol=1e-12)
    for alpha, other in zip(two.alphas, one.alphas, strict=True):
        coef, expected = two.coef(alpha), one.coef(other)
        np.testing.assert_allclose(coef[1] - coef[0], expected, atol=1e-7)
        assert np.abs(coef).sum() <= np.abs(expected).sum() + 1e-6


def test_two_classes_under_ridge_are_one_response():
    y, bound, alpha = LABELS == 0, 0.05, 0.05
    one = riata.fit_path(
        X, y, family="binomial", l1_ratio=0.0, alphas=[alpha], tol=1e-12, lower_bounds=-2 * bound,
        upper_bounds=2 * bound,
    )  # fmt: skip
    two = riata.fit_path(
        X, y, family="multinomial", l1_ratio=0.0, alphas=[2 * alpha], tol=1e-12,
        lower_bounds=-bound, upper_bounds=bound,
    )  # fmt: skip
    coef = two.coef(2 * alpha)
    assert (coef == bound).any()
    np.testing.assert_allclose(coef[1] - coef[0], one.coef(alpha), atol=1e-6)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
def test_bounds_that_exclude_nothing_change_no_bit(l1_ratio):
    settings = {"family": "multinomial", "n_alphas": 6, "l1_ratio": l1_ratio}
    free = riata.fit_path(X, LABELS, **settings)
    held = riata.fit_path(
        X, LABELS, lower_bounds=-np.inf, upper_bounds=np.full(P, np.inf), **settings
    )
    assert np.array_equal(free.alphas, held.alphas)
    assert np.array_equal(free.dual_gaps, held.dual_gaps)
    for alpha in free.alphas:
        assert np.array_equal(free.coef(alpha), held.coef(alpha))
        assert np.array_equal(free.intercept(alpha), held.intercept(alpha))


@EVERY
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_alpha_max_is_the_least_that_empties_the_model(bounds, l1_ratio, fit_intercept):
    settings = {**bounds, "family": "multinomial", "l1_ratio": l1_ratio}
    settings.update(fit_intercept=fit_intercept, sample_weight=weights(N))
    top = riata.alpha_max(X, LABELS, **settings)
    path = riata.fit_path(X, LABELS, alphas=[top, 0.98 * top], tol=1e-10, **settings)
    assert not path.coef(top).any()
    assert path.coef(0.98 * top).any()
    w = weights(N) / weights(N).sum()
    mean = w @ ONE_HOT if fit_intercept else np.full(K, 1 / K)
    z = X.T @ (w[:, None] * (ONE_HOT - mean))
    up = np.broadcast_to(bounds.get("upper_bounds", np.inf), P) > 0
    down = np.broadcast_to(bounds.get("lower_bounds", -np.inf), P) < 0
    expected = max(z[up].max(initial=0), -z[down].min(initial=0)) / l1_ratio
    np.testing.assert_allclose(top, expected, rtol=1e-10)


def test_the_gap_of_coefficients_outside_the_bounds_is_infinite():
    coef = np.zeros((K, P))
    coef[1, 3] = 0.5
    given = (X, LABELS, coef, np.zeros(K), 0.1)
    assert riata.duality_gap(*given, family="multinomial") < np.inf
    for bounds in ({"upper_bounds": 0.4}, {"upper_bounds": np.linspace(0.2, 2, P)}):
        assert riata.duality_gap(*given, family="multinomial", **bounds) == np.inf
    above = np.linspace(0.25, 2.5, P)
    oracle = Oracle(X, ONE_HOT, False, False, upper_bounds=above)
    gap = riata.duality_gap(*given, family="multinomial", upper_bounds=above)
    np.testing.assert_allclose(gap, oracle.gap(coef, np.zeros(K), 0.1), rtol=0.02)


def test_extending_a_path_keeps_to_the_bounds():
    settings = {"family": "multinomial", "n_alphas": 5, "alpha_min_ratio": 0.05, "tol": 1e-9}
    path = riata.fit_path(X, LABELS, lower_bounds=-0.2, upper_bounds=0.3, **settings)
    longer = path.extend(X, LABELS, [0.5 * path.alphas[-1]])
    coef = longer.coef(longer.alphas[-1])
    assert longer.status[-1] == "converged"
    assert coef.min() == -0.2
    assert coef.max() == 0.3


def test_folds_keep_to_the_bounds():
    settings = {"family": "multinomial", "lower_bounds": 0.0, "upper_bounds": 0.5, "tol": 1e-9}
    fold = RNG.permutation(N) % 4
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(4)]
    found = riata.cross_validate(
        X, LABELS, cv=splits, n_alphas=8, alpha_min_ratio=0.05, keep_fold_paths=True, **settings
    )
    losses = np.zeros((4, found.alphas.size))
    for k, (train, test) in enumerate(splits):
        path = riata.fit_path(X[train], LABELS[train], alphas=found.alphas[0], **settings)
        for a, alpha in enumerate(path.alphas):
            coef = found.fold_paths[0][k].coef(alpha)
            assert coef.min() >= 0.0
            assert coef.max() <= 0.5
            np.testing.assert_allclose(coef, path.coef(alpha), atol=1e-4)
            eta = X[test] @ path.coef(alpha).T + path.intercept(alpha)
            losses[k, a] = (logsumexp(eta, axis=1) - eta[np.arange(len(test)), LABELS[test]]).mean()
    ratio = found.scores[0] / losses.T  # deviance is twice the loss
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)


def test_what_only_bounds_would_hold_is_refused():
    given, held = (X, LABELS), {"family": "multinomial", "lower_bounds": 0.0}
    message = "alpha and penalty_factor must penalise every feature that has bounds"
    factor = np.r_[0.0, np.ones(P - 1)]
    for call in (riata.fit_path, riata.alpha_max, riata.cross_validate):
        with pytest.raises(ValueError, match=message):
            call(*given, penalty_factor=factor, **held)
    with pytest.raises(ValueError, match=message):
        riata.fit_path(*given, alphas=[0.1, 0.0], **held)
    for alpha, settings in ((0.0, held), (0.1, {**held, "penalty_factor": factor})):
        with pytest.raises(ValueError, match=message):
            riata.duality_gap(*given, np.zeros((K, P)), np.zeros(K), alpha, **settings)
    for call in (riata.fit_path, riata.cross_validate):
        with pytest.raises(ValueError, match="relaxed must be False"):
            call(*given, relaxed=True, **held)
    out = np.where(np.arange(P) == 0, np.inf, 1.0)
    riata.fit_path(*given, n_alphas=3, penalty_factor=out, **held)


def test_the_estimators_keep_to_the_bounds():
    C, bounds = 0.5, {"lower_bounds": -0.3, "upper_bounds": np.linspace(0, 1, P)}
    model = LogisticRegression(C=C, l1_ratio=0.8, tol=1e-10, warm_start=True, **bounds)
    path = riata.fit_path(
        X, LABELS, family="multinomial", l1_ratio=0.8, alphas=logistic_alpha(C, N), tol=1e-10,
        **bounds,
    )  # fmt: skip
    for start in (None, np.full((K, P), 5.0)):  # the second is outside
        if start is not None:
            model.coef_ = start
        model.fit(X, LABELS)
        np.testing.assert_allclose(model.coef_, path.coef(path.alphas[0]), atol=1e-5)
        assert (model.coef_ >= -0.3).all()
        assert (model.coef_ <= bounds["upper_bounds"]).all()
    found = LogisticRegressionCV(Cs=[0.1, C], l1_ratios=(0.8,), cv=3, **bounds).fit(X, LABELS)
    assert (found.coefs_paths_[..., :-1] >= -0.3).all()
    assert (found.coefs_paths_[..., :-1] <= bounds["upper_bounds"]).all()
    with pytest.raises(ValueError, match="must penalise every feature that has bounds"):
        LogisticRegression(C=np.inf, **bounds).fit(X, LABELS)


def test_many_classes_with_wide_working_sets():
    """More coefficients than take whole Newton steps."""
    rng = np.random.default_rng(5)
    A = rng.standard_normal((150, 220))
    labels = np.argmax(A[:, :6] + rng.gumbel(size=(150, 6)), axis=1)
    judged(
        Multinomial(), labels, np.eye(6)[labels], False, A, A, l1_ratio=0.05, lower_bounds=0.0,
        upper_bounds=0.05, alphas=[0.5, 0.05],
    )  # fmt: skip
